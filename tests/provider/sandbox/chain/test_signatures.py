"""Signatures that are the account's, and everything that only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from provider.chain.wire import message, pack
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.signatures import PUBKEY_URL, address_of, public_key, sign_bytes, verify
from provider.sandbox.chain.tx import Tx, decode

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
NUMBER, SEQUENCE = 3, 5


@pytest.fixture
def account(chain: Any) -> Any:
    key = message("cosmos.crypto.secp256k1.PubKey")(key=chain.keys["tenant"].public)
    return message("cosmos.auth.v1beta1.BaseAccount")(
        address=chain["tenant"], pub_key=pack(key), account_number=NUMBER, sequence=SEQUENCE
    )


@pytest.fixture
def signed(chain: Any) -> Tx:
    """By the tenant, as account 3 with sequence 5."""
    data = chain.tx("tenant", chain.close_deployment(), number=NUMBER, sequence=SEQUENCE)
    return decode(chain.app._registry, data)


def parts(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def join(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


FORGERIES: dict[str, Callable[[int, int], bytes]] = {
    "another r": lambda r, s: join(r ^ 1, s),
    "another s": lambda r, s: join(r, s ^ 1),
    "high s": lambda r, s: join(r, ORDER - s),
    "r of zero": lambda r, s: join(0, s),
    "s of zero": lambda r, s: join(r, 0),
    "r beyond the curve": lambda r, s: join(ORDER, s),
    "empty": lambda r, s: b"",
    "a byte short": lambda r, s: join(r, s)[:-1],
    "a recovery byte behind it": lambda r, s: join(r, s) + b"\x00",
    "DER": lambda r, s: encode_dss_signature(r, s),
    "the halves swapped": lambda r, s: join(s, r),
}


def refusal(tx: Tx, account: Any, chain_id: str) -> tuple[str, int, str]:
    with pytest.raises(ChainError) as no:
        verify(tx, 0, account, chain_id)
    return no.value.codespace, no.value.code, no.value.text


def test_the_accounts_own_signature_is_believed(chain: Any, signed: Tx, account: Any) -> None:
    verify(signed, 0, account, chain.app.chain_id)


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forgeries(chain: Any, signed: Tx, account: Any, forge: Any) -> None:
    forged = replace(signed, signatures=(forge(*parts(signed.signatures[0])),))
    codespace, code, text = refusal(forged, account, chain.app.chain_id)
    assert (codespace, code) == ("sdk", 4)
    assert text == (
        f"signature verification failed; please verify account number ({NUMBER}) and chain-id (sandbox): "
        "(unable to verify single signer signature): unauthorized"
    )


def test_it_is_good_for_one_chain_one_account_and_one_text(chain: Any, signed: Tx, account: Any) -> None:
    here = chain.app.chain_id
    assert "chain-id (elsewhere)" in refusal(signed, account, "elsewhere")[2]
    other = replace(signed, body_bytes=signed.body_bytes + b"\x12\x01m")
    assert refusal(other, account, here)[1] == 4
    assert refusal(replace(signed, auth_bytes=signed.auth_bytes[:-1]), account, here)[1] == 4
    account.account_number = NUMBER + 1
    assert f"account number ({NUMBER + 1})" in refusal(signed, account, here)[2]
    account.account_number = NUMBER
    account.sequence += 1
    verify(signed, 0, account, here)  # the sequence is in the signed text, and was compared before


def test_each_signer_has_a_signature_of_its_own(chain: Any, signed: Tx, account: Any) -> None:
    genuine, wrong = signed.signatures[0], b"w" * 64
    two = replace(signed, signatures=(wrong, genuine))
    two.auth.signer_infos.add().mode_info.single.mode = 1
    verify(two, 1, account, chain.app.chain_id)
    assert refusal(two, account, chain.app.chain_id)[1] == 4


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (0, "(3) and chain-id (sandbox): (unsupported sign mode SIGN_MODE_UNSPECIFIED): unauthorized"),
        (2, "(3) and chain-id (sandbox): (unsupported sign mode SIGN_MODE_UNSPECIFIED): unauthorized"),
        (127, "(3), sequence (5) and chain-id (sandbox): unauthorized"),
    ],
)
def test_only_direct_signing_is_known(signed: Tx, account: Any, mode: int, text: str) -> None:
    signed.auth.signer_infos[0].mode_info.single.mode = mode
    told = refusal(signed, account, "sandbox")[2]
    assert told == f"signature verification failed; please verify account number {text}"


def key_box(type_url: str, value: bytes) -> Any:
    return message("google.protobuf.Any")(type_url=type_url, value=value)


@pytest.mark.parametrize(
    ("type_url", "value", "code", "text"),
    [
        ("", b"", 8, "pubkey on account is not set: invalid pubkey"),
        ("/cosmos.crypto.ed25519.PubKey", b"", 8, "unsupported key type '/cosmos.crypto.ed25519.PubKey'"),
        (f"type.googleapis.com{PUBKEY_URL}", b"", 8, "unsupported key type"),
        (PUBKEY_URL, b"\xff", 2, "invalid length: tx parse error: tx parse error"),
        (PUBKEY_URL, b"\x12\x01x", 2, "errUnknownField"),
    ],
)
def test_what_is_no_key(type_url: str, value: bytes, code: int, text: str) -> None:
    with pytest.raises(ChainError) as no:
        public_key(key_box(type_url, value))
    assert (no.value.codespace, no.value.code) == ("sdk", code)
    assert no.value.text.startswith(text)


@pytest.mark.parametrize("key", [b"", b"\x02" * 32, b"\x05" * 33, b"\x02" + b"\xff" * 32], ids=len)
def test_a_key_that_is_no_point_signs_nothing(signed: Tx, account: Any, key: bytes) -> None:
    account.pub_key.CopyFrom(pack(message("cosmos.crypto.secp256k1.PubKey")(key=key)))
    assert public_key(account.pub_key) == key
    assert refusal(signed, account, "sandbox")[1] == 4


def test_an_address_is_the_hash_of_a_key() -> None:
    """The generator point of the curve, whose hash every description of segregated witness prints."""
    generator = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
    assert address_of(generator) == "akash1w508d6qejxtdg4y5r3zarvary0c5xw7khx6akz"


def test_the_signed_bytes_field_by_field(signed: Tx) -> None:
    def field(tag: int, data: bytes) -> bytes:
        assert len(data) < 128
        return bytes([tag, len(data)]) + data

    small = replace(signed, body_bytes=b"body", auth_bytes=b"auth info")
    begin = field(0x0A, b"body") + field(0x12, b"auth info") + field(0x1A, b"sandbox")
    assert sign_bytes(small, "sandbox", 300) == begin + b"\x20\xac\x02"
    assert sign_bytes(small, "sandbox", 0) == begin, "a zero is not written"
