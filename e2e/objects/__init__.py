"""What a real Go provider created for a manifest, beside what we render for it: `python -m e2e.objects DIR…`.

A folder is one case, as in ../shared/conformance/objects: `manifest.json`, `lease.json`, `objects.json` (the objects as
the API server gave them back) and `requests.json` (each write as it was sent). Ours go through a real API server in a
dry run first, so both sides have its defaults. What differs on purpose is in one table, differences.py; anything else
is a failure, and so is, over all recorded cases, a row of the table that none of them needs.
"""
