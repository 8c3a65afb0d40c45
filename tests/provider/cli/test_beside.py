"""Commands that sign beside a daemon: its outbox knows of them, and neither settles what the other has in the air."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from manifests.coins import Coin
from manifests.ids import LeaseID
from provider.cli import beside
from provider.intents import Intent, Moment, Signed, TxEnd
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store

SEEN = Moment(1, 1)


def earning(town: Any, dseq: int = 1) -> LeaseID:
    """A block has gone by since it began."""
    lease: LeaseID = town.leases(dseq)
    town.posts(dseq + 1000)
    return lease


def daemon(town: Any, does: Callable[[Outbox], Awaitable[Any]] | None = None) -> None:
    """Something the daemon does with its ledger in the town's data directory."""

    async def work() -> None:
        async with Store.open(town.work / "ledger.db") as store:
            await store.belongs_to(chain=town.settings.id, provider=town.owner.address)
            if does is not None:
                await does(Outbox(store))

    asyncio.run(work())


def closing_bid(lease: LeaseID, *, timeout_unix_ns: int = 10**19 // 2) -> Callable[[Outbox], Any]:
    async def signs(outbox: Outbox) -> None:
        key = f"close/{lease}"
        await outbox.store([Intent(key, "CloseBid", b"", 0)], SEEN)
        settles = ((key, str(lease.deployment)),)
        signed = Signed("AB", b"x", timeout_unix_ns, None, 1, Coin("uakt", 1), (key,), settles)
        assert await outbox.sign(signed, SEEN) == []

    return signs


def listed(akp: Callable[..., Any], town: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(akp("tx", "list", "--data", town.work, "-o", "json").out)
    return found


def test_what_a_command_has_sent_is_in_the_daemons_outbox(akp: Callable[..., Any], market_town: Any) -> None:
    lease, config = earning(market_town), market_town.config()
    daemon(market_town)
    said = akp("tx", "withdraw", lease, "--config", config, "--yes", "-o", "json")
    assert said.code == 0, said.err
    (row,) = listed(akp, market_town)
    assert (row["state"], row["key"], row["kind"]) == ("done", f"cli/withdraw/{lease}", "WithdrawLease")
    assert (row["tx"], row["height"]) == (json.loads(said.out)["txhash"], json.loads(said.out)["height"])
    shown = akp("tx", "show", row["key"], "--data", market_town.work, "-o", "json")
    assert json.loads(shown.out)["intents"][0]["message"]["@type"].endswith("MsgWithdrawLease")


def test_it_sends_nothing_while_the_daemon_closes_the_lease(akp: Callable[..., Any], market_town: Any) -> None:
    lease, other, config = earning(market_town), earning(market_town, 2), market_town.config()
    daemon(market_town, closing_bid(lease))
    said = akp("tx", "withdraw", lease, "--config", config, "--yes")
    assert (said.code, said.err.count("\n")) == (3, 1)
    for words in ("nothing was sent", f"close/{lease}", "akp tx show AB"):
        assert words in said.err
    assert [row["key"] for row in listed(akp, market_town)] == [f"close/{lease}"]
    assert akp("tx", "withdraw", other, "--config", config, "--yes").code == 0

    async def sees_its_end(outbox: Outbox) -> None:
        await outbox.end_beside(TxEnd("AB", "refused"), SEEN)

    daemon(market_town, sees_its_end)
    assert akp("tx", "withdraw", lease, "--config", config, "--yes").code == 0


def test_what_is_void_is_in_nobodys_way(akp: Callable[..., Any], market_town: Any) -> None:
    lease = market_town.leases(1)
    daemon(market_town, closing_bid(lease, timeout_unix_ns=1))
    assert akp("leases", "close", lease, "--config", market_town.config(), "--yes").code == 0


def older(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 4")


def anothers(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE meta SET value = 'akash1other' WHERE key = 'provider'")


def locked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = os.access
    monkeypatch.setattr(beside.os, "access", lambda path, *how, **more: path != file and asked(path, *how, **more))


def unseen(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Path.stat

    def stat(path: Path, **how: Any) -> Any:
        if path == file:
            raise PermissionError(13, "Permission denied")
        return seen(path, **how)

    monkeypatch.setattr(Path, "stat", stat)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (older, "Start the daemon once"),
        (anothers, "belongs to provider"),
        (locked, "cannot be written"),
        (unseen, "cannot be seen (Permission denied)"),
    ],
)
def test_a_file_it_may_not_write_is_told_before_anything_leaves(
    akp: Callable[..., Any], market_town: Any, monkeypatch: pytest.MonkeyPatch, change: Any, why: str
) -> None:
    lease = earning(market_town)
    daemon(market_town)
    change(market_town.work / "ledger.db", monkeypatch)
    said = akp("tx", "withdraw", lease, "--config", market_town.config(), "--yes")
    assert (said.code, why in said.err) == (2, True), said.err
    (payment,) = market_town.ask(lambda chain: chain.escrow_payments(lease.deployment))
    assert payment.withdrawn.amount == 0
