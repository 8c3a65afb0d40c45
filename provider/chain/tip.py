"""The highest block there is, as far as nodes can be believed: what the lag of each is measured by. Pure.

A height is believed when the chain may have got there since the last one believed, when another node shows about the
same, or when there is no other to compare with. The highest one believed stays, so that a node cannot pull the measure
down by falling behind; but when nobody shows anything near it any more, it was an error, and is forgotten. So is the
first one, which had nobody to be compared with, when two others agree that the chain is far from there.
"""

from __future__ import annotations

LEAP_BLOCKS = 1000
"""this far apart, two heights are not of one moment, whatever the delays"""
MOST_BLOCKS_PER_S = 50
"""no chain is faster, the test networks' included"""
FORGET_S = 600.0
"""what a node has shown counts for so long"""


class Tip:
    def __init__(self) -> None:
        self.best = 0
        """0 until a node has shown anything"""
        self._best_s = 0.0
        self._vouched = False
        """A second node has shown about the same, or what `best` has grown from since."""
        self._shown: dict[int, tuple[int, float]] = {}

    def shows(self, node: int, height: int, now_s: float) -> None:
        """The node's last block is this one."""
        self._shown[node] = height, now_s
        fresh = {n: h for n, (h, at_s) in self._shown.items() if now_s - at_s <= FORGET_S}
        others = [h for n, h in fresh.items() if n != node]
        below = [h for h in fresh.values() if h < self.best - LEAP_BLOCKS]
        if len(below) == len(fresh) or (not self._vouched and _two_agree(below)):
            self.best, self._best_s, self._vouched = max(below), now_s, False
        elif height > self.best and self._believable(height, others, now_s):
            self.best, self._best_s, self._vouched = height, now_s, self._vouched and bool(others)
        if sum(abs(h - self.best) <= LEAP_BLOCKS for h in fresh.values()) > 1:
            self._vouched = True

    def astray(self, height: int) -> bool:
        """No node in its right mind shows this one."""
        return height > self.best + LEAP_BLOCKS

    def _believable(self, height: int, others: list[int], now_s: float) -> bool:
        if self.best == 0 or not others:
            return True
        grown = (now_s - self._best_s) * MOST_BLOCKS_PER_S
        return height <= self.best + LEAP_BLOCKS + grown or any(abs(height - h) <= LEAP_BLOCKS for h in others)


def _two_agree(heights: list[int]) -> bool:
    return sum(h >= max(heights) - LEAP_BLOCKS for h in heights) > 1
