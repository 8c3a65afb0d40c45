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

from provider.chain.wire import known, message, unpack

from . import dec
from .errors import ChainError, registered

_NON_CRITICAL = 1 << 10
"""unknown body fields with this bit in their number are let through (chain-probes 24)"""
_WIRE_TYPES = {0: "varint", 1: "fixed64", 2: "bytes", 3: "start_group", 5: "fixed32"}
_MAX_DIGITS = 96
"""a 315-bit decimal of the node has no more"""
_NUMBER = re.compile(r"[+-]?[0-9]+")
_ANY = "google.protobuf.Any"
_WELL_KNOWN = ("google.protobuf.Timestamp", "google.protobuf.Duration")
_DECIMALS = {
    "cosmos.base.v1beta1.DecCoin.amount",
    "akash.escrow.types.v1.Balance.amount",
    "akash.oracle.v2.MsgAddPriceEntry.price",
    "akash.oracle.v2.PriceDataState.price",
    *(f"akash.oracle.v2.AggregatedPrice.{name}" for name in ("twap", "median_price", "min_price", "max_price")),
    "akash.bme.v1.CoinPrice.price",
    *(f"akash.bme.v1.QueryStatusResponse.{name}" for name in ("collateral_ratio", "warn_threshold", "halt_threshold")),
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


def strict(name: str, data: bytes, *, lenient: bool = False, boxes: bool = False) -> Any:
    """Decode and refuse what a node refuses; `lenient` lets non-critical unknown fields of the top level pass, `boxes`
    looks into each Any as well.
    """
    try:
        found = message(name).FromString(data)
    except DecodeError:
        raise refuse("invalid length") from None
    _check(found, lenient, boxes)
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
    """One event attribute: `plain`, compact."""
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)


def plain(value: Any) -> Any:
    """A message as the node's JSON: proto names, zero values there, nothing as null, decimals with a point."""
    if isinstance(value, Message):
        descriptor: Any = value.DESCRIPTOR
        found: Any = value
        if descriptor.full_name in _WELL_KNOWN:
            return found.ToJsonString()
        if descriptor.full_name == _ANY:
            return {"@type": found.type_url, **plain(unpack(found))}
        return {field.name: _field(value, field) for field in descriptor.fields if not _unset_choice(value, field)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if value else None
    return value


def enum_json(number: int, names: dict[int, str]) -> str:
    """An enum by name, an unnamed number bare (chain-probes 13)."""
    return json.dumps(names[number]) if number in names else str(number)


def _repeated(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def _check(found: Message, lenient: bool, boxes: bool) -> None:
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
        elif field.message_type is not None:
            for part in value if _repeated(field) else [value]:
                if field.message_type.full_name != _ANY:
                    _check(part, False, boxes)
                elif boxes:
                    _check_box(part)


def _go_name(descriptor: Any) -> str:
    package = descriptor.file.package.split(".")
    if package[0] == "akash":
        return f"{package[-1]}.{descriptor.name}"
    return f"{'tx' if package[1] == 'tx' else 'types'}.{descriptor.name}"


def _check_box(box: Any) -> None:
    name = box.type_url.removeprefix("/")
    if not box.type_url.startswith("/") or not known(name):
        raise refuse(f"unable to resolve type URL {box.type_url}")
    strict(name, box.value, boxes=True)


def _unset_choice(owner: Message, field: FieldDescriptor) -> bool:
    """A part of a oneof that was not chosen is left out."""
    return field.containing_oneof is not None and not owner.HasField(field.name)


def _field(owner: Message, field: FieldDescriptor) -> Any:
    value = getattr(owner, field.name)
    if field.message_type is not None and not _repeated(field):
        return plain(value) if owner.HasField(field.name) else None
    return [_scalar(part, field) for part in value] if _repeated(field) else _scalar(value, field)


def _scalar(value: Any, field: FieldDescriptor) -> Any:
    if field.full_name in _DECIMALS:
        return dec.text(dec.parse(value))
    if field.full_name in _INTEGERS:
        return value.decode() if isinstance(value, bytes) else value
    if field.cpp_type in _QUOTED:
        return str(value)
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return named.name if named else value
    return plain(value)
