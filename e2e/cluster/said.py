"""What a command in a container said, when nothing of it may be missing.

The way from a container to us can lose the last words of a command and still call it a success
(kubernetes/kubernetes#124571). So a script says at its end that this was all, and is run again until that arrives.
"""

from __future__ import annotations

EXEC_TRIES = 20
_THAT_WAS_ALL = "-- that was all"


def saying_so(script: str) -> str:
    """The same shell script, which says so in the end."""
    return f"{script}\necho '{_THAT_WAS_ALL}'"


def all_said(output: str) -> str | None:
    """What such a script printed; None when something got lost."""
    end = f"{_THAT_WAS_ALL}\n"
    return output.removesuffix(end) if output.endswith(end) else None
