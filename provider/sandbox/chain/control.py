"""Trouble on order from outside the process: what `POST /sandbox/chaos` on the RPC port understands, a JSON object.

{"lag_blocks": 3, "silent_websockets": true}      switches of chaos.py by name
{"fail_rpc": {"status": 429, "for_s": 5}}         outages; {"fail_grpc": {…}} likewise, {"heal": true} ends both
{"cut": true}   {"reset": true}                   every connection breaks off; the chain starts anew
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import grpc

from .chaos import Chaos

if TYPE_CHECKING:
    from .node import Node

_SWITCHES = {field.name: field.type for field in fields(Chaos) if not field.name.startswith("_")}
_OUTAGES = ("fail_rpc", "fail_grpc")


def switches(node: Node) -> dict[str, Any]:
    """All switches as they are, and outages going on."""
    outages = {"rpc_status": node.chaos.rpc_status, "grpc_status": node.chaos.grpc_status}
    return {name: getattr(node.chaos, name) for name in _SWITCHES} | outages


def order(node: Node, orders: Any) -> None:
    """Carry them out, all or none. ValueError names what is not understood."""
    if not isinstance(orders, dict):
        raise ValueError("orders are a JSON object")
    for name, value in orders.items():
        _check(name, value)
    for name, value in orders.items():
        match name:
            case "cut":
                node.cut_connections()
            case "reset":
                node.reset()
            case "heal":
                node.chaos.heal()
            case "fail_rpc" | "fail_grpc":
                getattr(node.chaos, name)(**value)
            case _:
                setattr(node.chaos, name, value)


def _check(name: str, value: Any) -> None:
    if name in ("cut", "reset", "heal"):
        if value is not True:
            raise ValueError(f"{name} can only be true")
        return
    if name in _OUTAGES:
        wanted = {"status": int if name == "fail_rpc" else str, "for_s": (int, float)}
        if not isinstance(value, dict) or not all(k in wanted and isinstance(v, wanted[k]) for k, v in value.items()):
            raise ValueError(f"{name} takes an object with status and for_s")
        if name == "fail_grpc" and value.get("status", "UNAVAILABLE") not in grpc.StatusCode.__members__:
            raise ValueError(f"{value['status']} is no status of gRPC")
        return
    if name not in _SWITCHES:
        known = ", ".join([*_SWITCHES, *_OUTAGES, "heal", "cut", "reset"])
        raise ValueError(f"{name} is unknown. There are {known}.")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {"bool": isinstance(value, bool), "int": number and isinstance(value, int), "float": number}
    if not fits[str(_SWITCHES[name])]:
        raise ValueError(f"{name} is a {_SWITCHES[name]}")
