"""Which node is used, and who is asked next: tables."""

from __future__ import annotations

import pytest

from provider.chain.ranking import LAG_BLOCKS, STEADY_S, Fault, Standing, chosen, fault, order

WELL = Standing()
STEADY = Standing(well_for_s=STEADY_S)
LAGS = Standing(lag_blocks=LAG_BLOCKS + 1)
SYNCS = Standing(catching_up=True)
ASTRAY = Standing(astray=True)
SILENT = Standing(silent=True)
FOREIGN = Standing(foreign=True)


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (WELL, Fault.NONE),
        (Standing(lag_blocks=LAG_BLOCKS), Fault.NONE),
        (LAGS, Fault.LAGS),
        (SYNCS, Fault.CATCHING_UP),
        (Standing(lag_blocks=100, catching_up=True), Fault.CATCHING_UP),
        (Standing(catching_up=True, astray=True, lag_blocks=9), Fault.ASTRAY),
        (Standing(catching_up=True, silent=True), Fault.SILENT),
        (Standing(astray=True, silent=True), Fault.SILENT),
        (Standing(silent=True, foreign=True), Fault.FOREIGN),
    ],
)
def test_the_gravest_fault_counts(node: Standing, says: Fault) -> None:
    assert fault(node) is says


@pytest.mark.parametrize(
    ("nodes", "current", "found"),
    [
        pytest.param([WELL, WELL], 0, 0, id="the first is the operator's choice"),
        pytest.param([WELL, WELL], 1, 1, id="one that is well is kept"),
        pytest.param([STEADY, WELL], 1, 0, id="the first is taken up again once it is steady"),
        pytest.param([STEADY, STEADY, WELL], 2, 0, id="the best of those"),
        pytest.param([SILENT, STEADY, WELL], 2, 1, id="not one that is silent now"),
        pytest.param([STEADY, WELL], 0, 0, id="a worse one never"),
        pytest.param([SILENT, WELL], 0, 1, id="silent"),
        pytest.param([LAGS, WELL], 0, 1, id="lags"),
        pytest.param([SYNCS, LAGS], 0, 1, id="a little behind is better than far behind"),
        pytest.param([LAGS, LAGS], 1, 1, id="none is better"),
        pytest.param([FOREIGN, SILENT, SYNCS], 0, 2, id="another chain is worst"),
        pytest.param([SILENT, LAGS, WELL, WELL], 0, 2, id="the first of the good ones"),
        pytest.param([SILENT], 0, 0, id="the only one"),
    ],
)
def test_the_node_in_use(nodes: list[Standing], current: int, found: int) -> None:
    assert chosen(nodes, current) == found


@pytest.mark.parametrize(
    ("nodes", "current", "resting", "found"),
    [
        pytest.param([WELL, WELL, WELL], 1, [0, 0, 0], [1, 0, 2], id="the one in use, then as written"),
        pytest.param([LAGS, WELL, SYNCS], 1, [0, 0, 0], [1, 0, 2], id="by fault"),
        pytest.param([SILENT, WELL], 1, [0, 0], [1, 0], id="its other door is silent"),
        pytest.param([SILENT, LAGS], 1, [0, 5.0], [0, 1], id="a door that answers comes first"),
        pytest.param([SILENT, SILENT], 0, [9.0, 5.0], [1, 0], id="all rest: the one that rests shortest"),
    ],
)
def test_who_is_asked(nodes: list[Standing], current: int, resting: list[float], found: list[int]) -> None:
    assert order(nodes, current, resting) == found
