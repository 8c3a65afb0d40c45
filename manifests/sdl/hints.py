"""A cure for the mistakes people really make, found by surveying public SDL files (sdl-manifest.md §16): wrong size
suffixes first."""

from __future__ import annotations

import difflib
import re

from manifests.errors import SdlInvalid

_SIZE = re.compile(r"([0-9.]+)\s*([kmgtp])(i?b?|ib)", re.IGNORECASE | re.ASCII)
_TOP = ("version", "services", "profiles", "deployment", "endpoints", "reclamation")
_BY_MESSAGE = (
    ("cannot start any token", "put text that begins with @ or ` in quotes; indent with spaces, never with a tab"),
    ("tab character", "YAML is indented with spaces; there is a tab near this line"),
    (
        "mapping values are not allowed",
        "put text that contains `: ` in quotes, or look for a missing line break before it",
    ),
    ("no service is exposed to the world", "add `to: [{global: true}]` to the port your users connect to"),
    ("there is no group", "add a deployment block that names each service, its placement, profile and count"),
    ("must be a list", "write one item per line, each behind a dash"),
    ("asks for nothing in all", "give at least one service a count above 0"),
    ("has no price for", "each profile needs a price in every placement it is deployed to"),
    ("is already used by port", "hosts under `accept` apply to every entry of `to`; split the expose, one entry each"),
    ("is not a denomination", "write denom: uact"),
)


def hint(error: SdlInvalid) -> str | None:
    """One sentence that says what to write instead, where that can be guessed."""
    value = error.value if isinstance(error.value, str) else ""
    if "size" in error.message and (m := _SIZE.fullmatch(value.strip())):
        return f"write {m[1]}{m[2].upper()}i"
    if "is not a key of an SDL file" in error.message:
        near = difflib.get_close_matches(error.path, _TOP, n=1)
        return f"was {near[0]} meant?" if near else "blocks of one's own, such as x-…, are not allowed at the top"
    return next((cure for words, cure in _BY_MESSAGE if words in error.message), None)
