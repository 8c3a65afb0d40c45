"""Acting for somebody else: granting, revoking, and executing messages whose signer granted it (chain.md §2.6,
chain-probes 28).

Inner messages are looked at in the block only, never at CheckTx. Their events say which of the execution's messages
they belong to, and have no `message` event of their own.
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message, unpack

from . import accounts, authorizations, grants, paging
from .context import Context, MessageKind, Registry, View
from .errors import ChainError, QueryError, registered, unregistered
from .genesis import BLOCKED
from .gotext import compact
from .grants import GRANTS
from .ids import address_bytes, is_address

_NAME = "cosmos.authz.v1beta1"


def register(registry: Registry) -> None:
    registry.message(f"{_NAME}.MsgGrant", lambda msg: str(msg.granter), _grant)
    registry.message(f"{_NAME}.MsgRevoke", lambda msg: str(msg.granter), _revoke)
    registry.message(f"{_NAME}.MsgExec", lambda msg: str(msg.grantee), _exec)
    registry.query(f"/{_NAME}.Query/Grants", _grants)
    registry.query(f"/{_NAME}.Query/GranteeGrants", _of_grantee)
    registry.query(f"/{_NAME}.Query/GranterGrants", _of_granter)
    registry.begin_block.append(grants.forget_expired)


def _check_pair(msg: Any) -> None:
    if msg.grantee.lower() == msg.granter.lower():
        raise registered("authz", 7)
    for name in ("grantee", "granter"):
        if not is_address(getattr(msg, name)):
            raise registered("sdk", 7, f"invalid {name} address: decoding bech32 failed")


def _grant(ctx: Context, msg: Any) -> None:
    _check_pair(msg)
    if msg.grant.authorization.type_url.lstrip("/") not in authorizations.KNOWN:
        raise registered("sdk", 29, "authorization is nil")
    authorization = unpack(msg.grant.authorization)
    authorizations.check(authorization)
    if accounts.account(ctx, msg.grantee) is None:
        if msg.grantee in BLOCKED:
            raise registered("sdk", 4, f"{msg.grantee} is not allowed to receive funds")
        accounts.ensure(ctx.store, msg.grantee)
    url = authorizations.covers(authorization)
    if url not in ctx.registry.messages:
        raise registered("sdk", 29, f"{url} doesn't exist.")
    until = msg.grant.expiration if msg.grant.HasField("expiration") else None
    grants.save(ctx, (msg.granter, msg.grantee, url), authorization, until)


def _revoke(ctx: Context, msg: Any) -> None:
    _check_pair(msg)
    if not msg.msg_type_url:
        raise registered("sdk", 18, "missing msg method name")
    grants.remove(ctx, (msg.granter, msg.grantee, msg.msg_type_url))


def _exec(ctx: Context, msg: Any) -> Any:
    if not msg.grantee:
        raise unregistered("empty address string is not allowed")
    if not msg.msgs:
        raise registered("sdk", 18, "messages cannot be empty")
    inner = [(ctx.registry.messages.get(box.type_url), unpack(box)) for box in msg.msgs]
    for index, (kind, one) in enumerate(inner):
        if kind is None:
            raise registered("sdk", 6, f"unrecognized message route: /{one.DESCRIPTOR.full_name}")
        try:
            kind.check(one)
        except ChainError as no:
            raise no.wrap(f"msg {index}") from None
    answer = message(f"{_NAME}.MsgExecResponse")()
    for index, (kind, one) in enumerate(inner):
        assert kind is not None
        answer.results.append(_dispatch(ctx, msg.grantee, kind, one, index))
    return answer


def _dispatch(ctx: Context, grantee: str, kind: MessageKind, msg: Any, index: int) -> bytes:
    granter = kind.signer(msg)
    if granter != grantee:
        _use_grant(ctx, (granter, grantee, f"/{msg.DESCRIPTOR.full_name}"), msg)
    log = ctx.log.within(index)
    try:
        response = kind.respond(ctx.inside(ctx.store, log), msg)
    except ChainError as no:
        if no.ends_tx:
            raise
        raise no.wrap(f"failed to execute message; message {compact(msg)}") from None
    ctx.log.events.extend(log.events)
    return bytes(response.SerializeToString(deterministic=True))


def _use_grant(ctx: Context, key: tuple[str, str, str], msg: Any) -> None:
    grant = GRANTS.get(ctx, key)
    if grant is None:
        granter, grantee, url = key
        pair = f"granter: {granter}, grantee: {grantee} & msgType: {url} "
        raise registered("authz", 2, f"failed to get grant with given {pair}")
    until = grants.expiry_ns(grant)
    if until is not None and until < ctx.time_unix_ns:
        raise registered("authz", 6)
    accepted = authorizations.accept(unpack(grant.authorization), msg)
    if accepted.spent:
        grants.remove(ctx, key)
    elif accepted.left is not None:
        grant.authorization.value = accepted.left.SerializeToString(deterministic=True)
        ctx.put(GRANTS, key, grant)


def _grants(view: View, request: Any) -> Any:
    granter, grantee = _address(request.granter, "granter"), _address(request.grantee, "grantee")
    answer = message(f"{_NAME}.QueryGrantsResponse")
    if request.msg_type_url:
        found = GRANTS.get(view.state, (granter, grantee, request.msg_type_url))
        if found is None:
            what = f"authorization not found for {request.msg_type_url} type"
            raise QueryError("UNKNOWN", f"codespace authz code 2: authorization not found: {what}")
        return answer(grants=[found])
    rows = [(grants.sized(key[2]), grant) for key, grant in GRANTS.scan(view.state, (granter, grantee))]
    page, found = paging.sdk_page(sorted(rows, key=lambda row: row[0]), request, count=False)
    return answer(grants=found, pagination=page)


def _of_grantee(view: View, request: Any) -> Any:
    grantee = _address(request.grantee, "grantee")
    rows = [
        (grants.sized(key[2]) + b"\x14" + address_bytes(key[0]), _listed(key, grant))
        for key, grant in grants.of_grantee(view.state, grantee)
    ]
    page, found = paging.sdk_page(rows, request, count=False)
    return message(f"{_NAME}.QueryGranteeGrantsResponse")(grants=found, pagination=page)


def _of_granter(view: View, request: Any) -> Any:
    granter = _address(request.granter, "granter")
    rows = [
        (b"\x14" + address_bytes(key[1]) + grants.sized(key[2]), _listed(key, grant))
        for key, grant in GRANTS.scan(view.state, (granter,))
    ]
    page, found = paging.sdk_page(sorted(rows, key=lambda row: row[0]), request, count=False)
    return message(f"{_NAME}.QueryGranterGrantsResponse")(grants=found, pagination=page)


def _listed(key: tuple[Any, ...], grant: Any) -> Any:
    row = message(f"{_NAME}.GrantAuthorization")(granter=key[0], grantee=key[1], authorization=grant.authorization)
    if grant.HasField("expiration"):
        row.expiration.CopyFrom(grant.expiration)
    return row


def _address(text: str, who: str) -> str:
    if not is_address(text):
        empty = "empty address string is not allowed"
        raise QueryError("UNKNOWN", f"decoding bech32 failed: invalid {who}" if text else empty)
    return text
