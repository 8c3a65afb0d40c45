"""Providers: who offers, where, with which attributes. Keys sort by address *bytes* here, unlike in the market
(chain-probes S9).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from provider.chain.wire import message

from . import paging
from .codec import complete
from .context import Context, Registry, Table, View
from .errors import QueryError, not_found, registered
from .ids import address_bytes, is_address
from .store import Reader

PROVIDERS = Table("provider", "akash.provider.v1beta4.Provider")
_KEY = re.compile(r"([a-zA-Z][\w/.\-]{1,126})", re.ASCII)


def find(reader: Reader, owner: str) -> Any:
    """The provider, or None."""
    return PROVIDERS.get(reader, (owner,))


def register(registry: Registry) -> None:
    name = "akash.provider.v1beta4"
    registry.message(f"{name}.MsgCreateProvider", _owner, _create, _check)
    registry.message(f"{name}.MsgUpdateProvider", _owner, _update, _check)
    registry.message(f"{name}.MsgDeleteProvider", _owner, _delete, _check_owner)
    registry.query(f"/{name}.Query/Providers", _providers)
    registry.query(f"/{name}.Query/Provider", _provider)


def _owner(msg: Any) -> str:
    return str(msg.owner)


def _check_owner(msg: Any) -> None:
    if not is_address(msg.owner):
        raise registered("sdk", 7, "MsgCreate: Invalid Provider Address")


def _check(msg: Any) -> None:
    _check_host(msg.host_uri)
    _check_owner(msg)
    keys = [a.key for a in msg.attributes]
    for at, key in enumerate(keys):
        if not _KEY.fullmatch(key):
            raise registered("akash", 2)
        if key in keys[:at]:
            raise registered("akash", 1)
    if msg.info.website and not _parses(msg.info.website):
        raise registered("provider", 8)


def _parses(uri: str) -> bool:
    if any(c <= " " or c == "\x7f" for c in uri) or re.search(r"%(?![0-9a-fA-F]{2})", uri) or re.match(r"[0-9:]", uri):
        return False
    try:
        _ = urlsplit(uri).port
    except ValueError:
        return False
    return True


def _check_host(uri: str) -> None:
    if not _parses(uri) and uri:
        raise registered("provider", 1)
    parts = urlsplit(uri)
    if not parts.scheme:
        raise registered("provider", 2, f'validating "{uri}" for absolute URI')
    if parts.scheme != "https":
        raise registered("provider", 1, f'scheme in "{uri}" should be https')
    if not parts.netloc:
        raise registered("provider", 1, f'validating "{uri}" for valid host')
    if parts.path:
        raise registered("provider", 1, f'path in "{uri}" should be empty')


def _create(ctx: Context, msg: Any) -> None:
    if find(ctx, msg.owner) is not None:
        raise registered("provider", 4, f"id: {msg.owner}")
    _save(ctx, msg)
    ctx.log.typed("akash.provider.v1beta4.EventProviderCreated", owner=f'"{msg.owner}"')


def _update(ctx: Context, msg: Any) -> None:
    if find(ctx, msg.owner) is None:
        raise registered("provider", 3, f"id: {msg.owner}")
    _save(ctx, msg)
    ctx.log.typed("akash.provider.v1beta4.EventProviderUpdated", owner=f'"{msg.owner}"')


def _delete(ctx: Context, msg: Any) -> None:
    if find(ctx, msg.owner) is None:
        raise registered("provider", 3)
    raise registered("provider", 10, "NOTIMPLEMENTED")


def _save(ctx: Context, msg: Any) -> None:
    record = message(PROVIDERS.record)(owner=msg.owner, host_uri=msg.host_uri, attributes=msg.attributes, info=msg.info)
    ctx.put(PROVIDERS, (msg.owner,), complete(record))


def _providers(view: View, request: Any) -> Any:
    rows = sorted((b"\x01\x14" + address_bytes(key[0]), found) for key, found in PROVIDERS.scan(view.state))
    page, found = paging.sdk_page(rows, request)
    return message("akash.provider.v1beta4.QueryProvidersResponse")(providers=found, pagination=page)


def _provider(view: View, request: Any) -> Any:
    if not is_address(request.owner):
        raise QueryError("INVALID_ARGUMENT", "codespace provider code 5: invalid address")
    found = find(view.state, request.owner)
    if found is None:
        raise not_found(registered("provider", 3))
    return message("akash.provider.v1beta4.QueryProviderResponse")(provider=found)
