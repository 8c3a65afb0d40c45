"""Which node to ask: pure functions over what is known of each.

A node that is well is kept even when a better one returns, until that one has been well for a while: a node that comes
and goes must not make us go to and fro.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

LAG_BLOCKS = 3
"""a node further behind than this is out of step (chain.md §3.6)"""
STEADY_S = 60.0
"""the operator's first choice is taken up again when it has been well for this long"""


class Fault(IntEnum):
    """In order of severity: of two nodes with faults, the one with the smaller is asked."""

    NONE = 0
    LAGS = 1
    CATCHING_UP = 2
    ASTRAY = 3
    SILENT = 4
    FOREIGN = 5
    """it serves another chain: signing for that one would be lost money"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the choice of a node stands on. Of a node that was never asked the best is assumed."""

    lag_blocks: int = 0
    """the doors' greater distance from the best height anybody had shown when they were asked"""
    catching_up: bool = False
    astray: bool = False
    """it shows a height that cannot be"""
    silent: bool = False
    """one of its doors does not answer"""
    foreign: bool = False
    well_for_s: float = 0.0


def fault(node: Standing) -> Fault:
    """The gravest. A node whose doors disagree in height lags: one of them is behind."""
    if node.foreign:
        return Fault.FOREIGN
    if node.silent:
        return Fault.SILENT
    if node.astray:
        return Fault.ASTRAY
    if node.catching_up:
        return Fault.CATCHING_UP
    return Fault.LAGS if node.lag_blocks > LAG_BLOCKS else Fault.NONE


def chosen(nodes: Sequence[Standing], current: int) -> int:
    """The index of the node to use from now on, `current` being the one in use; the operator's order decides between
    equals."""
    faults = [fault(node) for node in nodes]
    best = min(range(len(nodes)), key=lambda n: (faults[n], n))
    if faults[best] < faults[current]:
        return best
    steady = (n for n in range(current) if faults[n] is Fault.NONE and nodes[n].well_for_s >= STEADY_S)
    return next(steady, current)


def order(nodes: Sequence[Standing], current: int, resting: Sequence[float]) -> list[int]:
    """In which order one kind of question is asked. `resting` says for how many more seconds each node's door for
    that kind is left alone: a door that answers comes before one that does not, however good the node is otherwise, so
    that there is always somebody to ask."""
    return sorted(range(len(nodes)), key=lambda n: (resting[n] > 0, resting[n], fault(nodes[n]), n != current, n))
