"""Where deposits come from, and what may be added to which account."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain import bank
from provider.sandbox.chain.context import Context, Registry
from provider.sandbox.chain.deposits import check_sources, collect
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.gas import UNLIMITED, Meter
from provider.sandbox.chain.genesis import ESCROW, Genesis
from provider.sandbox.chain.store import Layer, Store

BALANCE, GRANT = 1, 2
SCOPE = 1
E18 = 10**18


def deposit(amount: int | str, *sources: int, denom: str = "uakt") -> Any:
    return message("akash.base.deposit.v1.Deposit")(amount={"denom": denom, "amount": str(amount)}, sources=sources)


@pytest.fixture
def ctx() -> Context:
    """At height 40; "rich" owns 1,000 uakt and 30 uact."""
    made = Context(Layer(Store().at(0)), 40, 0, Genesis.default({}), Registry(), Meter(UNLIMITED))
    bank.credit(made.store, "rich", (("uakt", 1_000), ("uact", 30)))
    return made


@pytest.mark.parametrize(
    ("sources", "text"),
    [
        ((BALANCE,), None),
        ((GRANT,), None),
        ((GRANT, BALANCE), None),
        ((), "empty deposit sources"),
        ((0,), "empty deposit source type 0"),
        ((BALANCE, 3), "empty deposit source type 3"),
        ((BALANCE, BALANCE), "duplicate deposit source type 1"),
        ((BALANCE, GRANT, BALANCE), "duplicate deposit source type 1"),
        ((GRANT, GRANT), "duplicate deposit source type 2"),
    ],
)
def test_sources_are_known_and_named_once(sources: tuple[int, ...], text: str | None) -> None:
    if text is None:
        check_sources(deposit(1, *sources))
        return
    with pytest.raises(ChainError) as no:
        check_sources(deposit(1, *sources))
    assert (no.value.codespace, no.value.code, no.value.text) == ("akash", 4, f"{text}: invalid deposit source")


COLLECTED: dict[str, tuple[Any, list[tuple[str, int, int, str, int]] | None]] = {
    # deposit -> (owner, height, source, denom, amount × 10^18) of each depositor, None for a refusal
    "less than there is": (deposit(999, BALANCE), [("rich", 40, BALANCE, "uakt", 999 * E18)]),
    "the smallest": (deposit(1, BALANCE), [("rich", 40, BALANCE, "uakt", E18)]),
    "all there is": (deposit(1_000, BALANCE), [("rich", 40, BALANCE, "uakt", 1_000 * E18)]),
    "one too much": (deposit(1_001, BALANCE), None),
    "of the other coin": (deposit(30, BALANCE, denom="uact"), [("rich", 40, BALANCE, "uact", 30 * E18)]),
    "too much of it": (deposit(31, BALANCE, denom="uact"), None),
    "of a coin nobody has": (deposit(1, BALANCE, denom="ufoo"), None),
    "granted by nobody": (deposit(1, GRANT), None),
    "granted or one's own": (deposit(5, GRANT, BALANCE), [("rich", 40, BALANCE, "uakt", 5 * E18)]),
    "one's own or granted": (deposit(5, BALANCE, GRANT), [("rich", 40, BALANCE, "uakt", 5 * E18)]),
    "the rest cannot be granted": (deposit(1_001, BALANCE, GRANT), None),
    "nothing": (deposit(0, BALANCE), []),
    "nothing, left out": (deposit("", BALANCE), []),
}


@pytest.mark.parametrize(("wanted", "found"), COLLECTED.values(), ids=COLLECTED)
def test_what_is_found_covers_all_or_nothing(ctx: Context, wanted: Any, found: Any) -> None:
    if found is None:
        with pytest.raises(ChainError) as no:
            collect(ctx, "rich", SCOPE, wanted)
        assert (no.value.codespace, no.value.code) == ("undefined", 1)
        assert no.value.text == "deposit invalid: insufficient balance"
    else:
        entries = collect(ctx, "rich", SCOPE, wanted)
        assert [(e.owner, e.height, e.source, e.balance.denom, int(e.balance.amount)) for e in entries] == found
    assert bank.balances(ctx.store, "rich") == (("uact", 30), ("uakt", 1_000)), "nothing has moved yet"
    assert ctx.log.events == []


# The message.


def changed(chain: Any, **values: Any) -> Any:
    msg = chain.top_up()
    for name, value in values.items():
        {
            "signer": lambda v: setattr(msg, "signer", v),
            "scope": lambda v: setattr(msg.id, "scope", v),
            "xid": lambda v: setattr(msg.id, "xid", v.format(t=chain["tenant"])),
            "amount": lambda v: setattr(msg.deposit.amount, "amount", v),
            "sources": lambda v: msg.deposit.sources.__setitem__(slice(None), v),
        }[name](value)
    return msg


@pytest.mark.parametrize(
    ("change", "wanted", "text"),
    [
        ({}, ("", 0), ""),
        ({"amount": "1"}, ("", 0), ""),
        ({"signer": "x"}, ("sdk", 7), "invalid signer: invalid address"),
        ({"scope": 0}, ("escrow", 12), "invalid scope: invalid ID"),
        ({"scope": 3}, ("escrow", 12), "invalid scope: invalid ID"),
        ({"xid": ""}, ("escrow", 12), "invalid xid format: invalid ID"),
        ({"xid": "{t}"}, ("escrow", 12), "invalid xid format: invalid ID"),
        ({"xid": "x/1"}, ("escrow", 12), "invalid xid format: invalid ID"),
        ({"xid": "{t}/1/1"}, ("escrow", 12), "invalid xid format: invalid ID"),
        ({"xid": "{t}/1", "scope": 2}, ("escrow", 12), "invalid xid format: invalid ID"),
        ({"xid": "{t}/1/1/1/{t}", "scope": 2}, ("", 0), ""),
        ({"amount": "0"}, ("escrow", 16), "invalid deposit"),
        ({"amount": "-1"}, ("escrow", 16), "invalid deposit"),
        ({"amount": ""}, ("escrow", 16), "invalid deposit"),
        ({"sources": []}, ("akash", 4), "empty deposit sources: invalid deposit source"),
        ({"sources": [1, 1]}, ("akash", 4), "duplicate deposit source type 1: invalid deposit source"),
    ],
)
def test_what_never_enters_the_mempool(chain: Any, change: Any, wanted: tuple[str, int], text: str) -> None:
    msg = changed(chain, **change)
    answer = chain.app.check_tx(chain.tx("tenant", msg))
    assert (answer.codespace, answer.code, answer.log) == (*wanted, text)


@pytest.mark.parametrize(
    ("dseq", "amount", "wanted"),
    [
        (1, 5, ("", 0)),
        (404, 5, ("escrow", 3)),
        (2, 5, ("escrow", 2)),
        (1, 10**13, ("undefined", 1)),
        (404, 10**13, ("undefined", 1)),
        (2, 10**13, ("undefined", 1)),
    ],
    ids=["open", "unknown", "closed", "funds", "funds before unknown", "funds before closed"],
)
def test_funds_are_looked_at_before_the_account(chain: Any, dseq: int, amount: int, wanted: tuple[str, int]) -> None:
    for known in (1, 2):
        chain.must("tenant", chain.deployment(known))
    chain.must("tenant", chain.close_deployment(2))
    answer = chain.send("tenant", chain.top_up(dseq=dseq, amount=amount))
    assert (answer.codespace, answer.code) == wanted, answer.log


def test_a_strangers_deposit_is_an_entry_of_its_own(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    held, before = bank.balance(chain.app._store.at(chain.app.height), ESCROW, "uact"), chain.balance("p2", "uact")
    chain.must("p2", chain.top_up("p2", 300))
    entries = [(e.owner, e.height, e.source, e.balance.amount) for e in chain.account().deposits]
    assert entries[1:] == [(chain["p2"], chain.app.height, BALANCE, str(300 * E18))]
    assert chain.balance("p2", "uact") == before - 300
    assert bank.balance(chain.app._store.at(chain.app.height), ESCROW, "uact") == held + 300


def test_anybody_may_add_to_a_bids_deposit_and_gets_it_back_with_the_bid(chain: Any) -> None:
    """chain-probes 12."""
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid())
    gift = chain.top_up("p2", 70, denom="uakt")
    gift.id.scope, gift.id.xid = 2, f"{chain['tenant']}/1/1/1/{chain['p1']}"
    before = chain.balance("p2")
    chain.must("p2", gift)
    bid = chain.ask("akash.market.v1beta5.Query/Bid", id=chain.bid_id())
    assert [int(f.amount) // E18 for f in bid.escrow_account.state.funds] == [500_070]
    chain.must("p1", chain.on_lease("CloseBid", reason=10_000))
    assert chain.balance("p2") == before - 50_000, "all but the fee"
