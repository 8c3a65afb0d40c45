"""JSON-RPC as CometBFT speaks it, for any transport: requests in, replies out (chain.md §3.4).

The parameters' encodings differ by door and are kept strict, because a client that gets them wrong fails on a real
node: in JSON a number of 64 bits is text and a transaction is base64; in a URI a number is bare and bytes are 0x-hex
or a quoted string.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .rpc_methods import Method, MethodFailed, RpcMethods

if TYPE_CHECKING:
    from .node import Node


class BadRequest(Exception):
    """A JSON-RPC error other than the method's own: code, message and data."""

    def __init__(self, code: int, message: str, data: str) -> None:
        super().__init__(data)
        self.code, self.message, self.data = code, message, data


class JsonRpc:
    """Requests in, replies out, for any transport."""

    def __init__(self, node: Node) -> None:
        self.methods = RpcMethods(node)

    async def answer_json(self, request: Any) -> dict[str, Any] | None:
        """One decoded JSON-RPC request; None for a notification, which gets no reply."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return failure(None, BadRequest(-32600, "Invalid Request", "not a JSON-RPC request"))
        id_ = request.get("id")
        if id_ is None:
            return None
        return await self._answer(id_, request["method"], lambda m: _json_params(m, request.get("params")))

    async def answer_uri(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        return await self._answer(
            -1, name, lambda m: {k: _uri_value(m.params[k], v) for k, v in query.items() if k in m.params}
        )

    async def _answer(self, id_: Any, name: str, params: Callable[[Method], dict[str, Any]]) -> dict[str, Any]:
        method = self.methods.table.get(name)
        try:
            if method is None:
                raise BadRequest(-32601, "Method not found", "")
            try:
                given = params(method)
            except ValueError as wrong:
                raise BadRequest(
                    -32602, "Invalid params", f"error converting json params to arguments: {wrong}"
                ) from None
            return success(id_, await method.run(**given))
        except BadRequest as bad:
            return failure(id_, bad)
        except MethodFailed as failed:
            return failure(id_, BadRequest(-32603, "Internal error", str(failed)))


def success(id_: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "result": result}


def failure(id_: Any, bad: BadRequest) -> dict[str, Any]:
    error = {"code": bad.code, "message": bad.message} | ({"data": bad.data} if bad.data else {})
    return {"jsonrpc": "2.0", "id": id_, "error": error}


def _json_params(method: Method, params: Any) -> dict[str, Any]:
    if params is None:
        return {}
    if isinstance(params, list):
        if len(params) != len(method.params):
            raise ValueError(
                f"expected {len(method.params)} parameters ({list(method.params)}), got {len(params)} ({params})"
            )
        params = dict(zip(method.params, params, strict=True))
    if not isinstance(params, dict):
        raise ValueError(f"unknown type for JSON params: {params!r}")
    return {k: _json_value(method.params[k], v) for k, v in params.items() if k in method.params and v is not None}


def _json_value(kind: str, value: Any) -> Any:
    if kind == "bool":
        if not isinstance(value, bool):
            raise ValueError(f"expected a boolean, got {value!r}")
        return value
    if kind == "int" and not isinstance(value, str):
        raise ValueError(f'invalid 64-bit integer encoding "{json.dumps(value)}", expected string')
    if not isinstance(value, str):
        raise ValueError(f"expected a string, got {value!r}")
    if kind == "int":
        return int(value)
    if kind == "bytes":
        return _base64(value)
    return bytes.fromhex(value) if kind == "hex" else value


def _uri_value(kind: str, text: str) -> Any:
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    inner = text[1:-1] if quoted else text
    if kind == "int":
        return int(inner)
    if kind == "bool":
        return inner == "true"
    if kind == "str":
        return inner
    if text.startswith("0x"):
        return bytes.fromhex(text[2:])
    return inner.encode() if quoted else (bytes.fromhex(text) if kind == "hex" else _base64(text))


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as wrong:
        raise ValueError(str(wrong)) from None
