"""Go's duration text, `24h`, `1h30m`, `1.5h`, in nanoseconds. There are no days, and a number needs a unit."""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_MAX_NS = (1 << 63) - 1


def parse_duration_ns(text: str) -> int:
    """Nanoseconds, each part cut towards zero; ValueError for what Go's `time.ParseDuration` refuses."""
    help_ = f"{text[:40]!r} is not a duration; expected hours, minutes and seconds like 24h or 1h30m"
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    if not body or len(text) > 128:
        raise ValueError(help_)
    total, at = 0, 0
    while at < len(body):
        m = _PART.match(body, at)
        if m is None:
            raise ValueError(help_)
        whole, _, part = m[1].partition(".")
        total += int(Fraction(int((whole + part) or "0"), 10 ** len(part)) * _UNITS_NS[m[2]])
        at = m.end()
    if total > _MAX_NS:
        raise ValueError(f"{text[:40]!r} is longer than 292 years, which is as long as a duration can be")
    return -total if text.startswith("-") else total
