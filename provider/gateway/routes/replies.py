"""How answers look on the wire: JSON as Go writes it, plain refusals, and the JSON of refused identities
(gateway-auth.md §3, §5).

Clients match on these bytes, the trailing newline included.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

_HTML = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def json_reply(value: Any) -> web.Response:
    """200 with JSON; `<`, `>` and `&` escaped, so that a body shown by a browser stays text."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_HTML)
    return web.Response(body=text.encode(), headers={"Content-Type": "application/json; charset=UTF-8"})


def plain_refusal(status: int, text: str) -> web.Response:
    """A refusal of a route; without a text its body is empty."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=f"{text}\n".encode() if text else b"", headers=headers)


def auth_refusal(status: int, message: str) -> web.Response:
    """A refusal of the caller: `{"message": …}` without a newline."""
    body = json.dumps({"message": message}, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json"})
