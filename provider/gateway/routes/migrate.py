"""Moving host names and leased addresses between a tenant's deployments: POST /hostname/migrate and /endpoint/migrate
(gateway-auth.md §5.7, §5.8).

Stricter than the reference: a token must allow it, for the deployment that gets and for each that loses; and an
endpoint takes only itself along, where the reference moves all the destination has.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from manifests.ids import LeaseID
from provider.gateway.authorize import Unauthorized, authorize
from provider.gateway.claims import Access, Scope
from provider.gateway.desk import Answer
from provider.gateway.routes.replies import json_reply
from provider.gateway.routes.requests import CLAIMS, desk_of

BODY_S = 30.0
MOST = 1000
"""names in one request"""


async def hostnames(request: web.Request) -> web.Response:
    """`{"hostnames_to_migrate": [...], "destination_dseq": n, "destination_gseq": n}`"""
    return await _migrate(request, "hostnames_to_migrate", Scope.HOSTNAME_MIGRATE)


async def endpoints(request: web.Request) -> web.Response:
    """`{"endpoints_to_migrate": [...], "destination_dseq": n, "destination_gseq": n}`"""
    return await _migrate(request, "endpoints_to_migrate", Scope.IP_MIGRATE)


async def _migrate(request: web.Request, field: str, scope: Scope) -> web.Response:
    claims, desk = request[CLAIMS], desk_of(request)
    if claims.access is Access.NONE:
        raise Unauthorized("nobody is logged in")  # before a body is read
    names, dseq, gseq = _read(await _body(request), field)
    authorize(claims, desk.provider, scope, dseq, gseq)

    def allowed(lease: LeaseID, service: str) -> None:
        services = authorize(claims, desk.provider, scope, lease.dseq, lease.gseq, lease.oseq)
        if services is not None and service not in services:
            raise Unauthorized(f"the token is not for service {service!r} of {lease.dseq}")

    move = desk.migrate_hostnames if scope is Scope.HOSTNAME_MIGRATE else desk.migrate_endpoints
    await move(claims.owner, dseq, gseq, names, allowed)
    return json_reply({"transferred": names})


async def _body(request: web.Request) -> Any:
    try:
        async with asyncio.timeout(BODY_S):
            return json.loads(await request.read())
    except TimeoutError:
        raise Answer(408, f"the request did not arrive within {BODY_S:.0f} seconds") from None
    except (ValueError, RecursionError):
        raise Answer(422, "") from None


def _read(body: Any, field: str) -> tuple[list[str], int, int]:
    """Names, dseq and gseq. As the reference: what is no such JSON is 422, no names are 400, both without a text."""
    if not isinstance(body, dict):
        raise Answer(422, "")
    names = body.get(field) or []
    dseq, gseq = body.get("destination_dseq", 0), body.get("destination_gseq", 0)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Answer(422, "")
    if not _fits(dseq, 64) or not _fits(gseq, 32):
        raise Answer(422, "")
    if not names:
        raise Answer(400, "")
    if len(names) > MOST:
        raise Answer(400, f"at most {MOST} names in one request")
    return list(dict.fromkeys(names)), dseq, gseq


def _fits(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits
