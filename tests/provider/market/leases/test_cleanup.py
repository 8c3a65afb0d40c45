from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from manifests.ids import LeaseID
from provider.cluster.health.litter import Litter, Stuck
from provider.errors import Refused, Retry
from provider.market.book import Book
from provider.market.leases.cleanup import LOOK_S, Cleanup


@dataclass
class Yard:
    fresh: bool = True
    lies: dict[LeaseID, list[Litter]] = field(default_factory=dict)
    stays: list[Stuck] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)

    def litter(self, lease: LeaseID, now_unix_s: int) -> list[Litter]:
        return self.lies.get(lease, [])

    def stuck(self, now_unix_s: int) -> list[Stuck]:
        return self.stays

    async def discard(self, litter: Litter) -> None:
        if (trouble := self.trouble.pop(litter.pod, None)) is not None:
            raise trouble
        self.gone.append(litter.pod)

    def expired(self, now_unix_s: int) -> list[str]:
        return self.old

    async def discard_volume(self, name: str) -> None:
        self.gone.append(name)


@pytest.fixture
async def book(chain: Any) -> Book:
    return await Book.load(chain, "akash1us", 3, 30)


def pods(*names: str) -> list[Litter]:
    return [Litter("ns", name, "ended-pod", "Evicted") for name in names]


async def test_only_what_lies_with_our_live_leases_is_touched(book: Book, chain: Any) -> None:
    ours = chain.add_lease(chain.add_order(1))
    book.leases[ours] = chain.leases_[ours]
    yard = Yard(lies={ours: pods("a", "b"), LeaseID("akash1x", 1, 1, 1, "akash1rival"): pods("c")})
    cleanup = Cleanup(book, yard)
    await cleanup.look()
    assert yard.gone == ["a", "b"]
    assert ("akp_cleaned_total", {"what": "ended-pod"}, 2) in list(cleanup.gauges())


async def test_nothing_is_touched_while_the_mirrors_may_be_behind(book: Book, chain: Any) -> None:
    ours = chain.add_lease(chain.add_order(1))
    book.leases[ours] = chain.leases_[ours]
    yard = Yard(fresh=False, lies={ours: pods("a")})
    await Cleanup(book, yard).look()
    assert yard.gone == []


@pytest.mark.parametrize("trouble", [Retry("503"), Refused("pods is forbidden")], ids=["passes", "a right is missing"])
async def test_what_cannot_be_deleted_does_not_keep_the_rest(book: Book, chain: Any, trouble: Exception) -> None:
    ours = chain.add_lease(chain.add_order(1))
    book.leases[ours] = chain.leases_[ours]
    yard = Yard(lies={ours: pods("a", "b")}, trouble={"a": trouble})
    cleanup = Cleanup(book, yard)
    await cleanup.look()
    assert yard.gone == ["b"]
    await cleanup.look()
    assert yard.gone == ["b", "a", "b"]


async def test_a_volume_whose_time_is_over_goes(book: Book) -> None:
    yard = Yard(old=["pvc-1"])
    cleanup = Cleanup(book, yard)
    await cleanup.look()
    assert yard.gone == ["pvc-1"]
    assert ("akp_cleaned_total", {"what": "retained-volume"}, 1) in list(cleanup.gauges())


async def test_what_is_stuck_is_told_once_and_counted(book: Book) -> None:
    yard = Yard(stays=[Stuck("namespace", "", "abc", 5, "x.example/keep")])
    cleanup = Cleanup(book, yard)
    with capture_logs() as logs:
        await cleanup.look()
        await cleanup.look()
    assert [(log["name"], log["waits_for"]) for log in logs] == [("abc", "x.example/keep")]
    assert ("akp_stuck", {"kind": "namespace"}, 1) in list(cleanup.gauges())
    yard.stays = [Stuck("namespace", "", "abc", 5, "pods. has 1 resource instances")]
    with capture_logs() as logs:
        await cleanup.look()
    assert len(logs) == 1, "it waits for something else"


@pytest.mark.looptime
async def test_it_looks_again_and_again(book: Book, chain: Any) -> None:
    ours = chain.add_lease(chain.add_order(1))
    book.leases[ours] = chain.leases_[ours]
    yard = Yard(lies={ours: pods("a")})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Cleanup(book, yard).run(), 3.5 * LOOK_S)
    assert yard.gone == ["a"] * 3
