"""A ledger with two leases in it, and `akp` called in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from bidengine.usage import Span
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID
from provider.cli import main as cli
from provider.ledger.books import Books, Ended, Head, Opened, Paid
from provider.ledger.store import Store

OVER = LeaseID("akash1tenant", 7, 1, 1, "akash1us")
LIVE = LeaseID("akash1tenant", 8, 1, 1, "akash1us")
HEAD = 150


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def akp(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Said]]:
    """`akp("ledger", "usage", …)`: exit code and what was printed. Commands that set up logging have it undone."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(noun: str, *args: str | Path) -> Said:
        capsys.readouterr()  # what the test itself has said so far
        code = cli.run(noun, [str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    yield call
    structlog.reset_defaults()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """`OVER` ran from 100 to 110 at 11.407712 per block and was settled at 104 and 110; `LIVE` runs since 120 at 2.5
    and was paid once, at 130. The last block is 150."""

    def span(lease: LeaseID, start: int, rate_e18: int) -> Opened:
        return Opened(
            Span(lease, start, None, DecCoin("uact", rate_e18), 200, 64 << 20, 1, "nvidia/a100", (("beta3", 1 << 30),))
        )

    async def write() -> None:
        async with Store.open(tmp_path / "ledger.db") as store:
            books, rate = Books(store), 11_407_712 * 10**12
            first = 4 * rate // E18
            await books.advance(Head(100, 1), [span(OVER, 100, rate)])
            await books.advance(Head(104, 2), [Paid(OVER, 104, Coin("uact", first), "withdraw")])
            total = Coin("uact", first + 6 * rate // E18)
            await books.advance(Head(110, 3), [Ended(OVER, 110, 1), Paid(OVER, 110, total, "closed")])
            await books.advance(Head(120, 4), [span(LIVE, 120, 25 * E18 // 10)])
            await books.advance(Head(130, 5), [Paid(LIVE, 130, Coin("uact", 25), "withdraw")])
            await books.advance(Head(HEAD, 6))

    asyncio.run(write())
    return tmp_path
