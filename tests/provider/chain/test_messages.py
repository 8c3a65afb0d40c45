"""Everything that can be asked of the chain can be written, and names the account that signs it somewhere in its id."""

from __future__ import annotations

from typing import get_args

from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain import messages as ask
from provider.chain.convert import requests


def test_every_message_has_a_wire_form() -> None:
    assert set(get_args(ask.Msg)) == set(requests.WRITERS)


def test_every_message_names_the_account_that_signs_it() -> None:
    lease = LeaseID("akash1tenant", 7, 1, 1, "akash1provider")
    deployment, group, coin = lease.deployment, lease.order.group, Coin("uakt", 1)
    told = {
        "akash1provider": [
            ask.CreateBid(lease, DecCoin("uact", 1), coin), ask.CloseBid(lease, 10000), ask.WithdrawLease(lease),
            ask.StartReclaim(lease, 10000),
        ],
        "akash1tenant": [
            ask.CreateDeployment(deployment, (), b"", coin), ask.UpdateDeployment(deployment, b""),
            ask.CloseDeployment(deployment), ask.CloseGroup(group), ask.CreateLease(lease), ask.CloseLease(lease),
        ],
        "akash1owner": [
            ask.CreateProvider("akash1owner", "", ()), ask.UpdateProvider("akash1owner", "", ()),
            ask.CreateCertificate("akash1owner", b"", b""), ask.RevokeCertificate("akash1owner", 7),
            ask.Grant("akash1owner", "akash1hot", "/x"), ask.Revoke("akash1owner", "akash1hot", "/x"),
            ask.GrantAllowance("akash1owner", "akash1hot", None), ask.RevokeAllowance("akash1owner", "akash1hot"),
        ],
        "akash1friend": [ask.Deposit("akash1friend", deployment, coin), ask.Send("akash1friend", "akash1cold", coin)],
        "akash1auditor": [ask.SignAttributes("akash1auditor", "akash1provider", ())],
    }  # fmt: skip
    for signer, msgs in told.items():
        assert {ask.signer_of(msg) for msg in msgs} == {signer}
    assert {type(msg) for msgs in told.values() for msg in msgs} == set(get_args(ask.Msg))


def test_messages_are_values() -> None:
    for kind in get_args(ask.Msg):
        assert kind.__dataclass_params__.frozen
        assert kind.__dataclass_params__.eq
        assert "__dict__" not in dir(kind)
