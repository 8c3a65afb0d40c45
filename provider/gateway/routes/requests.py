"""What a handler takes from a request: the caller, the desk, the ids in the path, the services the caller is limited
to.

Ids are built from the caller's own address and ours, so a caller can only ever name what is theirs (gateway-auth.md
§4).
"""

from __future__ import annotations

import json

from aiohttp import web

from manifests.ids import LeaseID
from provider.gateway.authorize import authorize
from provider.gateway.claims import Claims, Scope
from provider.gateway.desk import Answer, Desk

DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)
CLAIMS: web.RequestKey[Claims] = web.RequestKey("claims", Claims)


def desk_of(request: web.Request) -> Desk:
    return request.app[DESK]


def deployment_of(request: web.Request, scope: Scope) -> tuple[str, int]:
    """(owner, dseq) of the path, once the caller may do `scope` to it. Answer 400, or Unauthorized."""
    dseq = _number(request, "dseq", 64)
    claims = request[CLAIMS]
    authorize(claims, desk_of(request).provider, scope, dseq)
    return claims.owner, dseq


def lease_of(request: web.Request, scope: Scope) -> tuple[LeaseID, frozenset[str] | None]:
    """The lease of the path, and the services the caller is limited to (None: all), once they may do `scope` to it."""
    dseq, gseq, oseq = _number(request, "dseq", 64), _number(request, "gseq", 32), _number(request, "oseq", 32)
    claims, provider = request[CLAIMS], desk_of(request).provider
    services = authorize(claims, provider, scope, dseq, gseq, oseq)
    return LeaseID(claims.owner, dseq, gseq, oseq, provider), services


def _number(request: web.Request, name: str, bits: int) -> int:
    text = request.match_info[name]
    parsing = f"strconv.ParseUint: parsing {json.dumps(text, ensure_ascii=False)}"  # the reference's words (§5)
    if not (text.isascii() and text.isdigit()):
        raise Answer(400, f"{parsing}: invalid syntax")
    digits = text.lstrip("0") or "0"
    if len(digits) > 20 or int(digits) >= 1 << bits:
        raise Answer(400, f"{parsing}: value out of range")
    return int(digits)
