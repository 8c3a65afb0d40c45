"""Go's `sort.SliceStable`, step by step. For a rule that is a strict order this is any stable sort; the rule that
orders volumes is not one, so what comes out is defined by the steps alone (sdl-manifest.md §5.1).

Runs of twenty are sorted by insertion, then neighbours are merged in place (SymMerge: cut both runs so that the middle
parts can change places, then merge the two halves)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
_RUN = 20


def go_stable_sorted(values: Iterable[T], less: Callable[[T, T], bool]) -> tuple[T, ...]:
    """What Go leaves of `values`; `less` need not be a strict order."""
    a = list(values)
    for start in range(0, len(a), _RUN):
        _insert(a, start, min(start + _RUN, len(a)), less)
    size = _RUN
    while size < len(a):
        for start in range(0, len(a) - size, 2 * size):
            _merge(a, start, start + size, min(start + 2 * size, len(a)), less)
        size *= 2
    return tuple(a)


def _insert(a: list[T], lo: int, hi: int, less: Callable[[T, T], bool]) -> None:
    for i in range(lo + 1, hi):
        for j in range(i, lo, -1):
            if not less(a[j], a[j - 1]):
                break
            a[j], a[j - 1] = a[j - 1], a[j]


def _merge(a: list[T], lo: int, mid: int, hi: int, less: Callable[[T, T], bool]) -> None:
    """The runs [lo, mid) and [mid, hi) into one."""
    if mid - lo == 1:
        to = _first(mid, hi, lambda i: not less(a[i], a[lo]))
        a[lo:to] = [*a[lo + 1 : to], a[lo]]
        return
    if hi - mid == 1:
        to = _first(lo, mid, lambda i: less(a[mid], a[i]))
        a[to:hi] = [a[mid], *a[to:mid]]
        return
    half = (lo + hi) // 2
    mirror = half + mid
    low, high = (mirror - hi, half) if mid > half else (lo, mid)
    start = _first(low, high, lambda i: less(a[mirror - 1 - i], a[i]))
    end = mirror - start
    if start < mid < end:
        a[start:end] = a[mid:end] + a[start:mid]
    if lo < start < half:
        _merge(a, lo, start, half, less)
    if half < end < hi:
        _merge(a, half, end, hi, less)


def _first(lo: int, hi: int, good: Callable[[int], bool]) -> int:
    """By halving: where `good` begins to hold in [lo, hi)."""
    while lo < hi:
        at = (lo + hi) // 2
        lo, hi = (lo, at) if good(at) else (at + 1, hi)
    return lo
