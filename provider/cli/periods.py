"""Periods as an operator types them: 90s, 30m, 24h, 7d, 2w."""

from __future__ import annotations

import re

from provider.errors import ConfigError

_PERIOD = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(text: str, where: str) -> int:
    """ConfigError names `where`, the flag it was given with."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise ConfigError(where, f"{text!r} is not a period", "Write a number with s, m, h, d or w behind it: 30d.")
    return int(found.group(1)) * _SECONDS[found.group(2)]


def shown(period_s: int) -> str:
    """For people, two units at most: 3d 4h, 2h 5m, 40s."""
    parts = []
    for unit, size in reversed(_SECONDS.items()):
        if unit != "w" and (count := period_s // size):
            parts.append(f"{count}{unit}")
            period_s -= count * size
    return " ".join(parts[:2]) or "0s"
