"""What is swept: above what is kept, at most so much a day, after a delay, once, and only where the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from manifests import bech32
from manifests.coins import Coin
from provider.chain.messages import Msg, Send
from provider.errors import Pruned, Refused, Retry, TxRefused
from provider.intents import Intent, Moment, Signed
from provider.ledger.books import Books, Head
from provider.ledger.journal import Kind, Posting
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store
from provider.ledger.sweeps import SweepRow, Sweeps
from provider.market.money.sweep import DAY_S, LOST_S, Sweep
from provider.settings import SweepSettings

US, COLD, OTHER = (bech32.encode("akash", c * 20) for c in (b"u", b"c", b"o"))


class Play:
    def __init__(self, store: Store, **settings: Any) -> None:
        self.books, self.sent, self.refuses = Books(store), list[Msg](), False
        self.balance = 15_000_000
        self.book: Any = SimpleNamespace(height=7, time_unix_ns=10**15, us=SimpleNamespace(owner=US))
        given = {"addresses": (COLD,), "keep": "10000000uakt", "delay_s": 3_600, **settings}
        delegated = given.pop("delegated", False)
        self.sweep = Sweep(
            self.book, self.books, lambda _: self, self.send, SweepSettings(**given), delegated=delegated
        )  # fmt: skip

    async def balances(self, address: str) -> dict[str, int]:
        return {"uakt": self.balance if address == US else 0, "uact": 10**9}

    async def send(self, msg: Msg) -> str:
        if self.refuses:
            raise TxRefused("sdk", 5, "insufficient funds")
        self.sent.append(msg)
        return f"TX{len(self.sent)}"

    async def after(self, seconds: int = 3_600) -> SweepRow | None:
        """Time passes, the part looks; the newest sweep."""
        self.book.height += max(1, seconds // 6)
        self.book.time_unix_ns += seconds * 10**9
        await self.sweep.look()
        found = await Sweeps(self.books.store).newest(1)
        return found[0] if found else None

    async def asks(self, key: str = "Send/a", tx: str = "TX1", behind: int = 0) -> None:
        """As the signer does, which may be some blocks `behind` the book: asked, then signed."""
        outbox, now = Outbox(self.books.store), Moment(self.book.height - behind, self.book.time_unix_ns)
        await outbox.store([Intent(key, "Send", b"", 5)], now)
        if tx:
            await outbox.sign(Signed(tx, b"", 1, None, 1, Coin("uakt", 1), (key,)), now)

    async def ends(self, state: Any, why: str = "", key: str = "Send/a") -> None:
        """What the signer saw, written with the next block."""
        Outbox(self.books.store).ended([key], state, why, Moment(self.book.height, self.book.time_unix_ns))
        await self.books.advance(Head(self.book.height, self.book.time_unix_ns))

    async def lands(self, amount: int, tx: str = "TX1") -> None:
        """A block holds it, and the books have taken it in."""
        self.book.height += 1
        self.balance -= amount
        head = Head(self.book.height, self.book.time_unix_ns)
        paid = Posting(Kind.SWEEP, head.height, f"sweep/{tx}", Coin("uakt", -amount), US, COLD, tx=tx)
        await self.books.advance(head, [paid])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "ledger.db") as store:
        yield store


async def test_proposed_then_sent_then_done(store: Store) -> None:
    play = Play(store)
    row = await play.after(0)
    assert row is not None
    assert (row.state, row.coin, row.recipient, play.sent) == ("proposed", Coin("uakt", 5_000_000), COLD, [])
    row = await play.after(3_599)
    assert row is not None
    assert row.state == "proposed", "not before its time"
    row = await play.after(1)
    assert row is not None
    assert (row.state, row.tx, play.sent) == ("sending", "TX1", [Send(US, COLD, Coin("uakt", 5_000_000))])
    await play.lands(5_000_000)
    row = await play.after(6)
    assert row is not None
    assert row.state == "done"
    assert (await play.after(DAY_S)) == row, "nothing is left to sweep"


async def test_off_without_an_address(store: Store) -> None:
    play = Play(store, addresses=())
    await play.sweep.run()
    assert await Sweeps(store).newest() == []
    assert list(play.sweep.gauges()) == [("akp_sweep_on", {}, 0.0)]


async def test_trouble_that_passes_ends_nothing(store: Store, until: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("provider.market.money.sweep.LOOK_S", 0.001)
    play = Play(store)
    ask, troubles = play.balances, [Retry("no node answers"), Refused("no"), Pruned("no state at height 7")]

    async def at_first_not(address: str) -> dict[str, int]:
        if troubles:
            raise troubles.pop()
        return await ask(address)

    monkeypatch.setattr(play, "balances", at_first_not)

    async def proposed() -> bool:
        return bool(await Sweeps(store).newest())

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(play.sweep.run(), name="sweep")
        await until("it is proposed", proposed)
        running.cancel()
    assert not troubles


async def test_a_hot_key_cannot_and_says_so(store: Store) -> None:
    play = Play(store, delegated=True)
    with capture_logs() as told:
        await play.sweep.run()
    assert "the hot key cannot spend" in told[0]["why"]
    assert await Sweeps(store).newest() == []


@pytest.mark.parametrize(
    ("balance", "settings", "amount"),
    [
        (10_000_000, {}, None),
        (10_999_999, {}, None),
        (11_000_000, {}, 1_000_000),
        (500_000_000, {}, 100_000_000),
        (15_000_000, {"most_per_day": 2_000_000}, 2_000_000),
        (15_000_000, {"least": 6_000_000}, None),
        (15_000_000, {"keep": "0uakt"}, 15_000_000),
    ],
)
async def test_how_much(store: Store, balance: int, settings: dict[str, Any], amount: int | None) -> None:
    play = Play(store, **settings)
    play.balance = balance
    row = await play.after(0)
    assert (row.coin.amount if row is not None else None) == amount


async def test_a_day_has_its_cap(store: Store) -> None:
    play = Play(store, most_per_day=3_000_000, delay_s=0)
    await play.after(0)
    await play.after(6)
    await play.lands(3_000_000)
    await play.after(6)
    assert await Sweeps(store).open() is None
    await play.after(6)
    assert await Sweeps(store).open() is None, "today nothing more"
    row = await play.after(DAY_S)
    assert row is not None
    assert (row.state, row.coin.amount) == ("proposed", 2_000_000)


async def test_less_goes_when_less_is_left_by_then(store: Store) -> None:
    play = Play(store)
    await play.after(0)
    play.balance = 12_000_000
    row = await play.after()
    assert row is not None
    assert (row.state, row.coin.amount) == ("sending", 2_000_000)


async def test_none_goes_when_too_little_is_left(store: Store) -> None:
    play = Play(store)
    await play.after(0)
    play.balance = 10_500_000
    row = await play.after()
    assert row is not None
    assert (row.state, row.why, play.sent) == ("cancelled", "too little is left above what is kept", [])


async def test_an_address_taken_out_of_the_settings_gets_nothing(store: Store) -> None:
    await Play(store).after(0)
    play = Play(store, addresses=(OTHER,))
    row = await play.after()
    assert row is not None
    assert (row.state, row.why, play.sent) == ("cancelled", "the settings no longer allow it", [])


async def test_a_refusal_ends_it_and_the_next_waits_again(store: Store) -> None:
    play = Play(store)
    await play.after(0)
    play.refuses = True
    row = await play.after()
    assert row is not None
    assert row.state == "failed"
    play.refuses = False
    row = await play.after(6)
    assert row is not None
    assert (row.state, play.sent) == ("proposed", [])


async def test_after_a_crash_while_sending_it_is_never_sent_again(store: Store) -> None:
    play = Play(store)
    await play.after(0)
    await play.after()
    again = Play(store)  # a new process, which knows no hash
    again.book = play.book
    again.sweep.book = play.book
    await again.after(60)
    await again.lands(5_000_000)
    row = await again.after(6)
    assert row is not None
    assert (row.state, row.tx, again.sent) == ("done", "TX1", [])


async def sending(store: Store, **settings: Any) -> Play:
    """A sweep on its way whose amount is all that may go in a day."""
    play = Play(store, most_per_day=3_000_000, delay_s=0, **settings)
    await play.after(0)
    await play.after(6)
    assert len(play.sent) == 1
    return play


async def test_what_may_still_land_is_waited_for_however_long_and_counts(store: Store) -> None:
    play = await sending(store)
    await play.asks(behind=1)
    row = await play.after(2 * DAY_S)  # signed again and again, say
    assert row is not None
    assert (row.state, await Sweeps(store).since(play.sweep._now, "uakt")) == ("sending", 3_000_000)
    await play.lands(3_000_000)
    row = await play.after(6)
    assert row is not None
    assert (row.state, row.tx) == ("done", "TX1")
    assert await play.after(DAY_S) == row, "the day counts from its landing"
    row = await play.after(1)
    assert row is not None
    assert (row.state, row.coin.amount) == ("proposed", 2_000_000)


@pytest.mark.parametrize(
    ("tx", "state", "why", "counts"),
    [
        ("TX1", "expired", "expired: not in time", True),
        ("TX1", "failed", "failed: not in time", True),
        ("", "dropped", "dropped: not in time", False),
    ],
)
async def test_what_the_outbox_saw_end_is_over_at_once(
    store: Store, tx: str, state: str, why: str, counts: bool
) -> None:
    play = await sending(store)
    await Sweeps(store).sent((await Sweeps(store).newest())[0], tx)
    await play.asks(tx=tx)
    await play.ends(state, "not in time")
    row = await play.after(6)
    assert row is not None
    assert (row.state, row.why, row.tx) == ("failed", why, tx)
    row = await play.after(6)
    assert row is not None
    assert row.state == ("failed" if counts else "proposed"), "what was signed has used the day up"
    row = await play.after(DAY_S)
    assert row is not None
    assert (row.state == "proposed", len(play.sent)) == (counts, 1 if counts else 2)


async def test_one_that_landed_in_blocks_nobody_read_is_done(store: Store) -> None:
    play = await sending(store)
    await play.asks()
    await play.ends("done")
    row = await play.after(6)
    assert row is not None
    assert (row.state, row.tx) == ("done", "TX1")
    assert await play.after(6) == row, "and counts"


async def test_the_end_of_the_sweep_before_is_not_taken_for_this_ones(store: Store) -> None:
    play = await sending(store)
    await play.asks()
    await play.lands(3_000_000)
    await play.ends("done")
    play.balance += 3_000_000
    for seconds in (0, DAY_S + 1, 0, 0):  # done; proposed; sent, the same amount, hence the same key; not yet asked
        play.book.time_unix_ns += seconds * 10**9
        play.book.height -= 1  # no block passes meanwhile
        row = await play.after(0)
    assert row is not None
    assert (row.state, len(play.sent)) == ("sending", 2)


async def test_one_that_no_block_holds_has_failed_in_the_end(store: Store) -> None:
    play = Play(store)
    await play.after(0)
    await play.after()
    row = await play.after(LOST_S - 1)
    assert row is not None
    assert row.state == "sending"
    row = await play.after(1)
    assert row is not None
    assert (row.state, row.why, len(play.sent)) == ("failed", "no block holds it", 1)


async def test_one_that_failed_counts_to_the_day_since_it_may_have_landed(store: Store) -> None:
    play = await sending(store)
    row = await play.after(LOST_S)
    assert row is not None
    assert row.state == "failed"
    assert await play.after(6) == row
    row = await play.after(DAY_S)
    assert row is not None
    assert row.state == "proposed"


def test_a_mistyped_address_is_found_before_anything_is_announced() -> None:
    with pytest.raises(ValidationError, match="wrong checksum"):
        SweepSettings(addresses=(f"{COLD[:-1]}{'q' if COLD[-1] != 'q' else 'p'}",))


def test_act_cannot_be_swept() -> None:
    with pytest.raises(ValidationError, match="ACT cannot be sent"):
        SweepSettings(keep="5uact")
