"""Bytes to messages and back as the real node does it: strict decoding of transactions, the JSON of events, and
records as they are stored.

Three things differ from plain protobuf: fields nobody knows are refused (except "non-critical" ones of the body),
numbers inside texts must be numbers, and a stored record always carries its non-nullable parts, even empty ones
(chain.md §1.4).
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from provider.chain.wire import message

from . import dec
from .errors import ChainError, registered

_NON_CRITICAL = 1 << 10
"""unknown body fields with this bit in their number are let through (chain-probes 24)"""
_WIRE_TYPES = {0: "varint", 1: "fixed64", 2: "bytes", 3: "start_group", 5: "fixed32"}
_MAX_DIGITS = 96
"""a 315-bit decimal of the node has no more"""
_NUMBER = re.compile(r"[+-]?[0-9]+")
_DECIMALS = {
    "cosmos.base.v1beta1.DecCoin.amount",
    "akash.escrow.types.v1.Balance.amount",
    "akash.oracle.v2.MsgAddPriceEntry.price",
}
_INTEGERS = {"cosmos.base.v1beta1.Coin.amount", "akash.base.resources.v1beta4.ResourceValue.val"}
_QUOTED = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}

_ALWAYS = {
    "akash.deployment.v1beta4.GroupSpec": ("requirements",),
    "akash.base.attributes.v1.PlacementRequirements": ("signed_by",),
    "akash.deployment.v1beta4.ResourceUnit": ("resource", "price"),
    "akash.base.resources.v1beta4.CPU": ("units",),
    "akash.base.resources.v1beta4.GPU": ("units",),
    "akash.base.resources.v1beta4.Memory": ("quantity",),
    "akash.base.resources.v1beta4.Storage": ("quantity",),
    "akash.market.v1beta5.ResourceOffer": ("resources",),
    "akash.provider.v1beta4.Provider": ("info",),
    "akash.market.v1.Reclamation": ("window",),
    "akash.deployment.v1.DeploymentReclamation": ("min_window",),
}
"""non-nullable parts: the node writes them even when a tx left them out"""


def refuse(text: str) -> ChainError:
    """A tx that cannot be read: sdk 2, with the doubled ending of the real node."""
    return registered("sdk", 2, f"{text}: tx parse error")


def strict(name: str, data: bytes, *, lenient: bool = False) -> Any:
    """Decode and refuse what a node refuses; `lenient` lets non-critical unknown fields of the top level pass."""
    try:
        found = message(name).FromString(data)
    except DecodeError:
        raise refuse("invalid length") from None
    _check(found, lenient)
    return found


def complete(record: Message) -> Any:
    """The record with its non-nullable parts set and its numbers in plain form, all the way down."""
    descriptor: Any = record.DESCRIPTOR
    for name in _ALWAYS.get(descriptor.full_name, ()):
        getattr(record, name).SetInParent()
    for field in descriptor.fields:
        value = getattr(record, field.name)
        if field.full_name in _INTEGERS or field.full_name in _DECIMALS:
            plain = str(int(value or 0))
            setattr(record, field.name, plain.encode() if isinstance(value, bytes) else plain)
        elif field.message_type is not None:
            for part in value if _repeated(field) else [value] if record.HasField(field.name) else []:
                complete(part)
    return record


def go_json(value: Any) -> str:
    """One event attribute: compact JSON with proto names, zero values printed, decimals with a point."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def enum_json(number: int, names: dict[int, str]) -> str:
    """An enum by name, an unnamed number bare (chain-probes 13)."""
    return json.dumps(names[number]) if number in names else str(number)


def _repeated(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def _check(found: Message, lenient: bool) -> None:
    descriptor: Any = found.DESCRIPTOR
    strangers: Any = UnknownFieldSet(found)
    for unknown in strangers:
        if not (lenient and unknown.field_number & _NON_CRITICAL):
            kind = _WIRE_TYPES.get(unknown.wire_type, str(unknown.wire_type))
            raise refuse(
                f'errUnknownField "*{_go_name(descriptor)}": {{TagNum: {unknown.field_number}, WireType:"{kind}"}}'
            )
    for field, value in found.ListFields():
        if field.full_name in _INTEGERS or field.full_name in _DECIMALS:
            said = value.decode(errors="replace") if isinstance(value, bytes) else value
            if not _NUMBER.fullmatch(said) or len(said) > _MAX_DIGITS:
                raise refuse(f'math/big: cannot unmarshal "{said}" into a *big.Int')
        elif field.message_type is not None and field.message_type.full_name != "google.protobuf.Any":
            for part in value if _repeated(field) else [value]:
                _check(part, False)


def _go_name(descriptor: Any) -> str:
    package = descriptor.file.package.split(".")
    if package[0] == "akash":
        return f"{package[-1]}.{descriptor.name}"
    return f"{'tx' if package[1] == 'tx' else 'types'}.{descriptor.name}"


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        descriptor: Any = value.DESCRIPTOR
        return {field.name: _field(value, field) for field in descriptor.fields}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _field(owner: Message, field: FieldDescriptor) -> Any:
    value = getattr(owner, field.name)
    if _repeated(field):
        return [_plain(part) for part in value]
    if field.message_type is not None:
        return _plain(value) if owner.HasField(field.name) else None
    if field.full_name in _DECIMALS:
        return dec.text(dec.parse(value))
    if field.cpp_type in _QUOTED:
        return str(value)
    return _plain(value)
