"""Grants as records: who may act for whom, until when. Written by authz.py and by deposits that are paid from one.

What has expired is gone at the start of the first block whose time has reached the expiry.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from provider.chain.wire import message, pack, unpack

from . import authorizations
from .context import Context, Table
from .errors import registered
from .ids import address_bytes, raw_text
from .store import Key, Reader

GRANTS = Table("grant", "cosmos.authz.v1beta1.Grant")
"""keys are (granter, grantee, type URL)"""


def sized(url: str) -> bytes:
    """A type URL as part of a key: shorter ones come first."""
    return bytes([len(url)]) + url.encode()


def expiry_ns(grant: Any) -> int | None:
    return int(grant.expiration.ToNanoseconds()) if grant.HasField("expiration") else None


def find(ctx: Context, key: Key) -> Any:
    """The grant, or None when there is none that still holds."""
    grant = GRANTS.get(ctx, key)
    if grant is None:
        return None
    until = expiry_ns(grant)
    return None if until is not None and until < ctx.time_unix_ns else grant


def save(ctx: Context, key: Key, authorization: Any, expiration: Any = None) -> None:
    """Takes the place of an earlier one; the expiry must lie ahead."""
    grant = message(GRANTS.record)(authorization=pack(authorization))
    if expiration is not None:
        grant.expiration.CopyFrom(expiration)
        until = int(expiration.ToNanoseconds())
        if until <= ctx.time_unix_ns:
            now, told = (_rfc3339(ns) for ns in (ctx.time_unix_ns, until))
            raise registered("authz", 3, f"expiration must be after the current block time ({now}), got {told}")
    ctx.put(GRANTS, key, grant)
    announce(ctx, "Grant", key)


def remove(ctx: Context, key: Key) -> None:
    if GRANTS.get(ctx, key) is None:
        granter, grantee = (b"\x14" + address_bytes(who) for who in key[:2])
        stored = raw_text(b"\x01" + granter + grantee + sized(key[2]))
        raise registered("authz", 2, f"failed to delete grant with key {stored}")
    ctx.erase(GRANTS.name, key)
    announce(ctx, "Revoke", key)


def announce(ctx: Context, what: str, key: Key) -> None:
    granter, grantee, url = key
    ctx.log.typed(
        f"cosmos.authz.v1beta1.Event{what}", granter=f'"{granter}"', grantee=f'"{grantee}"', msg_type_url=f'"{url}"'
    )


def of_grantee(reader: Reader, grantee: str, url: str = "") -> Iterator[tuple[Key, Any]]:
    """In the order of the node's index: shorter type URLs first, then granters by their bytes."""
    rows = [(key, grant) for key, grant in GRANTS.scan(reader) if key[1] == grantee and (not url or key[2] == url)]
    yield from sorted(rows, key=lambda row: sized(row[0][2]) + address_bytes(row[0][0]))


def deposit_grants(ctx: Context, grantee: str) -> Iterator[tuple[str, Any, Any]]:
    """(granter, deposit authorization, expiration or None) of all that hold."""
    for key, _ in of_grantee(ctx, grantee, authorizations.DEPOSIT_MSG):
        grant = find(ctx, key)
        if grant is not None and grant.authorization.type_url == f"/{authorizations.DEPOSIT}":
            yield key[0], unpack(grant.authorization), grant.expiration if grant.HasField("expiration") else None


def forget_expired(ctx: Context) -> None:
    for key, grant in list(GRANTS.scan(ctx.store)):
        until = expiry_ns(grant)
        if until is not None and until <= ctx.time_unix_ns:
            ctx.erase(GRANTS.name, key)


def _rfc3339(ns: int) -> str:
    return datetime.datetime.fromtimestamp(ns // 10**9, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
