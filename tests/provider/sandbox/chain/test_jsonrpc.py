"""How parameters must be written: strictly, because a real node is strict."""

from __future__ import annotations

import pytest

from provider.sandbox.chain.jsonrpc import JsonRpc


async def said(node, method: str, params: object) -> tuple[int, str]:
    reply = await JsonRpc(node).answer_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    error = reply.get("error", {"code": 0})
    return error["code"], error.get("data", "")


@pytest.mark.parametrize(
    ("method", "params", "code", "says"),
    [
        ("header", {"height": "2"}, 0, ""),
        ("header", {"height": 2}, -32602, 'invalid 64-bit integer encoding "2", expected string'),
        ("header", {"height": "two"}, -32602, "two"),
        ("header", {"height": None}, 0, ""),
        ("header", {}, 0, ""),
        ("header", None, 0, ""),
        ("header", {"unknown": 1}, 0, ""),
        ("header", ["2"], 0, ""),
        ("header", [], -32602, "expected 1 parameters"),
        ("header", "2", -32602, "unknown type for JSON params"),
        ("tx", {"hash": "AAAA", "prove": False}, -32603, "tx (000000) not found"),
        ("tx", {"hash": "AAAA", "prove": "no"}, -32602, "expected a boolean"),
        ("tx", {"hash": "0x!z"}, -32602, "error converting json params"),
        ("abci_query", {"path": "/x", "data": "00ff"}, 0, ""),
        ("abci_query", {"path": "/x", "data": "zz"}, -32602, "error converting json params"),
        ("abci_query", {"path": 5}, -32602, "expected a string"),
        ("nope", {}, -32601, ""),
    ],
)
async def test_parameters(node, method, params, code, says) -> None:
    await node.step(3)
    got, text = await said(node, method, params)
    assert got == code
    assert says in text
