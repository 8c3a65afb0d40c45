"""Deposits from grants: who pays how much, and what comes back to a grant (chain-probes 29)."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message, unpack
from provider.sandbox.chain.coins import coins_of
from provider.sandbox.chain.ids import address_bytes

DEPLOYMENT, BID = 1, 2
BALANCE, GRANT = 1, 2


def limit(amount: int, denom: str = "uact", scope: int = DEPLOYMENT) -> Any:
    return message("akash.escrow.v1.DepositAuthorization")(
        scopes=[scope],
        spend_limit={"denom": denom, "amount": "0"},
        spend_limits=[{"denom": denom, "amount": str(amount)}],
    )


def left(chain: Any, granter: str, grantee: str = "tenant") -> Any:
    found = chain.ask("cosmos.authz.v1beta1.Query/Grants", granter=chain[granter], grantee=chain[grantee])
    return coins_of(unpack(found.grants[0].authorization).spend_limits)


def paid_by(chain: Any, dseq: int = 1) -> list[tuple[str, int, int]]:
    names = {key.address: name for name, key in chain.keys.items()}
    return [(names[d.owner], d.source, int(d.balance.amount) // 10**18) for d in chain.account(dseq).deposits]


def deployment(chain: Any, amount: int, *sources: int) -> Any:
    msg = chain.deployment(deposit=amount)
    msg.deposit.sources[:] = sources
    return msg


def test_a_grant_pays_and_is_filled_up_again_by_the_refund(chain: Any) -> None:
    chain.must("p1", chain.grant("p1", "tenant", limit(2_000_000)))
    mine, theirs = chain.balance("tenant", "uact"), chain.balance("p1", "uact")
    told = chain.must("tenant", deployment(chain, 500_000, GRANT))
    assert paid_by(chain) == [("p1", GRANT, 500_000)]
    assert (chain.balance("tenant", "uact"), chain.balance("p1", "uact")) == (mine, theirs - 500_000)
    assert left(chain, "p1") == (("uact", 1_500_000),)
    assert [e.type for e in told.events if "Event" in e.type][:2] == [
        "cosmos.authz.v1beta1.EventGrant",
        "akash.deployment.v1.EventDeploymentCreated",
    ]
    chain.must("tenant", chain.close_deployment())
    assert left(chain, "p1") == (("uact", 2_000_000),)
    assert chain.balance("p1", "uact") == theirs


@pytest.mark.parametrize(
    ("sources", "entries"),
    [
        ((GRANT, BALANCE), [("p1", GRANT, 600_000), ("tenant", BALANCE, 100_000)]),
        ((BALANCE, GRANT), [("tenant", BALANCE, 700_000)]),
    ],
)
def test_sources_are_asked_in_their_order(chain: Any, sources: tuple[int, ...], entries: Any) -> None:
    chain.must("p1", chain.grant("p1", "tenant", limit(600_000)))
    chain.must("tenant", deployment(chain, 700_000, *sources))
    assert paid_by(chain) == entries


def test_several_granters_pay_in_the_order_of_their_addresses(chain: Any) -> None:
    for name in ("p1", "p2"):
        chain.must(name, chain.grant(name, "tenant", limit(400_000)))
    first, second = sorted(("p1", "p2"), key=lambda name: address_bytes(chain[name]))
    chain.must("tenant", deployment(chain, 500_000, GRANT))
    assert paid_by(chain) == [(first, GRANT, 400_000), (second, GRANT, 100_000)]
    assert (left(chain, first), left(chain, second)) == ((), (("uact", 300_000),)), "an empty one stays"


@pytest.mark.parametrize(
    "authorization",
    [limit(499_999), limit(500_000, scope=BID), limit(500_000, denom="uakt")],
    ids=["too little", "for bids", "the other coin"],
)
def test_what_does_not_suffice_leaves_the_grant_alone(chain: Any, authorization: Any) -> None:
    chain.must("p1", chain.grant("p1", "tenant", authorization))
    before = left(chain, "p1")
    answer = chain.send("tenant", deployment(chain, 500_000, GRANT))
    assert (answer.codespace, answer.code) == ("undefined", 1)
    assert answer.log.endswith("deposit invalid: insufficient balance")
    assert left(chain, "p1") == before


def test_a_revoked_grant_gets_nothing_back_but_the_granter_does(chain: Any) -> None:
    chain.must("p1", chain.grant("p1", "tenant", limit(500_000)))
    chain.must("tenant", deployment(chain, 500_000, GRANT))
    revoke = message("cosmos.authz.v1beta1.MsgRevoke")(
        granter=chain["p1"], grantee=chain["tenant"], msg_type_url="/akash.escrow.v1.MsgAccountDeposit"
    )
    chain.must("p1", revoke)
    before = chain.balance("p1", "uact")
    told = chain.must("tenant", chain.close_deployment())
    assert chain.balance("p1", "uact") == before + 500_000
    assert not any(e.type.endswith("EventGrant") for e in told.events)
