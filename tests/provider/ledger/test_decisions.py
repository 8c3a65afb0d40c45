"""The chain of decisions: no row for the same answer again, no code replaced by one that settles less."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bidengine.outcomes import rank
from manifests.coins import E18, DecCoin
from manifests.ids import OrderID
from provider.ledger.decisions import Decided, Decisions, Seen
from provider.ledger.store import Store

ORDER, OTHER = OrderID("akash1o", 7, 1, 1), OrderID("akash1o", 17, 1, 2)
OURS, THEIRS = DecCoin("uact", 12 * E18), DecCoin("uact", 9 * E18 + 5 * 10**17)
H100 = "vendor/nvidia/model/h100"


@pytest.fixture
async def decisions(tmp_path: Path) -> AsyncIterator[Decisions]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield Decisions(store)


async def outcomes(decisions: Decisions, order: OrderID = ORDER) -> list[str]:
    return [link.outcome for link in await decisions.of(order)]


async def test_a_life_reads_from_top_to_bottom(decisions: Decisions) -> None:
    facts = {"placement": ["unit 1: 1 on n1"], "price": ["unit 1 cpu: …"]}
    await decisions.note(
        Seen(ORDER, 4, 5, 50, '{"group": "…"}'),
        Decided(ORDER, 5, "skip.capacity.gpu_model", "no h100 left", 50),
        Decided(ORDER, 9, "bid", "", 90, price=OURS, tx_hash="AB", facts=facts, gpu_model=H100),
        Decided(ORDER, 12, "lost.price", "akash1r …", 120, price=OURS, winner="akash1r", winner_price=THEIRS),
    )
    chain = await decisions.of(ORDER)
    assert [(link.height, link.outcome) for link in chain] == [
        (5, "skip.capacity.gpu_model"), (9, "bid"), (12, "lost.price"),
    ]  # fmt: skip
    assert (chain[1].price, chain[1].tx_hash, chain[1].facts) == ("12uact", "AB", facts)
    row = await decisions.row(ORDER)
    assert row is not None
    assert (row.created_at, row.time_unix_s, row.order_json) == (4, 50, '{"group": "…"}')
    assert (row.outcome, row.decided_at, row.gpu_model) == ("lost.price", 12, H100)
    assert (row.denom, row.price_e18, row.winner, row.winner_price_e18) == (
        "uact", 12 * E18, "akash1r", THEIRS.amount_e18,
    )  # fmt: skip


async def test_the_same_answer_again_renews_the_row(decisions: Decisions) -> None:
    for height, free in ((5, 1), (6, 2), (9, 0)):
        await decisions.note(Decided(ORDER, height, "skip.capacity.aggregate", f"{free} are free"))
    (link,) = await decisions.of(ORDER)
    assert (link.height, link.until_height, link.times, link.detail) == (5, 9, 3, "0 are free")
    await decisions.note(Decided(ORDER, 10, "skip.price.above_max"), Decided(ORDER, 11, "skip.capacity.aggregate"))
    assert await outcomes(decisions) == ["skip.capacity.aggregate", "skip.price.above_max", "skip.capacity.aggregate"]


async def test_renewing_keeps_what_the_newer_one_does_not_say(decisions: Decisions) -> None:
    await decisions.note(Decided(ORDER, 5, "won", "at 12uact", price=OURS))
    await decisions.note(Decided(ORDER, 8, "won", "all services run", started_at=8))
    (link,) = await decisions.of(ORDER)
    assert (link.price, link.detail) == ("12uact", "all services run")
    row = await decisions.row(ORDER)
    assert row is not None
    assert (row.price_e18, row.started_at, row.ended_at) == (12 * E18, 8, None)


CODES = ("skip.attributes", "bid", "lost.withdrawn", "lost.timeout", "lost.price", "won", "won.failed_start")


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(CODES[1:], 2)))
async def test_a_code_that_settles_less_changes_nothing(decisions: Decisions, first: str, second: str) -> None:
    await decisions.note(Decided(ORDER, 9, second))
    await decisions.note(Decided(ORDER, 9, first))
    row = await decisions.row(ORDER)
    assert row is not None
    assert row.outcome == second
    assert await outcomes(decisions) == ([second] if rank(first) else [second, first])


async def test_a_bid_written_down_late_stands_where_it_belongs(decisions: Decisions) -> None:
    await decisions.note(Decided(ORDER, 12, "lost.price"))
    await decisions.note(Decided(ORDER, 11, "bid", price=OURS))
    assert await outcomes(decisions) == ["bid", "lost.price"]


async def test_writing_a_block_twice_changes_no_order_and_adds_no_row(decisions: Decisions) -> None:
    block = [Decided(ORDER, 12, "lost.price", price=OURS, winner="r", winner_price=THEIRS), Decided(OTHER, 12, "won")]
    await decisions.note(*block)
    before = await decisions.orders()
    await decisions.note(*block)
    assert await decisions.orders() == before
    assert await outcomes(decisions) == ["lost.price"]


async def test_what_was_first_seen_is_kept(decisions: Decisions) -> None:
    await decisions.note(Seen(ORDER, 4, 5, 50, "{}"), Seen(ORDER, 9, 9, 90, "{1}"))
    row = await decisions.row(ORDER)
    assert row is not None
    assert (row.created_at, row.order_json) == (4, "{}")


async def test_old_decisions_go_first_then_old_orders_but_none_that_lives(decisions: Decisions) -> None:
    await decisions.note(*(Decided(order, 5, "bid") for order in (ORDER, OTHER)))
    await decisions.prune(decisions_before=6, orders_before=5)
    assert await outcomes(decisions) == []
    assert len(await decisions.orders()) == 2
    await decisions.prune(decisions_before=6, orders_before=6, keep=[OTHER])
    assert [row.order for row in await decisions.orders()] == [OTHER]


async def test_an_order_that_changes_its_mind_for_ever_keeps_a_bounded_chain(decisions: Decisions) -> None:
    await decisions.note(*(Decided(ORDER, n, f"skip.{n % 2}") for n in range(250)))
    await decisions.prune(decisions_before=0, orders_before=0)
    chain = await decisions.of(ORDER)
    assert len(chain) == 100
    assert chain[-1].height == 249


async def test_lists_by_code_height_time_and_number(decisions: Decisions) -> None:
    await decisions.note(Seen(ORDER, 1, 5, 500, "{}"), Decided(ORDER, 5, "skip.price.above_max", "", 500))
    await decisions.note(Seen(OTHER, 1, 9, 900, "{}"), Decided(OTHER, 9, "skip.attributes", "", 900))

    async def found(**by: object) -> list[OrderID]:
        return [row.order for row in await decisions.orders(**by)]  # type: ignore[arg-type]

    assert await found() == [ORDER, OTHER]
    assert await found(outcome="skip.price") == await found(outcome="skip.price.above_max") == [ORDER]
    assert await found(outcome="skip.pri") == [], "a code or the beginning of one, whole words"
    assert await found(since_height=6) == await found(since_unix_s=501) == await found(newest=1) == [OTHER]
    assert [row.order for row in await decisions.named(dseq=7)] == [ORDER], "not the one whose number ends with it"
    assert await decisions.named(dseq=17, gseq=1, oseq=1) == []


async def test_prices_to_learn_from(decisions: Decisions) -> None:
    await decisions.note(
        Decided(ORDER, 5, "lost.price", price=OURS, winner="akash1r", winner_price=THEIRS, gpu_model=H100),
        Decided(OTHER, 6, "won", price=OURS, winner="akash1us", winner_price=OURS),
        Decided(OrderID("akash1o", 8, 1, 1), 7, "lost.timeout", price=OURS, gpu_model=H100),
    )
    assert [row.order for row in await decisions.priced(since_height=0)] == [ORDER, OTHER]
    assert [row.order for row in await decisions.priced(since_height=0, gpu_model=H100)] == [ORDER]
    assert [row.order for row in await decisions.priced(since_height=6, gpu_model="")] == [OTHER]


async def test_open_ends_are_bids_and_leases_that_nobody_has_seen_end(decisions: Decisions) -> None:
    await decisions.note(Decided(ORDER, 5, "bid"), Decided(OTHER, 5, "won"))
    assert {row.order for row in await decisions.unsettled()} == {ORDER, OTHER}
    await decisions.note(Decided(ORDER, 6, "lost.timeout"), Decided(OTHER, 7, "won", ended_at=7))
    assert await decisions.unsettled() == []


async def test_following_the_file(decisions: Decisions) -> None:
    await decisions.note(*(Decided(ORDER, n, f"skip.{n}") for n in range(5)))
    start = await decisions.newest_row(2)
    links = await decisions.since(start)
    assert [link.height for _, link in links] == [3, 4]
    assert await decisions.since(links[-1][0]) == []
    await decisions.note(Decided(OTHER, 9, "bid"))
    assert [link.order for _, link in await decisions.since(links[-1][0])] == [OTHER]
