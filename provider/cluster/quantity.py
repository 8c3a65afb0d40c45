"""Kubernetes quantities ("250m", "1.5Gi", "1e3", 2) as whole numbers. Always rounded up, as the scheduler does:
pure."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_POWERS = {
    suffix: Fraction(10) ** power
    for suffix, power in zip(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), range(-9, 19, 3), strict=True)
}
_POWERS |= {
    suffix: Fraction(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)
}

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3}(?![\d.]))?)(?P<suffix>[KMGTPE]i|[numkMGTPE]?)", re.ASCII
)


def whole(text: object) -> int:
    """Bytes, pieces: "1Gi" is 1073741824. ValueError when it is no quantity."""
    return _rounded_up(str(text), 1)


def milli(text: object) -> int:
    """Thousandths: "1.5" is 1500."""
    return _rounded_up(str(text), 1000)


@lru_cache(maxsize=4096)  # a cluster says the same few sizes over and over
def _rounded_up(text: str, scale: int) -> int:
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a Kubernetes quantity")
    value = Fraction(found["number"]) * _POWERS[found["suffix"]] * scale
    return -((-value.numerator) // value.denominator)
