"""Go's `sort.Sort`, step by step, because the order of equal elements is part of what a tenant's hash covers.

Up to twelve elements it is an insertion sort and therefore stable; above, equal elements are moved around in a fixed
way that depends on the whole list (pattern-defeating quicksort, sdl-manifest.md Appendix A). The rules that sort
exposes compare only some of their fields, so ties are common and this order is visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")
_SMALL = 12
_NINTHER = 50
_U64 = (1 << 64) - 1


def go_sorted(values: Iterable[T], less: Callable[[T, T], bool]) -> tuple[T, ...]:
    """What Go's `sort.Sort` leaves of `values`."""
    run = _Run(list(values), less)
    run.sort(0, len(run.a), len(run.a).bit_length())
    return tuple(run.a)


class _Hint(Enum):
    UNKNOWN = 0
    INCREASING = 1
    DECREASING = 2


@dataclass(slots=True)
class _Run(Generic[T]):
    a: list[T]
    less_: Callable[[T, T], bool]

    def less(self, i: int, j: int) -> bool:
        return self.less_(self.a[i], self.a[j])

    def swap(self, i: int, j: int) -> None:
        self.a[i], self.a[j] = self.a[j], self.a[i]

    def insertion(self, lo: int, hi: int) -> None:
        for i in range(lo + 1, hi):
            j = i
            while j > lo and self.less(j, j - 1):
                self.swap(j, j - 1)
                j -= 1

    def sort(self, lo: int, hi: int, limit: int) -> None:
        """Quicksort of [lo, hi); `limit` bad pivots are allowed before heap sort takes over."""
        balanced = partitioned = True
        while True:
            length = hi - lo
            if length <= _SMALL:
                return self.insertion(lo, hi)
            if limit == 0:
                return self.heap(lo, hi)
            if not balanced:
                self.break_patterns(lo, hi)
                limit -= 1
            pivot, hint = self.choose_pivot(lo, hi)
            if hint is _Hint.DECREASING:
                self.a[lo:hi] = self.a[lo:hi][::-1]
                pivot, hint = hi - 1 - (pivot - lo), _Hint.INCREASING
            if balanced and partitioned and hint is _Hint.INCREASING and self.partial_insertion(lo, hi):
                return None
            if lo > 0 and not self.less(lo - 1, pivot):
                lo = self.partition_equal(lo, hi, pivot)
                continue
            mid, partitioned = self.partition(lo, hi, pivot)
            left, right = mid - lo, hi - mid
            if left < right:
                balanced = left >= length // 8
                self.sort(lo, mid, limit)
                lo = mid + 1
            else:
                balanced = right >= length // 8
                self.sort(mid + 1, hi, limit)
                hi = mid

    def choose_pivot(self, lo: int, hi: int) -> tuple[int, _Hint]:
        quarter = (hi - lo) // 4
        swaps = 0

        def median(x: int, y: int, z: int) -> int:
            nonlocal swaps
            if self.less(y, x):
                x, y, swaps = y, x, swaps + 1
            if self.less(z, y):
                y, z, swaps = z, y, swaps + 1
            if self.less(y, x):
                x, y, swaps = y, x, swaps + 1
            return y

        i, j, k = lo + quarter, lo + quarter * 2, lo + quarter * 3
        if hi - lo >= _NINTHER:
            i, j, k = median(i - 1, i, i + 1), median(j - 1, j, j + 1), median(k - 1, k, k + 1)
        j = median(i, j, k)
        return j, {0: _Hint.INCREASING, 12: _Hint.DECREASING}.get(swaps, _Hint.UNKNOWN)

    def partial_insertion(self, lo: int, hi: int) -> bool:
        """Mend a nearly sorted range with at most five moves; True when it is sorted then."""
        i = lo + 1
        for _ in range(5):
            while i < hi and not self.less(i, i - 1):
                i += 1
            if i == hi:
                return True
            if hi - lo < _NINTHER:
                return False
            self.swap(i, i - 1)
            if i - lo >= 2:
                for j in range(i - 1, 0, -1):
                    if not self.less(j, j - 1):
                        break
                    self.swap(j, j - 1)
            if hi - i >= 2:
                for j in range(i + 1, hi):
                    if not self.less(j, j - 1):
                        break
                    self.swap(j, j - 1)
        return False

    def partition_equal(self, lo: int, hi: int, pivot: int) -> int:
        """Elements equal to the pivot first; returns where the greater ones begin."""
        self.swap(lo, pivot)
        i, j = lo + 1, hi - 1
        while True:
            while i <= j and not self.less(lo, i):
                i += 1
            while i <= j and self.less(lo, j):
                j -= 1
            if i > j:
                return i
            self.swap(i, j)
            i, j = i + 1, j - 1

    def partition(self, lo: int, hi: int, pivot: int) -> tuple[int, bool]:
        """Smaller elements before the pivot; returns its place and whether nothing had to move."""
        self.swap(lo, pivot)
        i, j = lo + 1, hi - 1
        already = True
        while True:
            while i <= j and self.less(i, lo):
                i += 1
            while i <= j and not self.less(j, lo):
                j -= 1
            if i > j:
                self.swap(j, lo)
                return j, already
            already = False
            self.swap(i, j)
            i, j = i + 1, j - 1

    def break_patterns(self, lo: int, hi: int) -> None:
        """Three swaps with places drawn from a xorshift seeded by the length, to end a run of bad pivots."""
        length = hi - lo
        draw, mask = length, (1 << length.bit_length()) - 1
        middle = lo + length // 4 * 2
        for place in (middle - 1, middle, middle + 1):
            draw ^= (draw << 13) & _U64
            draw ^= draw >> 7
            draw ^= (draw << 17) & _U64
            other = draw & mask
            self.swap(place, lo + (other - length if other >= length else other))

    def heap(self, lo: int, hi: int) -> None:
        length = hi - lo

        def sift(root: int, end: int) -> None:
            while (child := 2 * root + 1) < end:
                if child + 1 < end and self.less(lo + child, lo + child + 1):
                    child += 1
                if not self.less(lo + root, lo + child):
                    return
                self.swap(lo + root, lo + child)
                root = child

        for root in range((length - 1) // 2, -1, -1):
            sift(root, length)
        for end in range(length - 1, -1, -1):
            self.swap(lo, lo + end)
            sift(0, end)
