"""What anybody may ask: status, version, address (gateway-auth.md §5.1)."""

from __future__ import annotations

from aiohttp import web

from provider.gateway.routes.replies import json_reply
from provider.gateway.routes.requests import desk_of


async def status(request: web.Request) -> web.Response:
    return json_reply(desk_of(request).status())


async def version(request: web.Request) -> web.Response:
    return json_reply(desk_of(request).version())


async def address(request: web.Request) -> web.Response:
    return json_reply({"address": desk_of(request).provider})
