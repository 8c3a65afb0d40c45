"""What an earlier process has sent is known again as what it was."""

from __future__ import annotations

import pytest

from bidengine.views import ResourceOffer
from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from manifests.resources import Attribute, Cpu, Gpu, Memory, Resources, Storage
from provider.chain import messages as ask
from provider.chain.tx import build
from provider.chain.tx.business_key import key_of
from provider.chain.tx.inherited import inherit
from provider.chain.tx.priority import Priority, usual
from provider.chain.wire import message, pack
from provider.intents import Intent, Left, Signed

OWNER, HOT = "akash1p", "akash1hot"
LEASE = LeaseID("akash1t", 7, 1, 2, OWNER)
RESOURCES = Resources(
    1, Cpu(500), Memory(1 << 30), (Storage("data", 5 << 20, (Attribute("class", "beta3"),)),), Gpu(1), ()
)
MESSAGES: list[ask.Msg] = [
    ask.CreateBid(LEASE, DecCoin("uact", 5), Coin("uakt", 500_000)),
    ask.CreateBid(
        LEASE, DecCoin("uact", 5), Coin("uact", 7), (ResourceOffer(RESOURCES, 3),), 3600, ("grant", "balance")
    ),
    ask.CloseBid(LEASE, 10002),
    ask.WithdrawLease(LEASE),
    ask.StartReclaim(LEASE, 10001),
    ask.CreateCertificate(OWNER, b"cert", b"key"),
    ask.RevokeCertificate(OWNER, 5),
    ask.UpdateProvider(OWNER, "https://p:8443", (Attribute("region", "us"),), "a@b.c", "https://b.c"),
    ask.Send(OWNER, "akash1safe", Coin("uakt", 5)),
]


def intent(msg: ask.Msg, signer: str) -> Intent:
    box = build.box(msg, signer)
    return Intent(key_of(msg, box), type(msg).__name__, box.SerializeToString(deterministic=True), usual(msg))


def left(*intents: Intent) -> Left:
    keys = tuple(i.key for i in intents)
    return Left(Signed("AB", b"bytes", 77, None, 100, Coin("uakt", 9), keys), intents)


@pytest.mark.parametrize("signer", [OWNER, HOT], ids=["own key", "hot key"])
@pytest.mark.parametrize("msg", MESSAGES, ids=lambda m: type(m).__name__)
def test_each_message_this_daemon_sends(msg: ask.Msg, signer: str) -> None:
    flight = inherit(left(intent(msg, signer)))
    (item,) = flight.items
    assert item.msg == msg
    assert item.box == build.box(msg, signer), "who asks for the same joins it"
    assert item.key == key_of(msg, item.box)
    assert (item.inherited, item.left, item.stored, item.priority) == (True, True, True, usual(msg))


def test_the_transaction_is_the_same_bytes_and_due_at_once() -> None:
    flight = inherit(left(*(intent(m, OWNER) for m in MESSAGES[2:4])))
    assert (flight.hash, flight.tx, flight.timeout_unix_ns, flight.fee) == ("AB", b"bytes", 77, 9)
    assert not flight.accepted
    assert [i.msg for i in flight.items] == MESSAGES[2:4]


def test_a_message_that_is_never_sent_by_itself_is_left_to_its_transaction() -> None:
    other = intent(ask.CreateLease(LEASE), OWNER)
    assert inherit(left(other)).items == []
    assert Priority(other.priority) is Priority.ROUTINE


@pytest.mark.parametrize("wrapped", [False, True], ids=["own key", "hot key"])
def test_one_of_a_type_that_is_not_known_keeps_its_place(wrapped: bool) -> None:
    box = message("google.protobuf.Any")(type_url="/akash.market.v9.MsgNotYetThoughtOf", value=b"x")
    if wrapped:
        box = pack(message("cosmos.authz.v1beta1.MsgExec")(grantee=HOT, msgs=[box]))
    other = Intent("other", "NotYetThoughtOf", box.SerializeToString(), 0)
    flight = inherit(left(other, intent(MESSAGES[3], OWNER)))
    (item,) = flight.items
    assert item.msg == MESSAGES[3]
    assert (flight.blamed(0), flight.blamed(1)) == ([], [item])
