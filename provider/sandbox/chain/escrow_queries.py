"""Queries about escrow: lists only, selected by a text prefix `scope/owner/dseq…`, state by state.

A prefix that fits nothing, an unknown scope included, is an empty list and no error (chain-probes §1 row 10).
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import settlement
from .context import Registry, Table, View
from .paging import akash_page, refuse_offset, states_of

_STATES = {"invalid": 0, "open": 1, "closed": 2, "overdrawn": 3}
_INDEX = {settlement.ACCOUNTS.name: b"\x11\x00", settlement.PAYMENTS.name: b"\x12\x00"}


def register(registry: Registry) -> None:
    registry.query("/akash.escrow.v1.Query/Accounts", _accounts)
    registry.query("/akash.escrow.v1.Query/Payments", _payments)


def _accounts(view: View, request: Any) -> Any:
    page, found = _page(view, request, settlement.ACCOUNTS)
    return message("akash.escrow.v1.QueryAccountsResponse")(accounts=found, pagination=page)


def _payments(view: View, request: Any) -> Any:
    page, found = _page(view, request, settlement.PAYMENTS)
    return message("akash.escrow.v1.QueryPaymentsResponse")(payments=found, pagination=page)


def _page(view: View, request: Any, table: Table) -> tuple[Any, list[Any]]:
    states = states_of(request.state, _STATES)
    refuse_offset(request, request.state)
    prefix = tuple(request.xid.split("/")) if request.xid else ()
    rows = [
        (record.state.state, b"/" + "/".join(key).encode(), record)
        for key, record in table.scan(view.state, prefix, text=True)
    ]
    return akash_page(rows, request, states, by_state=True, prefix=_INDEX[table.name])
