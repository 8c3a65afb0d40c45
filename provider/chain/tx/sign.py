"""A signed transaction from its parts."""

from __future__ import annotations

from provider.chain.keys import SigningKey
from provider.chain.tx import build


async def sign(key: SigningKey, body_bytes: bytes, auth_info_bytes: bytes, chain_id: str, account_number: int) -> bytes:
    """The bytes to broadcast. The same parts and key always give the same bytes, hence the same hash (RFC 6979), where
    the key lies in this process."""
    signature = await key.signature(build.sign_doc(body_bytes, auth_info_bytes, chain_id, account_number))
    return build.raw(body_bytes, auth_info_bytes, signature)
