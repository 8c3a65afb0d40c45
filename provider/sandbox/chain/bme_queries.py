"""What can be asked about burning and minting: parameters, the vault, the breaker, and the records of all requests."""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import bank, breaker, dec
from .bme import CANCELED, EXECUTED, PENDING, record_id, total
from .coins import coins_wire, plus
from .context import Registry, View
from .errors import ChainError, QueryError
from .genesis import BME
from .paging import DEFAULT_LIMIT, read_key, write_key
from .store import Key

_NAME = "akash.bme.v1"
_STATES = {"ledger_record_status_pending": 1, "ledger_record_status_executed": 2, "ledger_record_status_canceled": 3}
_TABLES = {1: (PENDING, "pending_record"), 2: (EXECUTED, "executed_record"), 3: (CANCELED, "canceled_record")}


def register(registry: Registry) -> None:
    registry.query(f"/{_NAME}.Query/Params", _params)
    registry.query(f"/{_NAME}.Query/VaultState", _vault)
    registry.query(f"/{_NAME}.Query/Status", _status)
    registry.query(f"/{_NAME}.Query/LedgerRecords", _records)


def _params(view: View, _: Any) -> Any:
    told = view.genesis.params.bme
    params = message(f"{_NAME}.Params")(
        circuit_breaker_warn_threshold=told.warn_bps,
        circuit_breaker_halt_threshold=told.halt_bps,
        min_epoch_blocks=told.min_epoch_blocks,
        epoch_blocks_backoff_percent=told.backoff_percent,
        mint_spread_bps=told.mint_spread_bps,
        settle_spread_bps=told.settle_spread_bps,
        max_endblocker_records=told.max_records,
        min_mint=coins_wire(told.min_mint),
        max_pending_attempts=told.max_attempts,
    )
    return message(f"{_NAME}.QueryParamsResponse")(params=params)


def _vault(view: View, _: Any) -> Any:
    """Of uact the vault shows all there is anywhere."""
    elsewhere = bank.supply(view.state, "uact") - bank.balance(view.state, BME, "uact")
    state = message(f"{_NAME}.State")(
        balances=coins_wire(plus(bank.balances(view.state, BME), (("uact", elsewhere),))),
        total_burned=_totals(view, "burned", "uact", "uakt"),
        total_minted=_totals(view, "minted", "uact", "uakt"),
        remint_credits=_totals(view, "credit", "uakt"),
    )
    return message(f"{_NAME}.QueryVaultStateResponse")(vault_state=state)


def _totals(view: View, kind: str, *denoms: str) -> list[Any]:
    return coins_wire(tuple((denom, total(view.state, kind, denom)) for denom in denoms))


def _status(view: View, _: Any) -> Any:
    """Without a good price the whole question fails (chain-probes §2)."""
    params = view.genesis.params.bme
    level = breaker.status(view.state, params).status
    try:
        ratio = breaker.collateral_ratio_e18(view.state)
    except ChainError as no:
        detail = no.text.removesuffix("price stalled").removesuffix(": ")
        text = f"codespace {no.codespace} code {no.code}: price stalled{f': {detail}' if detail else ''}"
        raise QueryError("UNKNOWN", text) from None
    return message(f"{_NAME}.QueryStatusResponse")(
        status=level,
        collateral_ratio=str(ratio),
        warn_threshold=str(dec.quo(dec.of(params.warn_bps), dec.of(10_000))),
        halt_threshold=str(dec.quo(dec.of(params.halt_bps), dec.of(10_000))),
        mints_allowed=level < breaker.HALT_CR,
        refunds_allowed=level < breaker.HALT_ORACLE,
    )


def _records(view: View, request: Any) -> Any:
    """Waiting ones first, then executed, then canceled. A page goes on from its key in the direction of the first."""
    wanted, asked = request.filters, request.pagination
    if asked.offset and not wanted.status:
        text = "invalid request parameters. if offset is set, filter.status must be provided"
        raise QueryError("INVALID_ARGUMENT", text)
    if wanted.status and wanted.status not in _STATES:
        raise QueryError("INVALID_ARGUMENT", "invalid status filter value")
    states, reverse, resume = [_STATES[wanted.status]] if wanted.status else [1, 2, 3], asked.reverse, b""
    if asked.key:
        states, _, resume, tail = read_key(asked.key)
        reverse = tail == b"\x01"
    elif reverse:
        states.reverse()
    rows = [row for state in states for row in _of_state(view, state, wanted, reverse=reverse)]
    if resume:
        reached = [at for at, (state, key, _) in enumerate(rows) if state == states[0] and key == resume]
        rows = rows[reached[0] :] if reached else []
    rows = rows[asked.offset if not asked.key else 0 :]
    limit = asked.limit or DEFAULT_LIMIT
    page = message("cosmos.base.query.v1beta1.PageResponse")(total=len(rows[:limit]))
    if rows[limit:]:
        state, key, _ = rows[limit]
        page.next_key = write_key(states[states.index(state) :], bytes([state]), key, b"\x01" if reverse else b"")
    answer = message(f"{_NAME}.QueryLedgerRecordsResponse")
    return answer(records=[entry for _, _, entry in rows[:limit]], pagination=page)


def _of_state(view: View, state: int, wanted: Any, *, reverse: bool) -> list[tuple[int, bytes, Any]]:
    table, field = _TABLES[state]
    rows = []
    for key, record in table.scan(view.state):
        i = record_id(key)
        if all(not getattr(wanted, name) or getattr(wanted, name) == getattr(i, name) for name in _FILTERS):
            entry = message(f"{_NAME}.QueryLedgerRecordEntry")(id=i, status=state)
            getattr(entry, field).CopyFrom(record)
            rows.append((state, _key(key), entry))
    rows.sort(key=lambda row: row[1], reverse=reverse)
    return rows


_FILTERS = ("source", "denom", "to_denom")


def _key(key: Key) -> bytes:
    denom, to_denom, source, height, sequence, _ = key
    texts = [denom.encode(), to_denom.encode(), source]
    return b"".join(bytes([len(part)]) + part for part in texts) + b"".join(
        n.to_bytes(8, "big") for n in (height, sequence)
    )
