"""Messages on behalf of others: who may, what is told, and what is refused where (chain-probes 28)."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message, unpack

SECOND = 10**9
BID = "/akash.market.v1beta5.MsgCreateBid"
AUTHZ = "cosmos.authz.v1beta1.Query"


def generic(url: str = BID) -> Any:
    return message("cosmos.authz.v1beta1.GenericAuthorization")(msg=url)


@pytest.fixture
def trusted(chain: Any) -> Any:
    """`hot` may bid for p1 for a minute; there is an order."""
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.grant("p1", "hot", generic(), chain.app.time_unix_ns + 60 * SECOND))
    return chain


def tails(answer: Any) -> set[tuple[tuple[str, str], ...]]:
    """How events of the message end: where they came from."""
    return {
        tuple((k, v) for k, v in e.attributes if k.endswith("msg_index"))
        for e in answer.events
        if any(k == "msg_index" for k, _ in e.attributes)
    }


def test_a_hot_key_bids_with_the_owners_money_and_pays_the_fee_itself(trusted: Any) -> None:
    hot, owner = trusted.balance("hot"), trusted.balance("p1")
    answer = trusted.must("hot", trusted.execute("hot", trusted.bid()))
    assert (trusted.balance("hot"), trusted.balance("p1")) == (hot - 50_000, owner - 500_000)
    assert tails(answer) == {(("msg_index", "0"),), (("authz_msg_index", "0"), ("msg_index", "0"))}
    actions = [dict(e.attributes).get("action") for e in answer.events if e.type == "message"]
    assert [a for a in actions if a] == ["/cosmos.authz.v1beta1.MsgExec"], "the inner message has no event of its own"
    data = message("cosmos.base.abci.v1beta1.TxMsgData").FromString(answer.data)
    assert list(unpack(data.msg_responses[0]).results) == [b""]


def test_an_execution_inside_an_execution_says_so_twice(trusted: Any) -> None:
    inner = trusted.execute("hot", trusted.bid())
    answer = trusted.must("hot", trusted.execute("hot", inner))
    assert (("authz_msg_index", "0"), ("authz_msg_index", "0"), ("msg_index", "0")) in tails(answer)


def test_ones_own_messages_need_no_grant(trusted: Any) -> None:
    trusted.must("p1", trusted.execute("p1", trusted.bid()))


REFUSED: dict[str, tuple[Any, tuple[str, int], str]] = {
    "a type that was not granted": (
        lambda c: c.execute("hot", c.on_lease("CloseBid", reason=10_000)),
        ("authz", 2),
        "failed to get grant with given granter: ",
    ),
    "another owner": (lambda c: c.execute("hot", c.bid("p2")), ("authz", 2), "msgType: /akash.market"),
    "nothing": (lambda c: c.execute("hot"), ("sdk", 18), "messages cannot be empty"),
    "an invalid message": (
        lambda c: c.execute("hot", c.bid(price=0)),
        ("market", 19),
        "msg 0: invalid bid: zero price",
    ),
    "a message that fails": (
        lambda c: c.execute("hot", c.bid(), c.bid()),
        ("market", 21),
        'failed to execute message; message id:<owner:"',
    ),
}


@pytest.mark.parametrize(("make", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_refusals_come_in_the_block_and_keep_their_code(trusted: Any, make: Any, code: Any, text: str) -> None:
    tx = trusted.tx("hot", make(trusted))
    assert trusted.app.check_tx(tx).code == 0
    answer = trusted.block(tx).results[0]
    assert (answer.codespace, answer.code) == code
    assert text in answer.log
    bids = trusted.ask("akash.market.v1beta5.Query/Bids", filters={"owner": trusted["tenant"]}).bids
    assert not bids, "all or nothing"


def test_a_panic_inside_is_a_panic(trusted: Any) -> None:
    bad = trusted.bid()
    bad.price.denom = "uakt"
    answer = trusted.send("hot", trusted.execute("hot", bad))
    assert (answer.codespace, answer.code) == ("undefined", 111222)
    assert answer.log.startswith("recovered: ")


def test_an_expired_grant_is_none(trusted: Any) -> None:
    trusted.block(after_s=60)
    assert (trusted.send("hot", trusted.execute("hot", trusted.bid())).codespace) == "authz"


def test_unknown_messages_inside_are_unreadable(trusted: Any) -> None:
    odd = trusted.execute("hot")
    odd.msgs.add(type_url="/no.such.Msg", value=b"")
    answer = trusted.app.check_tx(trusted.tx("hot", odd))
    assert (answer.codespace, answer.code) == ("sdk", 2)
    assert "unable to resolve type URL /no.such.Msg" in answer.log
    answer = trusted.send("hot", trusted.execute("hot", message("cosmos.base.v1beta1.Coin")(denom="x")))
    assert (answer.codespace, answer.code) == ("sdk", 6), "known, and no message"


GRANTED: dict[str, tuple[Any, tuple[str, int]]] = {
    "to oneself": (lambda c: c.grant("p1", "p1", generic()), ("authz", 7)),
    "a type nobody knows": (lambda c: c.grant("p1", "hot", generic("/foo.Bar")), ("sdk", 29)),
    "something else": (
        lambda c: c.grant("p1", "hot", message("cosmos.base.v1beta1.Coin")()),
        ("sdk", 29),
    ),
    "in the past": (lambda c: c.grant("p1", "hot", generic(), c.app.time_unix_ns), ("authz", 3)),
}


@pytest.mark.parametrize(("make", "code"), GRANTED.values(), ids=GRANTED)
def test_what_cannot_be_granted(chain: Any, make: Any, code: tuple[str, int]) -> None:
    answer = chain.send("p1", make(chain))
    assert (answer.codespace, answer.code) == code


def test_a_grant_replaces_the_earlier_one_and_ends_when_revoked(trusted: Any) -> None:
    trusted.must("p1", trusted.grant("p1", "hot", generic()))
    (found,) = trusted.ask(f"{AUTHZ}/GranteeGrants", grantee=trusted["hot"]).grants
    assert not found.HasField("expiration")
    revoke = message("cosmos.authz.v1beta1.MsgRevoke")(granter=trusted["p1"], grantee=trusted["hot"], msg_type_url=BID)
    trusted.must("p1", revoke)
    assert trusted.send("p1", revoke).code == 2
    revoke.msg_type_url = ""
    assert trusted.send("p1", revoke).code == 18
    assert trusted.send("hot", trusted.execute("hot", trusted.bid())).code == 2


def test_a_sending_limit_shrinks_and_ends(chain: Any) -> None:
    limit = message("cosmos.bank.v1beta1.SendAuthorization")(spend_limit=[{"denom": "uakt", "amount": "10"}])
    chain.must("p1", chain.grant("p1", "hot", limit))
    send = message("cosmos.bank.v1beta1.MsgSend")(
        from_address=chain["p1"], to_address=chain["p2"], amount=[{"denom": "uakt", "amount": "6"}]
    )
    chain.must("hot", chain.execute("hot", send))
    assert chain.send("hot", chain.execute("hot", send)).codespace == "sdk"
    send.amount[0].amount = "4"
    told = chain.must("hot", chain.execute("hot", send))
    assert any(e.type.endswith("EventRevoke") for e in told.events)
    assert not chain.ask(f"{AUTHZ}/Grants", granter=chain["p1"], grantee=chain["hot"]).grants


def test_grants_are_listed_from_both_sides(trusted: Any) -> None:
    trusted.must("p1", trusted.grant("p1", "p3", generic("/akash.market.v1beta5.MsgCloseBid")))
    p1, hot = trusted["p1"], trusted["hot"]
    both = trusted.ask(f"{AUTHZ}/GranterGrants", granter=p1)
    assert {g.grantee for g in both.grants} == {hot, trusted["p3"]}
    assert both.pagination.total == 0, "counted only when asked"
    page = trusted.ask(f"{AUTHZ}/GranterGrants", granter=p1, pagination={"limit": 1, "count_total": True})
    assert (len(page.grants), page.pagination.total) == (1, 2)
    rest = trusted.ask(f"{AUTHZ}/GranterGrants", granter=p1, pagination={"key": page.pagination.next_key})
    assert [g.grantee for g in (*page.grants, *rest.grants)] == [g.grantee for g in both.grants]
    assert len(trusted.ask(f"{AUTHZ}/Grants", granter=p1, grantee=hot, msg_type_url=BID).grants) == 1
    assert [unpack(g.authorization).msg for g in trusted.ask(f"{AUTHZ}/Grants", granter=p1, grantee=hot).grants] == [
        BID
    ]
