"""Quantities as they stand in live objects ("250m", "1.5Gi", 2) as whole numbers. Pure.

The grammar is manifests/units.py; here it is remembered, because a cluster says the same few sizes ten thousand times
over.
"""

from __future__ import annotations

from functools import lru_cache

from manifests.units import parse_cpu_milli, parse_quantity


def whole(quantity: object) -> int:
    """Bytes, pieces: "1Gi" is 1073741824. ValueError when it is no quantity."""
    return _whole(str(quantity))


def milli(quantity: object) -> int:
    """Thousandths: "1.5" is 1500."""
    return _milli(str(quantity))


_whole = lru_cache(maxsize=4096)(parse_quantity)
_milli = lru_cache(maxsize=4096)(parse_cpu_milli)
