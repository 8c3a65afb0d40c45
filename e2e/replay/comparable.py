"""Both sides of a comparison in one form: answers as JSON, events as pairs, texts without what differs per build."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format

from provider.chain.wire import POOL, message

_LOCATION = re.compile(r" \[[^\[\]]*\]$")
_GAS = " with gas used: '"
_UNREADABLE_TX = re.compile(r".*: tx parse error", re.DOTALL)
UNREADABLE = "bytes that are no request"
_NAMED = ("unable to resolve type URL", "errUnknownField")


def parsed(name: str, request: Any) -> Any:
    return json_format.ParseDict(request, message(name)(), descriptor_pool=POOL)


def as_json(found: Any) -> Any:
    return json_format.MessageToDict(
        found, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, descriptor_pool=POOL
    )


def events(found: Iterable[Any]) -> list[Any]:
    """Of a recording: a list of dicts; of the sandbox: AbciEvents."""
    out = []
    for event in found:
        if isinstance(event, dict):
            out.append((event["type"], [(a["key"], a["value"]) for a in event["attributes"]]))
        else:
            out.append((event.type, list(event.attributes)))
    return out


def abci_answer(path: str, response: dict[str, Any]) -> dict[str, Any]:
    """The value decoded; what a decoder says of bytes it cannot read, in one form."""
    service, _, name = path.lstrip("/").rpartition("/")
    value, told = response["value"], response["log"]
    if value:
        described = POOL.FindServiceByName(service).FindMethodByName(name)
        value = as_json(message(described.output_type.full_name).FromString(base64.b64decode(value)))
    if response["code"] == 18 and not told.startswith("rpc error"):
        told = UNREADABLE
    return {**response, "value": value, "log": told}


def log(text: str) -> str:
    """Without gas numbers, without what a decoder says of rubbish, without characters that some doors drop."""
    if text.startswith("out of gas"):
        return "out of gas"
    if _UNREADABLE_TX.fullmatch(text) and not any(name in text for name in _NAMED):
        return "tx parse error"
    head, panicked, _ = text.partition("\nstack:")
    return "".join(c for c in head if c >= " " and c != "\x7f") + panicked


def simulation(text: str) -> str:
    """The text of a failed simulation, without source location and gas."""
    head, _, _ = text.rpartition(_GAS)
    return log(_LOCATION.sub("", head or text))
