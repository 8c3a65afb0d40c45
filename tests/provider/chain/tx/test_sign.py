"""Recorded transactions signed again with the recorded mnemonic: the signature, and so the whole transaction, is the
same."""

from __future__ import annotations

import base64
from typing import Any

from provider.chain import wire
from provider.chain.keys import Key
from provider.chain.tx.sign import sign


async def test_every_recorded_signature_is_ours_bit_for_bit(lines: Any, genesis: dict[str, Any]) -> None:
    accounts = {
        key.public_key: (key, who["account_number"])
        for who in genesis["names"].values()
        if "index" in who and "account_number" in who
        for key in [Key.from_mnemonic(genesis["mnemonic"], who["index"])]
    }
    signed = 0
    for block in lines(None, "results"):
        for tx in block["txs"]:
            raw = wire.message("cosmos.tx.v1beta1.TxRaw").FromString(base64.b64decode(tx["bytes"]))
            auth = wire.message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes)
            known = accounts.get(wire.unpack(auth.signer_infos[0].public_key).key)
            if known is None or len(raw.signatures) != 1:
                continue
            key, number = known
            made = await sign(key, raw.body_bytes, raw.auth_info_bytes, "local", number)
            assert made == base64.b64decode(tx["bytes"]), tx["note"]
            signed += 1
    assert signed > 500
