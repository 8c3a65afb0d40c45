"""`akp tx list` and `akp tx show` read the ledger's file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain.messages import CreateBid, Msg, WithdrawLease
from provider.chain.tx import build
from provider.chain.tx.business_key import key_of
from provider.chain.tx.priority import usual
from provider.intents import Intent, Moment, Signed, TxEnd
from provider.ledger.books import Books, Head
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store

NOW = Moment(9, 1_800_000_000 * 10**9)
FIRST, SECOND = "AA" * 32, "BB" * 32


def lease(dseq: int) -> LeaseID:
    return LeaseID("akash1t", dseq, 1, 1, "akash1p")


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    """A bid that is done, one that failed, and a withdrawal on its way."""
    msgs: list[Msg] = [CreateBid(lease(n), DecCoin("uact", 10**18), Coin("uakt", 500_000)) for n in (1, 2)]
    msgs.append(WithdrawLease(lease(3)))
    boxes = [build.box(msg, "akash1p") for msg in msgs]
    intents = [
        Intent(key_of(m, b), type(m).__name__, b.SerializeToString(), usual(m))
        for m, b in zip(msgs, boxes, strict=True)
    ]

    async def write() -> None:
        async with Store.open(tmp_path / "ledger.db") as store:
            box = Outbox(store)
            await box.store(intents, NOW)
            keys = [i.key for i in intents]
            await box.sign(Signed(FIRST, b"x", 77, None, 300_000, Coin("uakt", 7_500), tuple(keys[:2])), NOW)
            box.tx_ended(TxEnd(FIRST, "failed", 10, 200_000, "market", 24, "message index: 1: order closed"), NOW)
            box.ended(keys[1:2], "failed", "order closed", NOW)
            await box.sign(Signed(SECOND, b"y", 78, 4, 100_000, Coin("uakt", 2_500), (keys[0], keys[2])), NOW)
            await Books(store).advance(Head(10, 100))

    asyncio.run(write())
    return tmp_path


def test_open_ones_come_first(akp: Callable[..., Any], outbox: Path) -> None:
    said = akp("tx", "list", "--data", outbox, "-o", "json")
    assert said.code == 0
    rows = json.loads(said.out)
    assert [(r["key"], r["state"], r["attempts"], r["tx"]) for r in rows] == [
        ("withdraw/akash1t/3/1/1/akash1p", "signed", 1, SECOND),
        ("bid/akash1t/1/1/1", "signed", 2, SECOND),
        ("bid/akash1t/2/1/1", "failed", 1, FIRST),
    ]
    assert rows[2]["why"] == "order closed"
    assert (rows[0]["priority"], rows[0]["asked"], rows[0]["asked_height"]) == ("routine", "2027-01-15T08:00:00Z", 9)


def test_by_the_beginning_of_a_key_and_by_state(akp: Callable[..., Any], outbox: Path) -> None:
    said = akp("tx", "list", "bid/", "--state", "open", "--data", outbox)
    lines = said.out.splitlines()
    assert lines[0].split()[:2] == ["state", "key"]
    assert [line.split()[1] for line in lines[1:]] == ["bid/akash1t/1/1/1"]
    assert SECOND in lines[1]
    assert akp("tx", "list", "--state", "lost", "--data", outbox).code == 2
    assert len(json.loads(akp("tx", "list", "-n", "1", "--data", outbox, "-o", "json").out)) == 1


@pytest.mark.parametrize("newest", ["0", "9" * 20])
def test_no_more_rows_than_can_be_asked_for(akp: Callable[..., Any], outbox: Path, newest: str) -> None:
    said = akp("tx", "list", "-n", newest, "--data", outbox)
    assert (said.code, "Invalid value" in said.err) == (2, True)


def test_a_transaction_with_its_messages(akp: Callable[..., Any], outbox: Path) -> None:
    found = json.loads(akp("tx", "show", SECOND.lower(), "--data", outbox, "-o", "json").out)
    assert (found["tx"]["state"], found["tx"]["sequence"], found["tx"]["fee"]) == ("signed", 4, "2500uakt")
    assert {i["message"]["@type"] for i in found["intents"]} == {
        "/akash.market.v1beta5.MsgCreateBid", "/akash.market.v1beta5.MsgWithdrawLease",
    }  # fmt: skip
    table = akp("tx", "show", FIRST, "--data", outbox).out
    assert "market" in table
    assert "message index: 1: order closed" in table


def test_a_key_with_each_time_it_was_asked(akp: Callable[..., Any], outbox: Path) -> None:
    found = json.loads(akp("tx", "show", "bid/akash1t/2/1/1", "--data", outbox, "-o", "json").out)
    assert found["tx"] is None
    assert [i["state"] for i in found["intents"]] == ["failed"]
    said = akp("tx", "show", "bid/akash1t/2", "--data", outbox)
    assert said.code == 1
    assert "akp tx list" in said.err
