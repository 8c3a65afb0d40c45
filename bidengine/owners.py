"""Tenants on a list, each perhaps for a time and with a reason; and such a list as text, one tenant a line.

    # whom we do not serve
    akash1k2…                                     # for good
    akash1q7…  2027-01-31                         # until then, 00:00 UTC
    akash1zw…  2027-01-31T18:00:00Z               # with the hour

Whether an entry still holds is asked with the time as an argument, so that it expires by the chain's clock and nobody
has to remove it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from manifests.bech32 import decode
from manifests.errors import Invalid

_LINE = re.compile(r"([^\s#]+)(?:\s+([^\s#]+))?\s*(?:#\s*(.*))?", re.ASCII)
_PREFIX = "akash"
_MOST_TEXT = 100
"""Longer than any address, short enough for a sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    owner: str
    until_unix_s: int | None = None
    """the first second at which it no longer holds; None for good"""
    reason: str = ""
    source: str = ""
    """the file or URL it comes from"""

    def holds(self, now_unix_s: int) -> bool:
        return self.until_unix_s is None or now_unix_s < self.until_unix_s

    def __str__(self) -> str:
        """For a sentence: its reason, source and end, as far as they are known."""
        until = "" if self.until_unix_s is None else f"until {shown_time(self.until_unix_s)}"
        return ", ".join(filter(None, (self.reason, self.source and f"listed in {self.source}", until)))


Owners = Mapping[str, Entry]


def merged(entries: Iterable[Entry]) -> dict[str, Entry]:
    """One entry per tenant: of several the one that holds longest, of equals the first."""
    out: dict[str, Entry] = {}
    for entry in entries:
        known = out.get(entry.owner)
        if known is None or _longer(entry, known):
            out[entry.owner] = entry
    return out


def parse_owners(text: str, source: str = "") -> tuple[Entry, ...]:
    """A list as text; `Invalid` names the line. All or nothing: half a list would let in whom it should keep out, and
    so would one that has lost its text or is just being written. A comment alone lists nobody."""
    if not text.strip():
        raise Invalid("", "the list is empty; if nobody is to be on it, write a line that begins with #")
    out = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        try:
            if found is None:
                raise ValueError("expected ADDRESS [UNTIL] [# reason]")
            owner, until, reason = found.groups()
            owner = parse_owner(owner)
            out.append(Entry(owner, parse_time(until) if until else None, (reason or "").strip(), source))
        except ValueError as bad:
            raise Invalid("", f"line {number}: {bad}", value=line) from None
    return tuple(out)


def format_entry(entry: Entry) -> str:
    """One line that `parse_owners` reads back."""
    until = "" if entry.until_unix_s is None else f"  {shown_time(entry.until_unix_s)}"
    reason = " ".join(entry.reason.split())
    return f"{entry.owner}{until}" + (f"  # {reason}" if reason else "")


def edited(text: str, owner: str, entry: Entry | None) -> str:
    """The list without `owner`, and with `entry` at its end; every other line, comments too, stays as it is."""
    kept = [line for line in text.splitlines() if line.split("#")[0].split()[:1] != [owner]]
    added = [format_entry(entry)] if entry is not None else [] if any(kept) else ["# nobody"]
    return "".join(f"{line}\n" for line in (*kept, *added))


def parse_owner(text: str) -> str:
    """A tenant's address; ValueError when a character is wrong, which on a list would be found out too late."""
    prefix, data = decode(text[:_MOST_TEXT])
    if prefix != _PREFIX or len(data) not in (20, 32) or text != text.lower():
        raise ValueError(f"{text[:_MOST_TEXT]!r} is not the address of an account: expected {_PREFIX}1…")
    return text


def parse_time(text: str) -> int:
    """A date (00:00 UTC), or a date with a time; UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:60]!r} is not a date like 2027-01-31 or 2027-01-31T18:00:00Z") from None


def shown_time(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _longer(one: Entry, other: Entry) -> bool:
    if other.until_unix_s is None:
        return False
    return one.until_unix_s is None or one.until_unix_s > other.until_unix_s
