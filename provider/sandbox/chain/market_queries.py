"""Queries about orders, bids and leases. With an owner or a provider rows come in key order, otherwise state by state
(chain-probes "Ordering" 2).
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import settlement
from .context import Registry, Table, View
from .errors import QueryError, not_found, registered
from .ids import bid_account, bid_key, is_address, lease_payment, order_key
from .market import BIDS, LEASES, ORDERS
from .paging import akash_page, key_bytes, refuse_offset, states_of
from .store import Key

_ORDER_STATES = {"invalid": 0, "open": 1, "active": 2, "closed": 3}
_BID_STATES = {"invalid": 0, "open": 1, "active": 2, "lost": 3, "closed": 4}
_LEASE_STATES = {"invalid": 0, "active": 1, "insufficient_funds": 2, "closed": 3, "reclaiming": 4}
_SERVICE = "akash.market.v1beta5"
_BY_PROVIDER = b"\x01"


def register(registry: Registry) -> None:
    registry.query(f"/{_SERVICE}.Query/Orders", _orders)
    registry.query(f"/{_SERVICE}.Query/Order", _order)
    registry.query(f"/{_SERVICE}.Query/Bids", _bids)
    registry.query(f"/{_SERVICE}.Query/Bid", _bid)
    registry.query(f"/{_SERVICE}.Query/Leases", _leases)
    registry.query(f"/{_SERVICE}.Query/Lease", _lease)
    registry.query(f"/{_SERVICE}.Query/Params", _params)


def _orders(view: View, request: Any) -> Any:
    states = states_of(request.filters.state, _ORDER_STATES)
    refuse_offset(request, request.filters.state)
    rows = [(o.state, key_bytes(*key), o) for key, o in _matching(view, ORDERS, request.filters)]
    owned = bool(request.filters.owner)
    page, found = akash_page(rows, request, states, by_state=not owned, tail=b"\x01" if owned else b"")
    return message(f"{_SERVICE}.QueryOrdersResponse")(orders=found, pagination=page)


def _order(view: View, request: Any) -> Any:
    _check_owner(request.id)
    found = ORDERS.get(view.state, order_key(request.id))
    if found is None:
        raise not_found(registered("market", 15))
    return message(f"{_SERVICE}.QueryOrderResponse")(order=found)


def _bids(view: View, request: Any) -> Any:
    page, found = _bid_page(view, request, BIDS, _BID_STATES)
    return message(f"{_SERVICE}.QueryBidsResponse")(bids=[_with_account(view, bid) for bid in found], pagination=page)


def _bid(view: View, request: Any) -> Any:
    _check_owner(request.id)
    _check_provider(request.id)
    found = BIDS.get(view.state, bid_key(request.id))
    if found is None:
        raise not_found(registered("market", 18))
    return _with_account(view, found)


def _leases(view: View, request: Any) -> Any:
    page, found = _bid_page(view, request, LEASES, _LEASE_STATES)
    leases = [_with_payment(view, lease) for lease in found]
    return message(f"{_SERVICE}.QueryLeasesResponse")(leases=leases, pagination=page)


def _lease(view: View, request: Any) -> Any:
    _check_owner(request.id)
    _check_provider(request.id)
    found = LEASES.get(view.state, bid_key(request.id))
    if found is None:
        raise not_found(registered("market", 20))
    return _with_payment(view, found)


def _params(view: View, _: Any) -> Any:
    params = view.genesis.params
    coin = message("cosmos.base.v1beta1.Coin")
    minimum = {denom: coin(denom=denom, amount=str(amount)) for denom, amount in params.bid_min_deposits}
    found = message(f"{_SERVICE}.Params")(
        bid_min_deposit=minimum.get("uakt"), order_max_bids=params.order_max_bids, bid_min_deposits=minimum.values()
    )
    found.min_reclamation_window.FromNanoseconds(params.min_reclamation_window_ns)
    found.max_reclamation_window.FromNanoseconds(params.max_reclamation_window_ns)
    return message(f"{_SERVICE}.QueryParamsResponse")(params=found)


def _matching(view: View, table: Table, filters: Any) -> list[tuple[Key, Any]]:
    """Rows that meet every part of the filter; as far as its parts go from the left they select by key."""
    parts = [filters.owner, filters.dseq, filters.gseq, filters.oseq]
    if hasattr(filters, "provider"):
        parts.append(filters.provider)
    prefix = tuple(parts[: next((at for at, part in enumerate(parts) if not part), len(parts))])
    return [
        (key, record)
        for key, record in table.scan(view.state, prefix)
        if all(not part or part == have for part, have in zip(parts, key, strict=True))
    ]


def _bid_page(view: View, request: Any, table: Table, names: dict[str, int]) -> tuple[Any, list[Any]]:
    filters = request.filters
    states = states_of(filters.state, names)
    refuse_offset(request, filters.state)
    rows = [(r.state, key_bytes(*key, 0), r) for key, r in _matching(view, table, filters)]
    tail = b"\x02" if filters.owner else _BY_PROVIDER if filters.provider else b"\x00"
    return akash_page(rows, request, states, by_state=not (filters.owner or filters.provider), tail=tail)


def _with_account(view: View, bid: Any) -> Any:
    account = settlement.ACCOUNTS.get(view.state, bid_account(bid.id))
    return message(f"{_SERVICE}.QueryBidResponse")(bid=bid, escrow_account=account)


def _with_payment(view: View, lease: Any) -> Any:
    payment = settlement.PAYMENTS.get(view.state, lease_payment(lease.id))
    return message(f"{_SERVICE}.QueryLeaseResponse")(lease=lease, escrow_payment=payment)


def _check_owner(i: Any) -> None:
    if not is_address(i.owner):
        raise QueryError("INVALID_ARGUMENT", "invalid owner address")


def _check_provider(i: Any) -> None:
    if not is_address(i.provider):
        raise QueryError("INVALID_ARGUMENT", "invalid provider address")
