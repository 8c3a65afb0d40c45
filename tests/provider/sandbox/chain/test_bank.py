"""Transfers and balances."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.bank import coins_text, well_formed
from provider.sandbox.chain.errors import QueryError
from provider.sandbox.chain.genesis import AT_START, ESCROW, FEE_COLLECTOR, Genesis, module_address


def send(chain: Any, to: str, *coins: tuple[str, int]) -> Any:
    amount = [{"denom": d, "amount": str(n)} for d, n in coins]
    return message("cosmos.bank.v1beta1.MsgSend")(from_address=chain["tenant"], to_address=to, amount=amount)


def test_a_transfer_moves_coins_and_leaves_four_events(chain: Any) -> None:
    before = chain.balance("p1")
    answer = chain.must("tenant", send(chain, chain["p1"], ("uakt", 7)))
    assert chain.balance("p1") == before + 7
    assert [e.type for e in answer.events[7:]] == ["message", "coin_spent", "coin_received", "transfer", "message"]
    assert answer.events[8].attributes == [("spender", chain["tenant"]), ("amount", "7uakt"), ("msg_index", "0")]


@pytest.mark.parametrize(
    ("to", "coins", "wanted"),
    [
        ("p1", [("uact", 1)], ("bank", 5)),
        (ESCROW, [("uakt", 1)], ("sdk", 4)),
        ("p1", [("uakt", 10**15)], ("sdk", 5)),
        ("p1", [], ("sdk", 10)),
        ("p1", [("uakt", 0)], ("sdk", 10)),
        ("nobody", [("uakt", 1)], ("sdk", 7)),
    ],
)
def test_refused_transfers(chain: Any, to: str, coins: Any, wanted: tuple[str, int]) -> None:
    answer = chain.send("tenant", send(chain, chain[to] if to in chain.keys else to, *coins))
    assert (answer.codespace, answer.code) == wanted, answer.log


def test_who_receives_first_gets_the_next_account_number(chain: Any) -> None:
    fresh = module_address("somebody new")
    with pytest.raises(QueryError) as no:
        chain.ask("cosmos.auth.v1beta1.Query/AccountInfo", address=fresh)
    assert no.value.status == "NOT_FOUND"
    chain.must("tenant", send(chain, fresh, ("uakt", 1)))
    assert chain.ask("cosmos.auth.v1beta1.Query/AccountInfo", address=fresh).info.account_number == len(
        chain.keys
    ) + len(AT_START)
    balances = chain.ask("cosmos.bank.v1beta1.Query/SpendableBalances", address=fresh).balances
    assert [(c.denom, c.amount) for c in balances] == [("uakt", "1")]


def test_fees_gather_with_the_collector(chain: Any) -> None:
    found = chain.ask("cosmos.bank.v1beta1.Query/Balance", address=FEE_COLLECTOR, denom="uakt")
    assert int(found.balance.amount) == 2 * 50_000
    assert len(Genesis.default({}).params.bid_min_deposits) == 2


def test_coins_as_text_and_as_they_should_be() -> None:
    assert coins_text((("uact", 1), ("uakt", 2))) == "1uact,2uakt"
    assert well_formed((("uact", 1), ("uakt", 2)))
    assert not well_formed((("uakt", 2), ("uact", 1)))
    assert not well_formed((("uakt", 2), ("uakt", 1)))
    assert not well_formed((("uakt", 0),))
