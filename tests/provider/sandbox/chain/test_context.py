"""What a handler works with: records nobody can change behind the store's back, costs, and the registry."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.context import Context, Registry, Table, View
from provider.sandbox.chain.errors import ChainError, QueryError
from provider.sandbox.chain.events import of_message
from provider.sandbox.chain.gas import READ, ROW, UNLIMITED, WRITE, WRITE_PER_BYTE, Meter
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.store import Layer, Store

COIN = "cosmos.base.v1beta1.Coin"
COINS = Table("coins", COIN)
BIDS = Table("bid", COIN)
"""the name decides what writing costs"""


def coin(amount: int) -> Any:
    return message(COIN)(denom="uakt", amount=str(amount))


def context(gas: int = UNLIMITED) -> Context:
    return Context(Layer(Store().at(0)), 7, 0, Genesis.default({}), Registry(), Meter(gas))


def test_a_record_that_was_read_belongs_to_the_reader() -> None:
    ctx = context()
    ctx.put(COINS, ("a", 1), coin(5))
    found = COINS.get(ctx, ("a", 1))
    found.amount = "6"
    assert COINS.get(ctx, ("a", 1)) == coin(5)
    assert COINS.get(ctx, ("a", 2)) is None
    (row,) = [record for _, record in COINS.scan(ctx)]
    row.amount = "7"
    assert COINS.get(ctx, ("a", 1)) == coin(5)


def test_a_scan_comes_in_key_order_below_its_prefix() -> None:
    ctx = context()
    for key in (("b", 1), ("a", 10), ("a", 9), ("ab", 1)):
        ctx.put(COINS, key, coin(key[1]))
    assert [key for key, _ in COINS.scan(ctx)] == [("a", 9), ("a", 10), ("ab", 1), ("b", 1)]
    assert list(COINS.scan(ctx, ("a",))) == [(("a", 9), coin(9)), (("a", 10), coin(10))]
    assert [key for key, _ in COINS.scan(ctx, ("a",), text=True)] == [("a", 9), ("a", 10), ("ab", 1)]
    assert [key for key, _ in COINS.scan(ctx.store, ("b",))] == [("b", 1)], "any reader will do"


def test_rows_written_during_a_scan_do_not_join_it() -> None:
    ctx = context()
    ctx.put(COINS, (1,), coin(1))
    for key, record in COINS.scan(ctx):
        ctx.put(COINS, (key[0] + 1,), record)
    assert [key for key, _ in COINS.scan(ctx)] == [(1,), (2,)]


SIZE = len(coin(5).SerializeToString())
COSTS: dict[str, tuple[Any, int]] = {
    "reading": (lambda ctx: ctx.get("coins", (1,)), READ),
    "reading what is not there": (lambda ctx: ctx.get("coins", (9,)), READ),
    "one row of a scan": (lambda ctx: next(ctx.scan("coins")), ROW),
    "all rows of a scan": (lambda ctx: list(ctx.scan("coins")), 3 * ROW),
    "a scan that finds nothing": (lambda ctx: list(ctx.scan("bid")), 0),
    "writing a bid and its indexes": (lambda ctx: ctx.put(BIDS, (1,), coin(5)), WRITE["bid"] + SIZE * WRITE_PER_BYTE),
    "writing what has no price": (lambda ctx: ctx.put(COINS, (1,), coin(5)), READ + SIZE * WRITE_PER_BYTE),
    "writing a number": (lambda ctx: ctx.write("balance", (1,), 5), WRITE["balance"]),
    "looking below the meter": (lambda ctx: list(ctx.store.scan("coins")), 0),
}


@pytest.mark.parametrize(("use", "gas"), COSTS.values(), ids=COSTS)
def test_what_it_costs(use: Any, gas: int) -> None:
    ctx = context()
    for n in (1, 2, 3):
        ctx.store.put("coins", (n,), coin(n).SerializeToString())
    use(ctx)
    assert ctx.gas.used == gas


@pytest.mark.parametrize("short", [1, WRITE_PER_BYTE * SIZE + 1])
def test_what_cannot_be_paid_for_is_not_written(short: int) -> None:
    ctx = context(WRITE["bid"] + SIZE * WRITE_PER_BYTE - short)
    with pytest.raises(ChainError, match="out of gas"):
        ctx.put(BIDS, (1,), coin(5))
    assert ctx.store.get("bid", (1,)) is None


def test_inside_a_message_state_and_events_are_apart_but_gas_is_one() -> None:
    ctx = context()
    log = of_message(0)
    inner = ctx.inside(Layer(ctx.store), log)
    inner.put(COINS, (1,), coin(1))
    inner.log.plain("happened")
    assert (COINS.get(inner, (1,)), COINS.get(ctx.store, (1,))) == (coin(1), None)
    assert ([e.type for e in log.events], ctx.log.events) == (["happened"], [])
    assert (inner.height, inner.gas) == (7, ctx.gas)
    assert ctx.gas.used > 0


def test_a_message_is_found_by_its_type_url_and_knows_its_module() -> None:
    registry = Registry()
    registry.message("akash.market.v1beta5.MsgCreateBid", lambda msg: "signer", lambda ctx, msg: None)
    (url, kind), *others = registry.messages.items()
    assert (url, kind.module, kind.signer(None), others) == (
        "/akash.market.v1beta5.MsgCreateBid",
        "market",
        "signer",
        [],
    )
    kind.check(None)  # none was given, so nothing is wrong

    def refuse(msg: Any) -> None:
        raise ChainError("x", 1, str(msg))

    registry.message("cosmos.bank.v1beta1.MsgSend", lambda msg: "", lambda ctx, msg: None, refuse)
    with pytest.raises(ChainError, match="no"):
        registry.messages["/cosmos.bank.v1beta1.MsgSend"].check("no")


def test_a_query_is_answered_by_its_method_or_not_at_all() -> None:
    registry, view = Registry(), View(Store().at(0), 5, Genesis.default({}))
    registry.query("/some.Query/Height", lambda view, request: (view.height, request))
    assert registry.ask(view, "/some.Query/Height", "asked") == (5, "asked")
    for method, text in (
        ("/some.Query/Depth", "unknown method Depth for service some.Query"),
        ("some.Query/Height", "unknown method Height for service some.Query"),
    ):
        with pytest.raises(QueryError) as no:
            registry.ask(view, method, None)
        assert (no.value.status, no.value.text) == ("UNIMPLEMENTED", text)
