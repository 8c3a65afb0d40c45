"""Handing a manifest in: PUT /deployment/{dseq}/manifest (gateway-auth.md §5.2).

200 with an empty body means "validated and taken", not "deployed". Who sends a body slowly holds a connection, not a
worker, and not for longer than BODY_S.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from provider.gateway.claims import Scope
from provider.gateway.desk import Answer
from provider.gateway.routes.requests import deployment_of, desk_of

BODY_S = 30.0
SUBMIT_S = 120.0
"""as long as the reference lets a client wait"""


async def submit(request: web.Request) -> web.Response:
    owner, dseq = deployment_of(request, Scope.SEND_MANIFEST)
    try:
        async with asyncio.timeout(BODY_S):
            body = await request.read()
    except TimeoutError:
        raise Answer(408, f"the manifest did not arrive within {BODY_S:.0f} seconds") from None
    try:
        async with asyncio.timeout(SUBMIT_S):
            await desk_of(request).submit_manifest(owner, dseq, body)
    except TimeoutError:
        raise Answer(503, "context deadline exceeded") from None
    return web.Response()
