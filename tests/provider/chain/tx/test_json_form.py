"""Transactions as JSON: read back from it, they are the same; an unsigned one has all that the official CLI reads."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format

from manifests.coins import Coin
from provider.chain import delegation, wire
from provider.chain.messages import CreateCertificate, CreateProvider
from provider.chain.tx import build, json_form

OWNER, HOT = "akash1owner", "akash1hot"


def test_what_a_cold_owner_signs() -> None:
    msgs = delegation.wanted(
        OWNER, HOT, expires_unix_s=1_800_000_000, fee_granter=OWNER, fee_limit=Coin("uakt", 5_000_000)
    )
    found = json_form.unsigned(msgs, gas_price_e18=25 * 10**15)
    assert json.loads(json.dumps(found)) == found
    assert set(found) == {"body", "auth_info", "signatures"}
    first, last = found["body"]["messages"][0], found["body"]["messages"][-1]
    assert first == {
        "@type": "/cosmos.authz.v1beta1.MsgGrant",
        "granter": OWNER,
        "grantee": HOT,
        "grant": {
            "authorization": {
                "@type": "/cosmos.authz.v1beta1.GenericAuthorization", "msg": "/akash.market.v1beta5.MsgCreateBid",
            },
            "expiration": "2027-01-15T08:00:00Z",
        },
    }  # fmt: skip
    assert last["allowance"]["@type"] == "/cosmos.feegrant.v1beta1.AllowedMsgAllowance"
    assert last["allowance"]["allowance"]["spend_limit"] == [{"denom": "uakt", "amount": "5000000"}]
    assert found["auth_info"]["signer_infos"] == [] == found["signatures"]
    assert int(found["auth_info"]["fee"]["gas_limit"]) > 500_000


def test_it_is_the_transaction_itself_in_other_words() -> None:
    msgs = [CreateProvider(OWNER, "https://p.test:8443", ()), CreateCertificate(OWNER, b"cert", b"key")]
    body = build.body([build.box(m, OWNER) for m in msgs], timeout_unix_ns=1_800_000_000 * 10**9 + 5, unordered=True)
    auth = build.auth_info(b"\x02" * 33, 0, 100_000, [Coin("uakt", 2500)], "akash1granter")
    found = json_form.signed_over(body, auth)
    assert parsed("TxBody", found["body"]) == body
    assert parsed("AuthInfo", found["auth_info"]) == auth
    assert found["auth_info"]["fee"]["granter"] == "akash1granter"


def test_a_message_as_it_was_stored() -> None:
    box = build.box(CreateProvider(OWNER, "https://p.test:8443", ()), HOT)
    found = json_form.packed(box.SerializeToString())
    assert found["@type"] == "/cosmos.authz.v1beta1.MsgExec"
    assert found["msgs"][0]["host_uri"] == "https://p.test:8443"
    box.type_url = "/akash.gone.v1.MsgNothing"
    assert json_form.packed(box.SerializeToString()) == {"@type": "/akash.gone.v1.MsgNothing"}


def parsed(name: str, value: Any) -> bytes:
    w = json_format.ParseDict(value, wire.message(f"cosmos.tx.v1beta1.{name}")(), descriptor_pool=wire.POOL)
    return bytes(w.SerializeToString(deterministic=True))
