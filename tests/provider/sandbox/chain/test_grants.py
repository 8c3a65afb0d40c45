"""Grants as records: their order, their end, and the words for one that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain import authorizations, grants
from provider.sandbox.chain.context import Context, Registry
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.gas import UNLIMITED, Meter
from provider.sandbox.chain.genesis import Genesis, module_address
from provider.sandbox.chain.store import Layer, Store

G, H, X = (module_address(name) for name in ("granter", "helper", "grantee"))
SECOND = 10**9
CLOSE, CREATE, LONG = "/a.MsgCloseBid", "/a.MsgCreateBid", "/a.MsgLeaseStartReclaim"


@pytest.fixture
def ctx() -> Context:
    """At second 100."""
    return Context(Layer(Store().at(0)), 7, 100 * SECOND, Genesis.default({}), Registry(), Meter(UNLIMITED))


def generic(url: str) -> Any:
    return message(authorizations.GENERIC)(msg=url)


def second(number: int) -> Any:
    return message("google.protobuf.Timestamp")(seconds=number)


def test_a_grantees_grants_come_by_length_of_their_type_then_by_granter(ctx: Context) -> None:
    for granter, url in ((H, CREATE), (G, LONG), (G, CREATE), (G, CLOSE)):
        grants.save(ctx, (granter, X, url), generic(url))
    first, then = sorted((G, H), key=lambda who: grants.address_bytes(who))
    found = [(key[0], key[2]) for key, _ in grants.of_grantee(ctx, X)]
    assert found == [(G, CLOSE), (first, CREATE), (then, CREATE), (G, LONG)]
    assert list(grants.of_grantee(ctx, G)) == []


@pytest.mark.parametrize(("until", "saved"), [(99, False), (100, False), (101, True)])
def test_an_expiry_lies_ahead(ctx: Context, until: int, saved: bool) -> None:
    if saved:
        grants.save(ctx, (G, X, CLOSE), generic(CLOSE), second(until))
        assert grants.find(ctx, (G, X, CLOSE)) is not None
        return
    with pytest.raises(ChainError) as no:
        grants.save(ctx, (G, X, CLOSE), generic(CLOSE), second(until))
    assert (no.value.codespace, no.value.code) == ("authz", 3)
    assert f"(1970-01-01T00:01:40Z), got 1970-01-01T00:01:{until - 60}Z" in no.value.text


@pytest.mark.parametrize(("now", "holds", "stored"), [(119, True, True), (120, True, False), (121, False, False)])
def test_an_expired_grant_is_gone_at_the_start_of_a_block(ctx: Context, now: int, holds: bool, stored: bool) -> None:
    grants.save(ctx, (G, X, CLOSE), generic(CLOSE), second(120))
    grants.save(ctx, (H, X, CLOSE), generic(CLOSE))
    ctx.time_unix_ns = now * SECOND
    assert (grants.find(ctx, (G, X, CLOSE)) is not None) is holds
    grants.forget_expired(ctx)
    assert (grants.GRANTS.get(ctx, (G, X, CLOSE)) is not None) is stored
    assert grants.find(ctx, (H, X, CLOSE)) is not None, "without an expiry it stays"


def test_saving_and_removing_are_told(ctx: Context) -> None:
    grants.save(ctx, (G, X, CLOSE), generic(CLOSE))
    grants.remove(ctx, (G, X, CLOSE))
    told = [("grantee", f'"{X}"'), ("granter", f'"{G}"'), ("msg_type_url", f'"{CLOSE}"')]
    assert [(e.type, e.attributes) for e in ctx.log.events] == [
        ("cosmos.authz.v1beta1.EventGrant", told),
        ("cosmos.authz.v1beta1.EventRevoke", told),
    ]
    with pytest.raises(ChainError) as no:
        grants.remove(ctx, (G, X, CLOSE))
    assert (no.value.codespace, no.value.code) == ("authz", 2)
    assert no.value.text.startswith("failed to delete grant with key \x01\x14")
    assert no.value.text.endswith(f"\x0e{CLOSE}: authorization not found")
