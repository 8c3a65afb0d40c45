"""Epochs: counters that tick by the clock, told at the start of a block and otherwise without effect but one: old
prices are forgotten at the end of the oracle's epoch.
"""

from __future__ import annotations

from .context import Context, Registry
from .oracle import forget_old_prices

_EPOCHS = {"day": 86_400, "hour": 3_600, "minute": 60, "week": 604_800}
"""name -> seconds, in the order in which they are told"""
_TABLE = "epoch"
"""name -> (number, nanoseconds at which it started)"""


def register(registry: Registry) -> None:
    registry.begin_block.append(_tick)


def _tick(ctx: Context) -> None:
    """At most one epoch further per block, also after a long pause."""
    for name, seconds in _EPOCHS.items():
        known = ctx.store.get(_TABLE, (name,))
        if known is None:
            number, started_ns = 1, ctx.genesis.genesis_time_unix_ns
        else:
            number, started_ns = known[0] + 1, known[1] + seconds * 10**9
            if ctx.time_unix_ns <= started_ns:
                continue
            ctx.log.typed("akash.epochs.v1beta1.EventEpochEnd", epoch_number=f'"{known[0]}"')
            if name == ctx.genesis.params.oracle.prune_epoch:
                forget_old_prices(ctx)
        ctx.store.put(_TABLE, (name,), (number, started_ns))
        start = f'"{started_ns // 10**9}"'
        ctx.log.typed("akash.epochs.v1beta1.EventEpochStart", epoch_number=f'"{number}"', epoch_start_time=start)
