"""Burning and minting from the request to the coins: prices, credits, spreads, and what is given back (chain-probes §7,
31–33)."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message, unpack
from provider.sandbox.chain.bme import total
from provider.sandbox.chain.genesis import BME

EPOCH = 5
"""blocks; burns are carried out at heights 5, 10, 15…, mints here at 9, 14, 19…"""


def until_done(chain: Any) -> Any:
    """Blocks until nothing waits any more; the last block's answer."""
    for _ in range(20):
        answer = chain.block()
        if not records(chain, "pending"):
            return answer
    raise AssertionError("it still waits")


def records(chain: Any, status: str) -> list[Any]:
    asked = {"status": f"ledger_record_status_{status}"}
    return list(chain.ask("akash.bme.v1.Query/LedgerRecords", filters=asked).records)


def credit(chain: Any) -> int:
    return total(chain.app._store.at(chain.app.height), "credit", "uakt")


def test_burning_pays_out_at_the_price_at_the_next_epoch(priced: Any) -> None:
    uact, uakt = priced.balance("p1", "uact"), priced.balance("p1")
    answer = priced.must("p1", priced.burn("p1", 1_000_001))
    assert priced.balance("p1", "uact") == uact - 1_000_001, "taken at once"
    i = unpack(message("cosmos.base.abci.v1beta1.TxMsgData").FromString(answer.data).msg_responses[0]).id
    assert (i.denom, i.to_denom, i.source, i.sequence) == ("uact", "uakt", priced["p1"], 1)
    done = until_done(priced)
    assert done.height % EPOCH == 0
    assert priced.balance("p1") == uakt - 50_000 + 500_000, "the fee, and half an AKT per ACT, cut to whole units"
    bank = [e.type for e in done.block_events if not e.type.startswith("akash.")]
    assert bank == [
        "coin_spent",
        "burn",
        "coin_received",
        "coinbase",
        "coin_spent",
        "coin_received",
        "transfer",
        "message",
    ]
    (record,) = records(priced, "executed")
    assert (record.executed_record.minted.coin.amount, record.executed_record.minted.price) == (
        "500000",
        str(2 * 10**18),
    )


def test_minting_keeps_a_spread_and_gives_credit(priced: Any) -> None:
    before = priced.balance("p1", "uact")
    priced.must("p1", priced.burn("p1", 20_000_000, "uakt"))
    until_done(priced)
    assert priced.balance("p1", "uact") - before == 40_000_000 - 100_000
    assert credit(priced) == 20_000_000
    record = records(priced, "executed")[0].executed_record
    assert (record.spread.amount, record.minted.coin.amount) == ("100000", "40000000")
    assert not record.HasField("burned"), "AKT is kept, not burned"


@pytest.mark.parametrize(
    ("burned", "issued", "minted"), [(10_000_000, 5_000_000, 0), (60_000_000, 20_000_000, 10_000_000)]
)
def test_credit_pays_before_anything_is_minted(priced: Any, burned: int, issued: int, minted: int) -> None:
    priced.must("p1", priced.burn("p1", 20_000_000, "uakt"))
    until_done(priced)
    before = priced.balance("p2")
    priced.must("p2", priced.burn("p2", burned))
    until_done(priced)
    assert priced.balance("p2") - before == issued + minted - 50_000
    assert credit(priced) == 20_000_000 - issued
    record = next(r.executed_record for r in records(priced, "executed") if r.id.source == priced["p2"])
    assert record.remint_credit_issued.coin.amount == str(issued)
    assert record.HasField("minted") is bool(minted)
    assert int(record.minted.coin.amount or 0) == minted


@pytest.mark.parametrize(
    ("amount", "denom", "reason"),
    [(1, "uact", "epsilon"), (4_999_999, "uakt", "minimum_mint"), (5_000_000, "uakt", "")],
)
def test_what_comes_to_too_little_is_given_back(priced: Any, amount: int, denom: str, reason: str) -> None:
    before = priced.balance("p1", denom)
    priced.must("p1", priced.burn("p1", amount, denom))
    done = until_done(priced)
    told = [dict(e.attributes) for e in done.block_events if e.type.endswith("EventLedgerRecordCanceled")]
    assert [t["cancel_reason"] for t in told] == ([f'"{reason}"'] if reason else [])
    fee = 50_000 if denom == "uakt" else 0
    assert priced.balance("p1", denom) == before - fee - (0 if reason else amount)
    assert [r.canceled_record.cancel_reason for r in records(priced, "canceled")] == (
        [{"epsilon": 1}.get(reason, 6)] if reason else []
    )


def test_requests_of_one_block_are_numbered_and_each_block_starts_anew(priced: Any) -> None:
    priced.block(priced.tx("p1", priced.burn("p1", 5)), priced.tx("p2", priced.burn("p2", 5)))
    priced.block(priced.tx("p1", priced.burn("p1", 5)))
    waiting = {(r.id.source, r.id.height, r.id.sequence) for r in records(priced, "pending")}
    last = priced.app.height
    assert waiting <= {(priced["p1"], last - 1, 1), (priced["p2"], last - 1, 2), (priced["p1"], last, 1)}
    assert waiting


def test_a_burn_tries_three_epochs_without_a_price_and_is_given_back(priced: Any) -> None:
    """chain-probes 33"""
    before = priced.balance("p1", "uact")
    while priced.app.height % EPOCH:
        priced.block()
    priced.must("p1", priced.burn("p1", 1_000_000))
    priced.block(after_s=100)
    tried = []
    while waiting := records(priced, "pending"):
        tried.append(waiting[0].pending_record.attempts)
        priced.block()
    assert sorted(set(tried)) == [0, 1, 2]
    assert priced.balance("p1", "uact") == before
    assert records(priced, "canceled")[0].canceled_record.cancel_reason == 9


def test_a_mint_waits_for_the_price_to_come_back(priced: Any) -> None:
    while priced.app.height % EPOCH != 4:
        priced.block()
    priced.must("p1", priced.burn("p1", 20_000_000, "uakt"))
    priced.block(after_s=100)
    for _ in range(20):
        priced.block()
    (record,) = records(priced, "pending")
    assert record.pending_record.attempts == 0
    priced.must("feeder", priced.price("2"))
    until_done(priced)
    assert records(priced, "executed")


REFUSED: dict[str, tuple[Any, tuple[str, int]]] = {
    "AKT as ACT": (lambda c: route(c, "uakt", "uakt"), ("bme", 9)),
    "to a strange coin": (lambda c: route(c, "uact", "ufoo"), ("bme", 9)),
    "to somebody else": (lambda c: route(c, "uact", "uakt", to="p2"), ("bme", 3)),
    "nothing": (lambda c: c.burn("p1", 0), ("bme", 8)),
    "less than nothing": (lambda c: c.burn("p1", -1), ("sdk", 10)),
    "no coin": (lambda c: route(c, "", "uakt"), ("sdk", 10)),
    "to no coin": (lambda c: route(c, "uact", "?"), ("bme", 9)),
    "more than one has": (lambda c: c.burn("p1", 10**15), ("sdk", 5)),
}


def route(chain: Any, denom: str, to_denom: str, to: str = "p1") -> Any:
    coin = {"denom": denom, "amount": "5"}
    return message("akash.bme.v1.MsgBurnMint")(
        owner=chain["p1"], to=chain[to], coins_to_burn=coin, denom_to_mint=to_denom
    )


@pytest.mark.parametrize(("make", "code"), REFUSED.values(), ids=REFUSED)
def test_requests_that_are_refused(priced: Any, make: Any, code: tuple[str, int]) -> None:
    answer = priced.send("p1", make(priced))
    assert (answer.codespace, answer.code) == code


def test_without_a_price_nothing_is_taken(chain: Any) -> None:
    answer = chain.send("p1", chain.burn("p1", 1_000_000))
    assert (answer.codespace, answer.code) == ("oracle.v2", 4)


def test_a_halt_for_want_of_collateral_stops_minting_only(priced: Any) -> None:
    priced.must("feeder", priced.price("0.05"))
    priced.block(after_s=40)
    priced.block()
    answer = priced.send("p1", priced.burn("p1", 10**9, "uakt"))
    assert (answer.codespace, answer.code) == ("bme", 6)
    before = priced.balance("p1")
    priced.must("p1", priced.burn("p1", 1_000_000))
    until_done(priced)
    assert priced.balance("p1") - before == 20_000_000 - 50_000


def test_coins_are_neither_lost_nor_made_by_chance(priced: Any) -> None:
    before = vault(priced)
    for amount, denom in ((7, "uact"), (12_345_678, "uakt"), (9_999_999, "uact"), (1, "uact")):
        priced.must("p1", priced.burn("p1", amount, denom))
    until_done(priced)
    after = vault(priced)
    spread = sum(int(r.executed_record.spread.amount) for r in records(priced, "executed") if r.id.denom == "uakt")
    assert after["uact"] - before["uact"] == spread
    assert after["uakt"] - before["uakt"] == credit(priced)


def vault(chain: Any) -> dict[str, int]:
    found = chain.ask("cosmos.bank.v1beta1.Query/AllBalances", address=BME).balances
    return {"uact": 0, "uakt": 0} | {coin.denom: int(coin.amount) for coin in found}
