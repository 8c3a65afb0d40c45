"""Is this signature the account's? secp256k1 over SHA-256 of the sign doc, 64 bytes r‖s, low S only (chain.md
§4.1–4.2).
"""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from manifests.bech32 import encode
from provider.chain.wire import message

from .codec import strict
from .errors import registered
from .tx import Tx

PUBKEY_URL = "/cosmos.crypto.secp256k1.PubKey"
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_DIRECT, _AMINO = 1, 127


def public_key(box: Any) -> bytes:
    """The 33 bytes inside a signer's Any; sdk 8 for any other kind of key."""
    if not box.type_url:
        raise registered("sdk", 8, "pubkey on account is not set")
    if box.type_url != PUBKEY_URL:
        raise registered("sdk", 8, f"unsupported key type {box.type_url!r}")
    return bytes(strict(PUBKEY_URL[1:], box.value).key)


def address_of(key: bytes) -> str:
    return encode("akash", hashlib.new("ripemd160", hashlib.sha256(key).digest()).digest())


def sign_bytes(tx: Tx, chain_id: str, account_number: int) -> bytes:
    doc = message("cosmos.tx.v1beta1.SignDoc")(
        body_bytes=tx.body_bytes, auth_info_bytes=tx.auth_bytes, chain_id=chain_id, account_number=account_number
    )
    return bytes(doc.SerializeToString(deterministic=True))


def verify(tx: Tx, index: int, account: Any, chain_id: str) -> None:
    """sdk 4 unless signature `index` is the account's own over this tx on this chain."""
    mode = tx.auth.signer_infos[index].mode_info.single.mode
    hint = f"signature verification failed; please verify account number ({account.account_number})"
    if mode == _AMINO:
        raise registered("sdk", 4, f"{hint}, sequence ({account.sequence}) and chain-id ({chain_id})")
    if mode != _DIRECT:
        raise registered("sdk", 4, f"{hint} and chain-id ({chain_id}): (unsupported sign mode SIGN_MODE_UNSPECIFIED)")
    key = public_key(account.pub_key)
    if not _genuine(key, tx.signatures[index], sign_bytes(tx, chain_id, account.account_number)):
        raise registered("sdk", 4, f"{hint} and chain-id ({chain_id}): (unable to verify single signer signature)")


def _genuine(key: bytes, signature: bytes, signed: bytes) -> bool:
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not 0 < r < _ORDER or not 0 < s <= _ORDER // 2:
        return False
    try:
        curve = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key)
        curve.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
