"""What is swept: above what is kept, at most so much a day, after a delay, once, and only where the settings say."""

from __future__ import annotations

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
from provider.errors import TxRefused
from provider.ledger.books import Books, Head
from provider.ledger.journal import Kind, Posting
from provider.ledger.store import Store
from provider.ledger.sweeps import SweepRow, Sweeps
from provider.market.sweep import DAY_S, LOST_S, Sweep
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


async def test_one_that_no_block_holds_has_failed_in_the_end(store: Store) -> None:
    play = Play(store)
    await play.after(0)
    await play.after()
    row = await play.after(LOST_S - 1)
    assert row is not None
    assert row.state == "sending"
    row = await play.after(1)
    assert row is not None
    assert (row.state, len(play.sent)) == ("failed", 1)


def test_a_mistyped_address_is_found_before_anything_is_announced() -> None:
    with pytest.raises(ValidationError, match="wrong checksum"):
        SweepSettings(addresses=(f"{COLD[:-1]}{'q' if COLD[-1] != 'q' else 'p'}",))


def test_act_cannot_be_swept() -> None:
    with pytest.raises(ValidationError, match="ACT cannot be sent"):
        SweepSettings(keep="5uact")
