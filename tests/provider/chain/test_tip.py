"""Which heights are believed, as a story of who shows what and when."""

from __future__ import annotations

import pytest

from provider.chain.tip import FORGET_S, LEAP_BLOCKS, Tip

FAR = 10**6
Step = tuple[float, int, int, int]
"""(seconds, node, the height it shows, the height believed then)"""

STORIES: dict[str, list[Step]] = {
    "two in step": [(0, 0, 100, 100), (1, 1, 100, 100), (6, 0, 101, 101), (7, 1, 100, 101)],
    "one falls behind and pulls nobody down": [(0, 0, 100, 100), (1, 1, 100, 100), (2, 0, 60, 100), (3, 0, 61, 100)],
    "one shows nonsense once": [
        (0, 0, 100, 100), (1, 1, 100, 100), (2, 0, FAR, 100), (8, 1, 101, 101), (9, 0, 101, 101),
    ],
    "one shows nonsense for ever": [
        (0, 0, 100, 100), (1, 1, 100, 100),
        *((10.0 * n, n % 2, 100 + n if n % 2 else FAR + n, 100 + n - (n % 2 == 0)) for n in range(1, 200)),
    ],
    "nonsense at the very start, then not": [(0, 0, FAR, FAR), (1, 1, 100, FAR), (2, 0, 101, 101), (3, 1, 101, 101)],
    "nonsense at the very start, then silence": [
        (0, 0, FAR, FAR), (1, 1, 100, FAR), (FORGET_S, 1, 200, FAR), (FORGET_S + 1, 1, 201, 201),
    ],
    "nonsense at the very start and for ever, and two that know better": [
        (0, 0, FAR, FAR), (1, 1, 100, FAR), (2, 0, FAR + 1, FAR + 1), (3, 2, 100, 100), (4, 0, FAR + 2, 100),
        (9, 1, 101, 101),
    ],
    "two that stand still against one that goes on": [
        (0, 0, 9000, 9000), (1, 1, 100, 9000), (2, 2, 100, 100), (8, 0, 9001, 100), (200, 0, 9002, 9002),
        (201, 1, 100, 9002), (202, 2, 100, 9002), (203, 0, 9003, 9003),
    ],
    "two that stood still since long ago": [
        (0, 0, 9000, 9000), (1, 1, 9000, 9000), (2, 2, 100, 9000), (3, 1, 100, 9000), (4, 0, 9001, 9001),
    ],
    "nonsense is no witness": [(0, 0, 100, 100), (1, 1, 100, 100), (2, 0, 2 * FAR, 100), (3, 1, FAR, 100)],
    "alone there is nobody to doubt it": [(0, 0, 100, 100), (1, 0, FAR, FAR), (2, 0, 101, 101)],
    "after a long sleep, by the clock": [(0, 0, 100, 100), (1, 1, 100, 100), (3600, 0, 100 + 60_000, 100 + 60_000)],
    "after a sleep the clock missed, by agreement": [
        (0, 0, 100, 100), (1, 1, 100, 100), (2, 0, 9000, 100), (3, 1, 9001, 9001), (4, 0, 9001, 9001),
    ],
    "two that agree on neither": [(0, 0, 100, 100), (1, 1, 100, 100), (2, 0, FAR, 100), (3, 1, 2 * FAR, 100)],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_what_is_believed(story: list[Step]) -> None:
    tip = Tip()
    for at_s, node, height, best in story:
        tip.shows(node, height, at_s)
        assert tip.best == best, (at_s, node, height)


def test_who_has_gone_astray() -> None:
    tip = Tip()
    tip.shows(0, 100, 0)
    assert not tip.astray(100 + LEAP_BLOCKS)
    assert tip.astray(101 + LEAP_BLOCKS)
