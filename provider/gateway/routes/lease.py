"""How a lease is doing and what it runs: GET /lease/{dseq}/{gseq}/{oseq}/status and …/manifest (gateway-auth.md §5.3,
§5.4).

A token limited to some services sees only those; the reference shows it everything.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from provider.gateway.claims import Scope
from provider.gateway.routes.replies import json_reply
from provider.gateway.routes.requests import desk_of, lease_of

_BY_SERVICE = ("services", "forwarded_ports", "ips")


async def status(request: web.Request) -> web.Response:
    lease, services = lease_of(request, Scope.STATUS)
    answer = desk_of(request).lease_status(lease)
    if services is not None:
        answer = {k: _only(v, services) if k in _BY_SERVICE else v for k, v in answer.items()}
    return json_reply(answer)


async def manifest(request: web.Request) -> web.Response:
    lease, services = lease_of(request, Scope.GET_MANIFEST)
    groups = desk_of(request).lease_manifest(lease)
    if services is not None:
        groups = [g | {"services": [s for s in g.get("services") or () if s.get("name") in services]} for g in groups]
    return json_reply(groups)


def _only(by_service: dict[str, Any] | None, services: frozenset[str]) -> dict[str, Any] | None:
    return None if by_service is None else {name: v for name, v in by_service.items() if name in services}
