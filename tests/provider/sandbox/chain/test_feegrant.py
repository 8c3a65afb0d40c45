"""Fees on somebody else: who pays, what is told, and when it ends (chain-probes 28)."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message, pack

NAME = "cosmos.feegrant.v1beta1"
SECOND = 10**9


def allow(chain: Any, limit: int = 0, until_ns: int | None = None, grantee: str = "hot") -> Any:
    basic = message(f"{NAME}.BasicAllowance")(spend_limit=[{"denom": "uakt", "amount": str(limit)}] if limit else [])
    if until_ns is not None:
        basic.expiration.FromNanoseconds(until_ns)
    return message(f"{NAME}.MsgGrantAllowance")(granter=chain["p1"], grantee=chain[grantee], allowance=pack(basic))


def revoke(chain: Any) -> Any:
    return message(f"{NAME}.MsgRevokeAllowance")(granter=chain["p1"], grantee=chain["hot"])


def act(chain: Any, fee: int = 5_000) -> bytes:
    """`hot` sends a coin to itself, p1 pays."""
    send = message("cosmos.bank.v1beta1.MsgSend")(
        from_address=chain["hot"], to_address=chain["hot"], amount=[{"denom": "uakt", "amount": "1"}]
    )
    return chain.tx("hot", send, granter=chain["p1"], gas=200_000, fee=fee)


def left(chain: Any) -> list[Any]:
    return list(chain.ask(f"{NAME}.Query/Allowances", grantee=chain["hot"]).allowances)


def test_the_granter_pays_and_the_allowance_shrinks(chain: Any) -> None:
    told = chain.must("p1", allow(chain, 12_000))
    assert ("set_feegrant", [("granter", chain["p1"]), ("grantee", chain["hot"]), ("msg_index", "0")]) in [
        (e.type, e.attributes) for e in told.events
    ]
    payer, hot = chain.balance("p1"), chain.balance("hot")
    answer = chain.block(act(chain)).results[0]
    assert answer.code == 0, answer.log
    assert (chain.balance("p1"), chain.balance("hot")) == (payer - 5_000, hot)
    assert [e.type for e in answer.events[:4]] == ["use_feegrant", "update_feegrant", "coin_spent", "coin_received"]
    assert ("fee_payer", chain["p1"]) in [pair for e in answer.events if e.type == "tx" for pair in e.attributes]
    assert any(("acc_seq", f"{chain['hot']}/0") in e.attributes for e in answer.events)


def test_what_pays_the_last_coin_is_gone_with_it(chain: Any) -> None:
    chain.must("p1", allow(chain, 10_000))
    assert chain.app.check_tx(act(chain, fee=10_001)).codespace == "feegrant"
    answer = chain.block(act(chain, fee=10_000)).results[0]
    assert [e.type for e in answer.events[:3]] == ["revoke_feegrant", "use_feegrant", "coin_spent"]
    assert left(chain) == []
    assert chain.app.check_tx(act(chain)).code == 38


def test_a_failing_message_is_paid_for_too(chain: Any) -> None:
    chain.must("p1", allow(chain, 12_000))
    doomed = chain.tx("hot", chain.execute("hot"), granter=chain["p1"], gas=200_000)
    assert chain.block(doomed).results[0].code == 18
    (grant,) = left(chain)
    assert b"7000" in grant.allowance.value


def test_a_simulation_uses_nothing_up(chain: Any) -> None:
    chain.must("p1", allow(chain, 5_000))
    chain.app.simulate(act(chain))
    assert chain.block(act(chain)).results[0].code == 0


@pytest.mark.parametrize(("blocks_s", "listed"), [(29, 1), (30, 0), (31, 0)])
def test_an_expired_allowance_is_gone_at_the_end_of_a_block(chain: Any, blocks_s: int, listed: int) -> None:
    chain.must("p1", allow(chain, until_ns=chain.app.time_unix_ns + 31 * SECOND))
    chain.block(after_s=blocks_s)
    assert len(left(chain)) == listed


REFUSED: dict[str, tuple[Any, tuple[str, int]]] = {
    "to oneself": (lambda c: allow(c, grantee="p1"), ("sdk", 7)),
    "again": (lambda c: allow(c), ("sdk", 18)),
    "in the past": (lambda c: allow(c, until_ns=c.app.time_unix_ns - 1, grantee="p3"), ("sdk", 18)),
    "nothing": (
        lambda c: message(f"{NAME}.MsgGrantAllowance")(granter=c["p1"], grantee=c["p3"]),
        ("feegrant", 5),
    ),
}


@pytest.mark.parametrize(("make", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_granted(chain: Any, make: Any, code: tuple[str, int]) -> None:
    chain.must("p1", allow(chain))
    answer = chain.send("p1", make(chain))
    assert (answer.codespace, answer.code) == code


def test_revoked_once(chain: Any) -> None:
    chain.must("p1", allow(chain))
    chain.must("p1", revoke(chain))
    answer = chain.send("p1", revoke(chain))
    assert (answer.codespace, answer.code, answer.log.rpartition("0: ")[2]) == (
        "sdk",
        38,
        "fee-grant not found: not found",
    )


def test_a_new_grantee_gets_an_account(chain: Any) -> None:
    stranger = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"
    msg = allow(chain)
    msg.grantee = stranger
    chain.must("p1", msg)
    assert chain.ask("cosmos.auth.v1beta1.Query/AccountInfo", address=stranger).info.address == stranger
    assert chain.ask(f"{NAME}.Query/Allowance", granter=chain["p1"], grantee=stranger).allowance.grantee == stranger
    assert len(chain.ask(f"{NAME}.Query/AllowancesByGranter", granter=chain["p1"]).allowances) == 1


def test_anybody_may_have_the_expired_ones_removed(chain: Any) -> None:
    told = chain.must("p2", message(f"{NAME}.MsgPruneAllowances")(pruner=chain["p2"]))
    assert any(e.type == "prune_feegrant" for e in told.events)
