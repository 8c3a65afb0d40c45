"""The tenants' HTTP application: who is calling, what the answer to a failure looks like, and which path leads where.

Every *matched* route runs through the same two steps, the public ones too (gateway-auth.md §3): a connection shows a
client certificate or a request carries a bearer token, never both; then the handler decides what that opens. Identity
is decided anew for each request, so an expired token or a revoked certificate does not outlive its connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from provider.errors import Retry
from provider.gateway.authorize import Unauthorized
from provider.gateway.claims import NOBODY, Access, Claims
from provider.gateway.desk import Answer, Desk
from provider.gateway.identity import UNREADABLE, Identities, Unidentified
from provider.gateway.jwt import TokenRefused, read
from provider.gateway.routes import lease, manifest, migrate, public
from provider.gateway.routes.replies import auth_refusal, plain_refusal
from provider.gateway.routes.requests import CLAIMS, DESK

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger()

_BOTH = "auth: ambiguous authentication. may not use mTLS and JWT at the same time"
_KEY_LOOKUP_S = 10.0


def application(
    desk: Desk,
    *,
    max_body_bytes: int = 4 << 20,
    identities: Identities | None = None,
    now_unix_s: Callable[[], float] = time.time,
) -> web.Application:
    """The whole application. `identities` remembers who is at the other end of which connection."""
    who = identities or Identities(desk.certificate)

    @web.middleware
    async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            request[CLAIMS] = await _claims(request, desk, who, now_unix_s)
        return await handler(request)

    app = web.Application(middlewares=[answer_failures, identify], client_max_size=max_body_bytes)
    app[DESK] = desk
    app.add_routes(
        [
            web.get(_path("/status"), public.status),
            web.get(_path("/version"), public.version),
            web.get(_path("/address"), public.address),
            web.put(_path("/deployment/{dseq}/manifest"), manifest.submit),
            web.get(_path("/lease/{dseq}/{gseq}/{oseq}/status"), lease.status),
            web.get(_path("/lease/{dseq}/{gseq}/{oseq}/manifest"), lease.manifest),
            web.post(_path("/hostname/migrate"), migrate.hostnames),
            web.post(_path("/endpoint/migrate"), migrate.endpoints),
        ]
    )
    return app


@web.middleware
async def answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where a failure becomes an answer; what is unexpected is logged and never shown."""
    try:
        return await handler(request)
    except Answer as refusal:
        return plain_refusal(refusal.status, refusal.text)
    except TokenRefused as refusal:
        log.info("token refused", path=request.path, why=refusal.why)
        return auth_refusal(refusal.status, refusal.message)
    except Unidentified as refusal:
        log.info("certificate refused", path=request.path, why=str(refusal))
        return auth_refusal(401, str(refusal))
    except Unauthorized as refusal:
        log.info("not authorised", path=request.path, why=str(refusal))
        return auth_refusal(401, "unauthorized access")
    except Retry as trouble:
        log.warning("cannot answer now", path=request.path, why=str(trouble))
        return plain_refusal(503, "temporarily unavailable, try again")
    except web.HTTPNotFound:
        return plain_refusal(404, "404 page not found")
    except web.HTTPMethodNotAllowed as refusal:
        return web.Response(status=405, headers={"Allow": ", ".join(sorted(refusal.allowed_methods))})
    except web.HTTPRequestEntityTooLarge:
        return plain_refusal(413, f"the body is larger than {request.client_max_size} bytes")
    except web.HTTPException:
        raise
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:
        log.exception("a request failed", path=request.path)
        return plain_refusal(500, "internal error")


async def _claims(request: web.Request, desk: Desk, who: Identities, now_unix_s: Callable[[], float]) -> Claims:
    text = _bearer(request)
    connection: Any = request.get_extra_info("ssl_object")
    if text is not None and connection is not None and _shows_certificate(connection):
        raise TokenRefused(400, _BOTH, "both")
    try:
        if text is not None:
            return await _of_token(text, desk, now_unix_s())
        owner = await who.owner(connection) if connection is not None else None
    except TimeoutError:
        raise Retry("the chain did not say in time who the caller is") from None
    return NOBODY if owner is None else Claims(owner, Access.FULL)


async def _of_token(text: str, desk: Desk, now_unix_s: float) -> Claims:
    token = read(text)
    async with asyncio.timeout(_KEY_LOOKUP_S):
        key = await desk.account_key(token.issuer)
    if key is None:
        raise TokenRefused(401, "JWT is invalid", f"{token.issuer} has no key on chain: it never signed a transaction")
    token.verify(key)
    return token.claims(now_unix_s)


def _bearer(request: web.Request) -> str | None:
    headers = request.headers.getall("Authorization", [])
    if not headers:
        return None
    fields = headers[0].split()
    if len(headers) > 1 or len(fields) != 2 or fields[0].lower() != "bearer":
        raise TokenRefused(400, "invalid authorization header", "not one `Bearer <token>`")
    return fields[1]


def _shows_certificate(connection: Any) -> bool:
    try:
        return bool(connection.peer_certificates())
    except UNREADABLE:
        return True  # it showed one, if an unreadable one


def _path(path: str) -> str:
    """`//status` is answered like `/status`: a host URI on chain that ends in a slash makes clients ask for the
    former."""
    return "/{_:/*}" + path[1:]
