"""Attributes of a provider that an auditor vouches for. Almost nothing is checked here: anybody may audit anybody
(chain-probes 30).

Two of the four queries are broken on the real node and are broken here in the same way; ask by provider instead.
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import paging
from .context import Context, Registry, Table, View
from .errors import QueryError, not_found, registered
from .ids import address_bytes, is_address
from .store import Reader

AUDITED = Table("audit", "akash.audit.v1.AuditedAttributesStore")
_RESPONSE = "akash.audit.v1.QueryProvidersResponse"


def attributes_by(reader: Reader, owner: str, auditor: str) -> Any:
    """What the auditor signed for this provider, or None."""
    found = AUDITED.get(reader, (owner, auditor))
    return None if found is None else found.attributes


def register(registry: Registry) -> None:
    name = "akash.audit.v1"
    registry.message(f"{name}.MsgSignProviderAttributes", _auditor, _sign, _check)
    registry.message(f"{name}.MsgDeleteProviderAttributes", _auditor, _delete, _check)
    registry.query(f"/{name}.Query/AllProvidersAttributes", _all)
    registry.query(f"/{name}.Query/ProviderAttributes", _of_provider)
    registry.query(f"/{name}.Query/ProviderAuditorAttributes", _of_both)
    registry.query(f"/{name}.Query/AuditorAttributes", _of_auditor)


def _auditor(msg: Any) -> str:
    return str(msg.auditor)


def _check(msg: Any) -> None:
    if not is_address(msg.owner):
        raise registered("sdk", 7, "MsgCreate: Invalid Owner Address")
    if not is_address(msg.auditor):
        raise registered("sdk", 7, "MsgCreate: Invalid Auditor Address")


def _sign(ctx: Context, msg: Any) -> None:
    """Adds to what was signed before; an equal key takes the new value."""
    found = AUDITED.get(ctx, (msg.owner, msg.auditor))
    signed = {a.key: a.value for a in found.attributes} if found else {}
    signed |= {a.key: a.value for a in msg.attributes}
    _save(ctx, msg, signed)
    _announce(ctx, "Created", msg)


def _delete(ctx: Context, msg: Any) -> None:
    """Named keys, or everything when none is named."""
    found = AUDITED.get(ctx, (msg.owner, msg.auditor))
    if found is None:
        raise registered("audit", 1)
    signed = {a.key: a.value for a in found.attributes} if msg.keys else {}
    for key in msg.keys:
        if key not in signed:
            what = f'trying to delete non-existing attribute "{key}" for auditor/provider "{msg.auditor}/{msg.owner}"'
            raise registered("audit", 3, what)
        del signed[key]
    _save(ctx, msg, signed, keep_empty=False)
    _announce(ctx, "Deleted", msg)


def _save(ctx: Context, msg: Any, signed: dict[str, str], *, keep_empty: bool = True) -> None:
    if not signed and not keep_empty:
        ctx.write(AUDITED.name, (msg.owner, msg.auditor), None)
        return
    attribute = message("akash.base.attributes.v1.Attribute")
    record = message(AUDITED.record)(attributes=[attribute(key=k, value=v) for k, v in sorted(signed.items())])
    ctx.put(AUDITED, (msg.owner, msg.auditor), record)


def _announce(ctx: Context, what: str, msg: Any) -> None:
    ctx.log.typed(f"akash.audit.v1.EventTrustedAuditor{what}", owner=f'"{msg.owner}"', auditor=f'"{msg.auditor}"')


def _rows(view: View, owner: str = "", auditor: str = "") -> list[tuple[bytes, Any, Any]]:
    """(key, what was meant, record as stored), in the order of address bytes."""
    rows = []
    for (of, by), found in AUDITED.scan(view.state):
        if (owner and of != owner) or (auditor and by != auditor):
            continue
        row = message("akash.audit.v1.AuditedProvider")(owner=of, auditor=by, attributes=found.attributes)
        rows.append((b"\x01\x14" + address_bytes(of) + b"\x14" + address_bytes(by), row, found))
    return sorted(rows, key=lambda row: row[0])


def _address(text: str) -> str:
    if not is_address(text):
        raise QueryError("INVALID_ARGUMENT", "invalid address")
    return text


def _misread(record: Any) -> Any:
    """The real node decodes the stored record as another type: the last attribute's bytes come out as the owner
    (recorded in S9).
    """
    last = record.attributes[-1].SerializeToString(deterministic=True) if record.attributes else b""
    return message("akash.audit.v1.AuditedProvider")(owner=last.decode(errors="replace"))


def _all(view: View, request: Any) -> Any:
    page, found = paging.sdk_page([(key, _misread(record)) for key, _, record in _rows(view)], request)
    return message(_RESPONSE)(providers=found, pagination=page)


def _of_provider(view: View, request: Any) -> Any:
    return _answer(_rows(view, owner=_address(request.owner)))


def _of_both(view: View, request: Any) -> Any:
    return _answer(_rows(view, _address(request.owner), _address(request.auditor)))


def _answer(rows: list[tuple[bytes, Any, Any]]) -> Any:
    if not rows:
        raise not_found(registered("audit", 1))
    return message(_RESPONSE)(providers=[row for _, row, _ in rows])


def _of_auditor(view: View, request: Any) -> Any:
    """The real node looks at the auditor's form only and lists everybody's, misread like above."""
    _address(request.auditor)
    return _all(view, request)
