"""A message as Go's protobuf prints it inside an error: `id:<owner:"akash1…" dseq:7 > reason:lease_closed_owner `."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from provider.chain.wire import known, unpack


def compact(msg: Any) -> str:
    """On one line, zero values left out, a blank after every field."""
    if msg.DESCRIPTOR.full_name == "google.protobuf.Any":
        return _box(msg)
    return "".join(f"{name}:{text} " for field, value in msg.ListFields() for name, text in _fields(field, value))


def _fields(field: Any, value: Any) -> list[tuple[str, str]]:
    return [(field.name, _value(field, one)) for one in (value if field.is_repeated else [value])]


def _value(field: Any, value: Any) -> str:
    if field.message_type is not None:
        return f"<{compact(value)}>"
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return named.name if named else str(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _quoted(value)
    if field.type == FieldDescriptor.TYPE_STRING:
        return _quoted(value.encode())
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "true" if value else "false"
    return str(value)


def _box(box: Any) -> str:
    """Its content under its type URL when it is known."""
    if known(box.type_url.lstrip("/")):
        return f"[{box.type_url}]:<{compact(unpack(box))}>"
    return f"type_url:{_quoted(box.type_url.encode())} value:{_quoted(box.value)} "


_ESCAPES = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x22: '\\"', 0x5C: "\\\\"}


def _quoted(data: bytes) -> str:
    out = "".join(_ESCAPES.get(b) or (chr(b) if 0x20 <= b < 0x7F else f"\\{b:03o}") for b in data)
    return f'"{out}"'
