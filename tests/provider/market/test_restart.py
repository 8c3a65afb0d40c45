"""What a new process finds again: at which height it begins to read, and which promises it takes up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bidengine.node import Inventory, Node
from bidengine.packing import Packing, Strategy
from bidengine.room import HoldState
from provider.chain.comet import Head as Tip
from provider.chain.follow import GapTooWide
from provider.errors import ConfigError, Fatal, Pruned, Retry
from provider.ledger.books import Books, Head
from provider.ledger.store import Store
from provider.market.book import Book
from provider.market.restart import MOST_BEHIND, rebuilt, remembered
from provider.metrics import Metrics
from provider.settings import BidSettings, ClusterSettings

US = "akash1us"
TIP = 9000


@dataclass
class Past:
    """A chain at height 9000 that remembers states from `keeps_from` on, all of them alike, and blocks from
    `blocks_from` on."""

    state: Any
    keeps_from: int = 1
    blocks_from: int = 1
    asked: list[int] = field(default_factory=list)

    gap: GapTooWide | None = None

    async def gap_after(self, height: int) -> GapTooWide | None:
        assert height < TIP, "there is no block after the tip"
        return self.gap

    async def head(self) -> Tip:
        return Tip(TIP, TIP * 10)

    async def time_at(self, height: int) -> int | None:
        return height * 10 if height >= self.blocks_from else None

    def at(self, height: int) -> Any:
        self.asked.append(height)
        return self.state if height >= self.keeps_from else _Pruned()


class _Pruned:
    async def provider(self, owner: str) -> Any:
        raise Pruned("failed to load state at height 8000; version does not exist")


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Books(store)


async def test_the_first_start_begins_at_the_tip(chain: Any, books: Books) -> None:
    past = Past(chain)
    book = await remembered(past, books, US, Metrics())
    assert (book.height, book.time_unix_ns, past.asked) == (TIP, TIP * 10, [TIP])


@pytest.mark.parametrize(
    ("head", "begins"),
    [
        (TIP, TIP),
        (TIP - 1, TIP - 1),
        (TIP - MOST_BEHIND, TIP - MOST_BEHIND),
        (TIP - MOST_BEHIND - 1, TIP),
    ],
    ids=["nothing missed", "one block", "as many as are replayed", "too many"],
)
async def test_a_later_start_reads_on_where_the_ledger_ends(chain: Any, books: Books, head: int, begins: int) -> None:
    await books.advance(Head(head, head * 10))
    book = await remembered(Past(chain), books, US, Metrics())
    assert (book.height, book.time_unix_ns) == (begins, begins * 10)


async def test_a_state_that_is_pruned_is_given_up_for_the_present_one(chain: Any, books: Books) -> None:
    await books.advance(Head(TIP - 100, (TIP - 100) * 10))
    past = Past(chain, keeps_from=TIP - 50)
    metrics = Metrics()
    book = await remembered(past, books, US, metrics)
    assert book.height == TIP
    assert past.asked == [TIP - 100, TIP]
    assert counted(metrics) == [100, 1]


async def test_the_present_is_that_of_after_the_wait(chain: Any, books: Books) -> None:
    """Nodes go away while the state is read; when they are back, they keep neither that one nor the tip of then."""

    class Gone(Past):
        tip = TIP

        async def head(self) -> Tip:
            return Tip(self.tip, self.tip * 10)

        def at(self, height: int) -> Any:
            if height == TIP - 100 and self.tip == TIP:
                self.tip, self.keeps_from = TIP + 5000, TIP + 4000
                raise Retry("nobody is there", after_s=0)
            return super().at(height)

    await books.advance(Head(TIP - 100, (TIP - 100) * 10))
    metrics = Metrics()
    book = await remembered(Gone(chain), books, US, metrics)
    assert (book.height, counted(metrics)) == (TIP + 5000, [5100, 1])


def counted(metrics: Metrics) -> list[float | None]:
    read = metrics.registry.get_sample_value
    return [read("akp_blocks_skipped_total"), read("akp_chain_reloads_total")]


async def test_blocks_that_cannot_be_read_are_not_tried_for_ever_but_skipped_told_and_counted(
    chain: Any, books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    await books.advance(Head(TIP - 7, (TIP - 7) * 10))
    past, metrics = Past(chain, gap=GapTooWide(TIP - 7, TIP - 5, "an event cannot be read")), Metrics()
    assert (await remembered(past, books, US, metrics)).height == TIP
    assert counted(metrics) == [7, 1]
    said = capsys.readouterr().out
    for words in ("blocks are skipped", f"after={TIP - 7}", f"at={TIP}", "skipped=7", "an event cannot be read"):
        assert words in said


async def test_a_start_without_a_gap_counts_nothing(chain: Any, books: Books) -> None:
    await books.advance(Head(TIP - 7, (TIP - 7) * 10))
    metrics = Metrics()
    await remembered(Past(chain), books, US, metrics)
    assert counted(metrics) == [0, 0]


@pytest.mark.parametrize("younger_ns", [0, 1, 10**4])
async def test_another_chain_of_the_same_name_stops_everything_and_the_ledger_is_kept(
    chain: Any, books: Books, younger_ns: int
) -> None:
    """Below what the ledger has reached, and yet no older."""
    await books.advance(Head(TIP + 4, TIP * 10 - younger_ns))
    with pytest.raises(Fatal, match=r"9004.*9000.*another chain") as told:
        await remembered(Past(chain), books, US, Metrics(), look_again_s=3600)
    assert "empty" not in str(told.value)


@pytest.mark.parametrize("behind", [0, 1, 100, MOST_BEHIND + 1])
@pytest.mark.parametrize("off_ns", [-1, 1, 10**15])
async def test_another_chain_of_the_same_name_that_has_outgrown_the_ledger_is_told_as_well(
    chain: Any, books: Books, behind: int, off_ns: int
) -> None:
    """Its block at that height is of another time."""
    at = TIP - behind
    await books.advance(Head(at, at * 10 + off_ns))
    with pytest.raises(Fatal, match=rf"block {at} of .*another chain.*chain\.nodes"):
        await remembered(Past(chain), books, US, Metrics())


async def test_nothing_is_said_against_a_chain_whose_nodes_keep_that_block_no_more_or_are_away(
    chain: Any, books: Books
) -> None:
    class Away(Past):
        looks = 0

        async def time_at(self, height: int) -> int | None:
            self.looks += 1
            if self.looks < 3:
                raise Retry("nobody is there", after_s=0)
            return await super().time_at(height)

    await books.advance(Head(TIP - 100, 1))
    assert (await remembered(Past(chain, blocks_from=TIP - 99), books, US, Metrics())).height == TIP - 100
    with pytest.raises(Fatal, match="another chain"):
        await remembered(Away(chain), books, US, Metrics())


@pytest.mark.parametrize("behind", [1, 3, 4, 100])
async def test_nodes_that_are_behind_or_away_are_waited_for_and_that_is_told(
    chain: Any, books: Books, capsys: pytest.CaptureFixture[str], behind: int
) -> None:
    class Late(Past):
        """Its tip moves on with each look; at times nobody answers."""

        tip, looks = TIP - behind, 0

        async def head(self) -> Tip:
            self.looks += 1
            if self.looks % 50 == 2:
                raise Retry("nobody is there", after_s=0)
            found = Tip(self.tip, self.tip * 10)
            self.tip += 1
            return found

    await books.advance(Head(TIP, TIP * 10))
    metrics, told = Metrics(), list[tuple[str, int]]()
    late = Late(chain)
    book = await remembered(late, books, US, metrics, waits=lambda *what: told.append(what), look_again_s=0)
    assert (book.height, counted(metrics)) == (TIP, [0, 0])
    assert [n for _, n in told] == list(range(behind, 0, -1))
    assert told[0][0] == f"the nodes are at height {TIP - behind}, {behind} blocks behind the ledger's {TIP}"
    said = capsys.readouterr().out
    assert "waiting for a node in step" in said
    assert "nobody is there" in said


async def test_an_unregistered_provider_is_told_not_worked_around(chain: Any, books: Books) -> None:
    await books.advance(Head(TIP - 5, (TIP - 5) * 10))
    with pytest.raises(ConfigError, match="akash1nobody is not registered"):
        await remembered(Past(chain), books, "akash1nobody", Metrics())


def one_core() -> Inventory:
    return Inventory((Node("n1", 1000, 4 << 30, 64 << 30),), node_ports=10)


async def test_leases_and_open_bids_get_their_room_again(chain: Any) -> None:
    leased, bid, open_ = (
        chain.add_order(n, cpu_milli=400, state=s) for n, s in ((1, "active"), (2, "open"), (3, "open"))
    )
    chain.add_bid(leased, state="active")
    lease = chain.add_lease(leased)
    chain.add_bid(bid)
    room, unkept = rebuilt(await Book.load(chain, US, 7, 70), one_core(), ClusterSettings(), BidSettings())
    assert unkept == {}
    assert {key: hold.state for key, hold in room.holds.items()} == {leased: HoldState.LEASED, bid: HoldState.BID}
    assert room.holds[leased].lease == lease
    assert open_ not in room.holds


async def test_a_bid_without_room_is_named_with_the_reason_and_a_lease_is_kept_all_the_same(chain: Any) -> None:
    """The node is smaller than it was: the lease stays, the bid must be closed before a tenant takes it."""
    leased, bid = chain.add_order(1, cpu_milli=900, state="active"), chain.add_order(2, cpu_milli=900)
    chain.add_bid(leased, state="active")
    chain.add_lease(leased)
    chain.add_bid(bid)
    room, unkept = rebuilt(await Book.load(chain, US, 7, 70), one_core(), ClusterSettings(), BidSettings())
    assert set(room.holds) == {leased}
    assert set(unkept) == {bid}
    assert "CPU" in unkept[bid] or "cpu" in unkept[bid]


async def test_a_bid_whose_order_is_over_does_not_take_the_room_of_one_that_may_still_win(chain: Any) -> None:
    """Its room was free before the chain has closed it, and the later bid was made on it."""
    lost, waits = chain.add_order(1, cpu_milli=900, state="active"), chain.add_order(2, cpu_milli=900)
    chain.add_bid(lost, at=2), chain.add_bid(waits, at=5)
    room, unkept = rebuilt(await Book.load(chain, US, 7, 70), one_core(), ClusterSettings(), BidSettings())
    assert (set(room.holds), set(unkept)) == ({waits}, {lost})


async def test_over_commitment_counts_at_a_restart_too(chain: Any) -> None:
    for n in (1, 2):
        chain.add_bid(chain.add_order(n, cpu_milli=900))
    book = await Book.load(chain, US, 7, 70)
    _, unkept = rebuilt(book, one_core(), ClusterSettings(), BidSettings())
    assert len(unkept) == 1
    _, unkept = rebuilt(book, one_core(), ClusterSettings(overcommit_cpu_percent=100), BidSettings())
    assert unkept == {}


async def test_the_packing_of_the_settings_is_the_rooms(chain: Any) -> None:
    book = await Book.load(chain, US, 7, 70)
    settings = BidSettings(packing="protect-gpu", gpu_node_cpu_share_percent=30)
    room, _ = rebuilt(book, one_core(), ClusterSettings(), settings)
    assert room.packing == Packing(Strategy.PROTECT_GPU, 30)
    assert rebuilt(book, one_core(), ClusterSettings(), BidSettings())[0].packing == Packing(Strategy.BEST_FIT, 0)
