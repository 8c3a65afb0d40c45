"""The circuit breaker of burning and minting: how much collateral stands behind the ACT that is about, and what is
allowed at that (chain.md §2.9).

Worse collateral than the warning threshold stretches the time between two mint epochs; below the halt threshold, or
without a good price, minting stops.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import bank, dec, oracle
from .context import Context
from .errors import ChainError
from .genesis import BME, BmeParams
from .store import Reader

HEALTHY, WARNING, HALT_CR, HALT_ORACLE = 1, 2, 3, 4
NAMES = {
    0: "mint_status_unspecified",
    HEALTHY: "mint_status_healthy",
    WARNING: "mint_status_warning",
    HALT_CR: "mint_status_halt_cr",
    HALT_ORACLE: "mint_status_halt_oracle",
}
PENDING_BALANCE = "bme_pending_balance"
"""denom -> amount waiting in the module's account; it is nobody's collateral"""
_TABLE = "bme_status"
_MAX_EPOCH_BLOCKS = 14_400
_MAX_BPS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Status:
    status: int
    previous: int
    epoch_blocks: int


def status(reader: Reader, params: BmeParams) -> Status:
    found: Status | None = reader.get(_TABLE, ())
    return found or Status(HALT_CR, 0, params.min_epoch_blocks)


def collateral_ratio_e18(reader: Reader) -> int:
    """USD of uakt behind each uact × 10^18; ChainError without a good price."""
    rate = dec.quo(oracle.price_e18(reader, "akt"), oracle.price_e18(reader, "act"))
    waiting = reader.get(PENDING_BALANCE, ("uakt",)) or 0
    worth = dec.mul(dec.of(bank.balance(reader, BME, "uakt") - waiting), rate)
    outstanding = bank.supply(reader, "uact")
    return dec.quo(worth, dec.of(outstanding)) if outstanding > 0 else worth


def update(ctx: Context) -> tuple[Status, bool]:
    """(the status now, whether it changed with this look)."""
    params = ctx.genesis.params.bme
    before = status(ctx.store, params)
    ratio = 0
    try:
        ratio = collateral_ratio_e18(ctx.store)
    except ChainError:
        now = Status(HALT_ORACLE, before.previous, before.epoch_blocks)
    else:
        bps = min(dec.truncate(dec.mul(ratio, dec.of(10_000))), _MAX_BPS)
        if bps > params.halt_bps:
            level = HEALTHY if bps > params.warn_bps else WARNING
            now = Status(level, before.previous, _epoch_blocks(params, bps))
        else:
            now = Status(HALT_CR, before.previous, before.epoch_blocks)
    if now == before:
        return now, False
    now = Status(now.status, before.status, now.epoch_blocks)
    ctx.store.put(_TABLE, (), now)
    ctx.log.typed(
        "akash.bme.v1.EventMintStatusChange",
        previous_status=f'"{NAMES[now.previous]}"',
        new_status=f'"{NAMES[now.status]}"',
        collateral_ratio=f'"{dec.text(ratio)}"',
    )
    return now, True


def _epoch_blocks(params: BmeParams, bps: int) -> int:
    """The shortest epoch, longer by some percent for every 0.1 % that is missing to the warning threshold."""
    steps = (params.warn_bps - bps) // 10
    if steps <= 0 or not params.backoff_percent:
        return params.min_epoch_blocks
    growth = dec.quo(dec.of(100 + params.backoff_percent), dec.of(100))
    longer = dec.mul(dec.of(params.min_epoch_blocks), _power(growth, steps))
    return max(params.min_epoch_blocks, dec.truncate(min(longer, dec.of(_MAX_EPOCH_BLOCKS))))


def _power(base: int, exponent: int) -> int:
    """By repeated squaring, rounding at each step like the node."""
    out = dec.E18
    while exponent > 1:
        if exponent % 2:
            out = dec.mul(out, base)
        exponent //= 2
        base = dec.mul(base, base)
    return dec.mul(base, out) if exponent else out
