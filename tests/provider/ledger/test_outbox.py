"""The outbox's file: one open intent of a key, what may leave is on disk first, what blocks tell goes with the
cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from manifests.coins import Coin
from provider.intents import Intent, Moment, Signed, TxEnd
from provider.ledger import outbox as outbox_file
from provider.ledger.books import Books, Head
from provider.ledger.outbox import KEPT_NS, Outbox
from provider.ledger.store import Store

NOW = Moment(9, 90 * 10**9)


def intent(key: str, priority: int = 3) -> Intent:
    return Intent(key, "CreateBid", key.encode(), priority)


def signed(tx_hash: str, *keys: str, sequence: int | None = None) -> Signed:
    return Signed(tx_hash, tx_hash.encode(), 150, sequence, 1000, Coin("uakt", 25), keys)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "ledger.db") as found:
        yield found


async def states(outbox: Outbox) -> dict[str, str]:
    return {row.key: row.state for row in reversed(await outbox.intents())}


async def cursor(store: Store, height: int = 10) -> None:
    await Books(store).advance(Head(height, height * 10))


async def test_from_asking_to_a_block(store: Store) -> None:
    outbox = Outbox(store)
    await outbox.store([intent("bid/a"), intent("bid/b")], NOW)
    assert await states(outbox) == {"bid/a": "waiting", "bid/b": "waiting"}
    await outbox.sign(signed("AB", "bid/b", "bid/a"), NOW)
    assert await states(outbox) == {"bid/a": "signed", "bid/b": "signed"}
    outbox.tx_ended(TxEnd("AB", "included", 10, 900), Moment(10, 100))
    assert await states(outbox) == {"bid/a": "signed", "bid/b": "signed"}, "not before the cursor"
    await cursor(store)
    assert await states(outbox) == {"bid/a": "done", "bid/b": "done"}
    (row, _) = await outbox.intents(state="done")
    assert (row.tx, row.attempts, row.asked_height, row.asked_unix_s, row.height) == ("AB", 1, 9, 90, 10)
    tx = await outbox.tx("ab")
    assert tx is not None
    assert (tx.state, tx.height, tx.gas_used, tx.fee, tx.signed_height) == ("included", 10, 900, Coin("uakt", 25), 9)
    assert await store.read("SELECT bytes FROM tx") == [(None,)]


async def test_what_fails_waits_again_unless_it_is_said_to_have_ended(store: Store) -> None:
    outbox = Outbox(store)
    await outbox.store([intent("bid/a"), intent("bid/b")], NOW)
    await outbox.sign(signed("AB", "bid/a", "bid/b"), NOW)
    outbox.tx_ended(TxEnd("AB", "failed", 10, 900, "market", 24, "order closed"), NOW)
    outbox.ended(["bid/a"], "failed", "order closed", NOW)
    await outbox.sign(signed("CD", "bid/b"), NOW)
    assert await states(outbox) == {"bid/a": "failed", "bid/b": "signed"}
    assert [(r.key, r.attempts, r.tx) for r in await outbox.intents(state="open")] == [("bid/b", 2, "CD")]
    tx = await outbox.tx("AB")
    assert tx is not None
    assert (tx.state, tx.codespace, tx.code, tx.why) == ("failed", "market", 24, "order closed")


async def test_of_a_key_one_is_open_and_any_number_may_have_ended(store: Store) -> None:
    outbox = Outbox(store)
    for _ in range(2):
        await outbox.store([intent("withdraw/a")], NOW)
        assert len(await outbox.intents(state="open")) == 1
    for n in range(3):
        outbox.ended(["withdraw/a"], "done", "", Moment(10 + n, 0))
        await outbox.store([intent("withdraw/a")], NOW)
    assert [r.state for r in await outbox.intents(beginning="withdraw/")] == ["waiting", "done", "done", "done"]


async def test_a_new_process_finds_what_was_signed_and_drops_what_was_not(store: Store) -> None:
    outbox = Outbox(store)
    await outbox.store([intent("bid/a"), intent("bid/b", 0), intent("bid/c")], NOW)
    await outbox.sign(signed("AB", "bid/b", "bid/a", sequence=4), NOW)
    (left,) = await Outbox(store).left(Moment(11, 110))
    assert left.signed == signed("AB", "bid/b", "bid/a", sequence=4)
    assert left.intents == (intent("bid/b", 0), intent("bid/a"))
    assert (await states(outbox))["bid/c"] == "dropped"
    (dropped,) = await outbox.intents(state="dropped")
    assert dropped.why == "the daemon ended before it was signed"


async def test_what_was_not_written_with_the_cursor_is_as_if_it_was_never_told(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "ledger.db") as store:
        outbox = Outbox(store)
        await outbox.store([intent("bid/a")], NOW)
        await outbox.sign(signed("AB", "bid/a"), NOW)
        outbox.tx_ended(TxEnd("AB", "included", 10, 900), NOW)
    async with Store.open(tmp_path / "ledger.db") as store:
        assert [left.signed.hash for left in await Outbox(store).left(NOW)] == ["AB"]


async def test_fees_that_were_or_may_be_charged(store: Store) -> None:
    outbox = Outbox(store)
    for n, (tx_hash, state, gas) in enumerate(
        [("A", "included", 5), ("B", "failed", 5), ("C", "failed", 0), ("D", "expired", None), ("E", "", None)]
    ):
        await outbox.store([intent(f"k{n}")], NOW)
        await outbox.sign(signed(tx_hash, f"k{n}"), Moment(9, n * 10))
        if state:
            outbox.tx_ended(TxEnd(tx_hash, state, 10 if gas is not None else None, gas), NOW)  # type: ignore[arg-type]
    await cursor(store)
    assert await outbox.fees_since(-1) == [("A", 0, 25), ("B", 10, 25), ("E", 40, 25)]
    assert await outbox.fees_since(10) == [("E", 40, 25)]


async def test_what_ended_long_ago_is_forgotten_and_what_is_open_never(store: Store) -> None:
    outbox = Outbox(store)
    await outbox.store([intent("old"), intent("open")], NOW)
    await outbox.sign(signed("AB", "old"), NOW)
    await outbox.sign(signed("CD", "open"), NOW)
    outbox.tx_ended(TxEnd("AB", "included", 10, 900), NOW)
    await cursor(store)
    await outbox.left(Moment(99, NOW.time_unix_ns + KEPT_NS))
    assert set(await states(outbox)) == {"old", "open"}
    await outbox.left(Moment(99, NOW.time_unix_ns + KEPT_NS + 10**9))
    assert set(await states(outbox)) == {"open"}
    assert await outbox.tx("AB") is None
    assert await outbox.tx("CD") is not None


async def test_a_daemon_that_runs_forgets_a_few_at_a_time_with_the_cursor(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_file, "MOST_FORGOTTEN", 4)
    outbox = Outbox(store)
    names = [f"old {n}" for n in range(6)]
    await outbox.store([intent("open"), *map(intent, names), intent("late")], NOW)
    await outbox.sign(signed("OPEN", "open"), NOW)
    for name in (*names, "late"):
        await outbox.sign(signed(name, name), NOW)
        outbox.tx_ended(TxEnd(name, "included", 10, 900), NOW)
    await cursor(store)
    await store.write(
        [
            ("UPDATE intent SET asked_unix_s = asked_unix_s + 60 WHERE key = 'late'", ()),
            ("UPDATE tx SET signed_unix_ns = signed_unix_ns + 60000000000 WHERE hash = 'late'", ()),
        ]
    )
    later = Moment(11, NOW.time_unix_ns + KEPT_NS + 10**9)
    outbox.forget(later)
    assert len(await states(outbox)) == 8, "not before the cursor"
    left = []
    for _ in range(4):
        await cursor(store)
        left.append(len(await states(outbox)))
        outbox.forget(later)
    assert left == [5, 2, 2, 2]
    assert await states(outbox) == {"open": "signed", "late": "done"}
    assert [row[0] for row in await store.read("SELECT hash FROM tx ORDER BY rowid")] == ["OPEN", "late"]


async def test_a_burst_is_one_write_each_for_asking_and_for_a_transaction(store: Store) -> None:
    """Each write waits for the disk."""
    writes = 0
    real = store.write

    async def write(*args: object) -> None:
        nonlocal writes
        writes += 1
        await real(*args)  # type: ignore[arg-type]

    store.write = write  # type: ignore[method-assign, assignment]
    outbox, keys = Outbox(store), [f"bid/{n}" for n in range(500)]
    await outbox.store([intent(key) for key in keys], NOW)
    for n in range(10):
        await outbox.sign(signed(f"T{n}", *keys[50 * n : 50 * n + 50]), NOW)
    for n in range(10):
        outbox.tx_ended(TxEnd(f"T{n}", "included", 10, 900), NOW)
    assert writes == 11
    await cursor(store)
    assert writes == 12
    assert len(await outbox.intents(state="done", newest=1000)) == 500


D7 = "akash1t/7"


def settling(tx_hash: str, key: str, deployment: str = D7, timeout: int = 150 * 10**9) -> Signed:
    return replace(signed(tx_hash, key), settles=((key, deployment),), timeout_unix_ns=timeout)


def asked(key: str, kind: str) -> Intent:
    return replace(intent(key), kind=kind)


CLOSE, WITHDRAW = f"close/{D7}/1/1/akash1p", f"cli/withdraw/{D7}/2/1/akash1p"


@pytest.mark.parametrize(
    ("key", "kind", "timeout_s", "stands"),
    [
        (CLOSE, "CloseBid", 150, True),
        (f"withdraw/{D7}/1/1/akash1p", "WithdrawLease", 90, True),
        (f"close-deployment/{D7}", "CloseDeployment", 150, True),
        (WITHDRAW, "WithdrawLease", 150, True),
        (CLOSE, "CloseBid", 89, False),
        ("close/akash1t/71/1/1/akash1p", "CloseBid", 150, False),
        (f"bid/{D7}/1/1", "CreateBid", 150, False),
        (f"reclaim/{D7}/1/1/akash1p", "StartReclaim", 150, False),
    ],
    ids=[
        "a close", "a withdrawal, at its last moment", "the whole deployment", "another command's", "a void one",
        "another deployment's", "a bid", "notice",
    ],
)  # fmt: skip
async def test_a_command_sends_nothing_that_settles_an_escrow_which_something_in_the_air_settles(
    store: Store, key: str, kind: str, timeout_s: int, stands: bool
) -> None:
    outbox = Outbox(store)
    await outbox.store([asked(key, kind)], NOW)
    await outbox.sign(signed("AB", key) if not stands else settling("AB", key), NOW)
    await store.write([("UPDATE tx SET timeout_unix_ns = ?", (timeout_s * 10**9,))])
    ours = f"cli/end/{D7}/1/1/akash1p"
    found = await outbox.sign_beside([asked(ours, "CloseLease")], settling("CD", ours), NOW)
    assert [(o.ours, o.theirs, o.tx) for o in found] == ([(ours, key, "AB")] if stands else [])
    assert (await outbox.tx("CD") is None) is stands
    assert (ours in await states(outbox)) is not stands, "nothing is written of one that must not leave"


async def test_what_only_waits_is_in_nobodys_way_and_the_daemon_then_waits_for_the_command(store: Store) -> None:
    outbox = Outbox(store)
    await outbox.store([asked(CLOSE, "CloseBid"), asked("bid/x", "CreateBid")], NOW)
    assert await outbox.sign_beside([asked(WITHDRAW, "WithdrawLease")], settling("CD", WITHDRAW), NOW) == []
    (held,) = await outbox.sign(settling("AB", CLOSE), NOW)
    assert await outbox.in_the_way(settling("AB", CLOSE).settles, NOW) == [held], "told before it is signed, too"
    assert (held.ours, held.theirs, held.tx, held.timeout_unix_ns) == (CLOSE, WITHDRAW, "CD", 150 * 10**9)
    assert await states(outbox) == {CLOSE: "waiting", "bid/x": "waiting", WITHDRAW: "signed"}
    assert await outbox.sign(signed("EF", "bid/x"), NOW) == []
    await outbox.end_beside(TxEnd("CD", "included", 10, 900), NOW)
    assert await outbox.in_the_way(settling("AB", CLOSE).settles, NOW) == []
    assert await outbox.sign(settling("AB", CLOSE), NOW) == []


@pytest.mark.parametrize("state", ["included", "failed", "refused", "expired"])
async def test_the_end_of_a_commands_transaction_is_on_disk_at_once(store: Store, state: str) -> None:
    outbox = Outbox(store)
    await outbox.sign_beside([asked(WITHDRAW, "WithdrawLease")], settling("CD", WITHDRAW), NOW)
    await outbox.end_beside(TxEnd("CD", state, 10, 900, why="so"), NOW)  # type: ignore[arg-type]
    (row,) = await outbox.intents()
    assert (row.state, row.tx, row.why) == ("done" if state == "included" else state, "CD", "so")


async def test_a_daemon_that_starts_takes_up_what_a_killed_command_left(store: Store) -> None:
    await Outbox(store).sign_beside([asked(WITHDRAW, "WithdrawLease")], settling("CD", WITHDRAW), NOW)
    (left,) = await Outbox(store).left(NOW)
    assert (left.signed.hash, left.signed.keys) == ("CD", (WITHDRAW,))


async def test_what_killed_commands_left_is_found_once_void_and_ended_with_the_cursor(store: Store) -> None:
    outbox, void = Outbox(store), Moment(20, 151 * 10**9)
    await outbox.sign_beside([asked(WITHDRAW, "WithdrawLease")], settling("AB", WITHDRAW), NOW)
    await outbox.sign_beside([asked(WITHDRAW, "WithdrawLease")], replace(settling("CD", WITHDRAW), settles=()), NOW)
    await outbox.store([asked(CLOSE, "CloseBid")], NOW)
    await outbox.sign(replace(settling("EF", CLOSE), settles=()), NOW)
    assert await outbox.abandoned(replace(void, time_unix_ns=150 * 10**9)) == []
    assert await outbox.abandoned(void) == ["AB", "CD"], "not the daemon's own"
    outbox.end_abandoned(TxEnd("AB", "expired"), void)
    outbox.end_abandoned(TxEnd("CD", "failed", 15, 9, "market", 24, "so"), void)
    assert len(await outbox.abandoned(void)) == 2, "not before the cursor"
    await cursor(store)
    assert await outbox.abandoned(void) == []
    ends = [await outbox.tx(tx_hash) for tx_hash in ("AB", "CD")]
    assert [(tx.state, tx.height, tx.why) for tx in ends if tx] == [("expired", None, ""), ("failed", 15, "so")]
    assert await states(outbox) == {WITHDRAW: "failed", CLOSE: "signed"}


async def test_what_somebody_else_has_noted_as_its_end_stands(store: Store) -> None:
    outbox = Outbox(store)
    await outbox.sign_beside([asked(WITHDRAW, "WithdrawLease")], settling("AB", WITHDRAW), NOW)
    await outbox.end_beside(TxEnd("AB", "included", 10, 900), NOW)
    outbox.end_abandoned(TxEnd("AB", "expired"), NOW)
    await cursor(store)
    tx = await outbox.tx("AB")
    assert tx is not None
    assert (tx.state, tx.height) == ("included", 10)
    assert await states(outbox) == {WITHDRAW: "done"}


async def test_of_two_processes_exactly_one_may_send(tmp_path: Path) -> None:
    """Whoever comes first; neither finds the file in the other's hands."""
    async with Store.open(tmp_path / "ledger.db") as one, Store.open(tmp_path / "ledger.db", as_it_is=True) as two:
        daemon, command, first = Outbox(one), Outbox(two), set()
        for n in range(20):
            deployment = f"akash1t/{n}"
            close, end = f"close/{deployment}/1/1/p", f"cli/end/{deployment}/1/1/p"
            await daemon.store([asked(close, "CloseBid")], NOW)
            turns = [
                daemon.sign(settling(f"A{n}", close, deployment), NOW),
                command.sign_beside([asked(end, "CloseLease")], settling(f"B{n}", end, deployment), NOW),
            ]
            held = await asyncio.gather(*turns)
            assert sorted(len(found) for found in held) == [0, 1]
            first.add(held[0] == [])
        assert len(await daemon.intents(state="signed")) == 20
