"""A transaction taken apart: strict decoding, its messages, who must sign, and the checks that need no state.

The order matters, because each client sees only the first refusal: unreadable bytes, then the messages' own checks,
and only later (ante.py) what the envelope itself must satisfy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .codec import refuse, strict
from .coins import coins_of, coins_text
from .context import MessageKind, Registry
from .errors import ChainError, nil_pointer, registered
from .genesis import Coins
from .ids import is_address

_MAX_GAS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Tx:
    size: int
    body_bytes: bytes
    auth_bytes: bytes
    body: Any
    auth: Any
    signatures: tuple[bytes, ...]
    messages: tuple[tuple[MessageKind, Any], ...]
    signers: tuple[str, ...]
    fee: Coins

    @property
    def gas_limit(self) -> int:
        return int(self.auth.fee.gas_limit)

    @property
    def payer(self) -> str:
        return self.auth.fee.payer or self.signers[0]

    @property
    def timeout_ns(self) -> int:
        """0 when there is none."""
        stamp = self.body.timeout_timestamp
        return int(stamp.seconds * 10**9 + stamp.nanos)


def decode(registry: Registry, data: bytes) -> Tx:
    """ChainError sdk 2 when a node could not read it."""
    raw = strict("cosmos.tx.v1beta1.TxRaw", data)
    body = strict("cosmos.tx.v1beta1.TxBody", raw.body_bytes, lenient=True)
    auth = strict("cosmos.tx.v1beta1.AuthInfo", raw.auth_info_bytes)
    parts = []
    for box in body.messages:
        kind = registry.messages.get(box.type_url)
        if kind is None:
            raise refuse(f"unable to resolve type URL {box.type_url}")
        parts.append((kind, strict(box.type_url[1:], box.value, boxes=True)))
    signers = [kind.signer(msg) for kind, msg in parts]
    if auth.fee.payer:
        signers.append(auth.fee.payer)
    return Tx(
        size=len(data),
        body_bytes=raw.body_bytes,
        auth_bytes=raw.auth_info_bytes,
        body=body,
        auth=auth,
        signatures=tuple(raw.signatures),
        messages=tuple(parts),
        signers=tuple(dict.fromkeys(signers)),
        fee=coins_of(auth.fee.amount),
    )


def check_messages(tx: Tx) -> None:
    """The messages' stateless checks; a number that is missing where the node computes with it is a panic there too."""
    if not tx.messages:
        raise registered("sdk", 18, "must contain at least one message")
    for kind, msg in tx.messages:
        kind.check(msg)


def check_envelope(tx: Tx) -> None:
    """Options, addresses, gas, fee sign and the number of signatures (the SDK's basic validation of a tx)."""
    if tx.body.extension_options:
        raise ChainError("sdk", 31, "unknown extension options")
    granter = (tx.auth.fee.granter,) if tx.auth.fee.granter else ()
    for address in (*tx.signers, *granter):
        if not is_address(address):
            raise registered("sdk", 7, f"decoding bech32 failed: {address or 'empty address string is not allowed'}")
    if tx.gas_limit > _MAX_GAS:
        raise registered("sdk", 18, f"invalid gas supplied; {tx.gas_limit} > {_MAX_GAS}")
    if any(amount < 0 for _, amount in tx.fee):
        raise registered("sdk", 13, f"invalid fee provided: {coins_text(tx.fee)}")
    if not tx.signatures:
        raise ChainError("sdk", 15, "no signatures supplied")
    if len(tx.signatures) != len(tx.signers):
        raise registered("sdk", 4, f"wrong number of signers; expected {len(tx.signers)}, got {len(tx.signatures)}")


def amount_or_panic(wire: str) -> int:
    """A decimal a message must carry: an absent one is a nil pointer in the node."""
    if not wire:
        raise nil_pointer()
    return int(wire)
