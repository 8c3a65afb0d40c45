from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from provider.cluster.apiservers import LASTED_S, Address, ApiServers

pytestmark = pytest.mark.looptime
ONE, TWO, THREE = ("10.0.0.1", 6443), ("10.0.0.2", 6443), ("10.0.0.3", 6443)


@dataclass
class Play:
    seen: list[tuple[Address, ...]] = field(default_factory=list)
    told: list[tuple[Address, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.servers = ApiServers(lambda: self.seen, lambda: self.told.append(self.servers.now))

    def says(self, *addresses: Address) -> tuple[Address, ...]:
        """One slice for each."""
        self.seen = [(address,) for address in addresses]
        self.servers.look()
        return self.servers.now


async def test_they_are_known_at_once_and_a_change_counts_once_it_has_lasted() -> None:
    play = Play()
    assert play.servers.now == ()
    assert play.says(TWO, ONE) == (ONE, TWO)
    await asyncio.sleep(10 * LASTED_S)
    assert play.told == [], "nothing was rendered without them"
    assert play.says(ONE, THREE) == (ONE, TWO), "a lease looked at meanwhile keeps its policies"
    assert play.told == []
    await asyncio.sleep(LASTED_S + 1)
    assert play.told == [(ONE, THREE)]
    assert play.servers.now == (ONE, THREE)
    await asyncio.sleep(10 * LASTED_S)
    assert len(play.told) == 1


async def test_one_that_is_back_before_long_was_no_change() -> None:
    play = Play()
    play.says(ONE, TWO)
    play.says(ONE)
    await asyncio.sleep(LASTED_S - 1)
    play.says(ONE, TWO)
    await asyncio.sleep(10 * LASTED_S)
    assert play.told == []


async def test_changes_that_follow_one_another_are_told_together() -> None:
    play = Play()
    play.says(ONE)
    for addresses in ((ONE, TWO), (ONE, TWO, THREE), (TWO, THREE)):
        play.says(*addresses)
        await asyncio.sleep(LASTED_S - 1)
    await asyncio.sleep(10)
    assert play.told == [(TWO, THREE)]


async def test_none_at_all_is_never_believed() -> None:
    play = Play()
    play.says(ONE)
    assert play.says() == (ONE,)
    await asyncio.sleep(10 * LASTED_S)
    assert play.told == []
    assert play.says(TWO) == (ONE,)
    await asyncio.sleep(10 * LASTED_S)
    assert play.told == [(TWO,)]
