"""What we say fits is scheduled, and what we refuse is not: asked of the real scheduler on 200 simulated nodes."""

from __future__ import annotations

import pytest

from e2e.cluster import Cluster, require
from e2e.scheduling.agreement import compare

pytestmark = pytest.mark.real


async def test_our_fit_and_the_schedulers_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """The bad way to disagree, a promise the scheduler does not keep though nothing has changed, must not happen. What
    can happen is that the orders of a round crowd each other out, since pods are asked and not forced to go where they
    were reckoned with: then we no longer say that it fits, and it is bounded.

    A refusal the scheduler would not have made costs an order. With several units it can happen, because we place unit
    after unit and hardly search (pack.py), so it is bounded too. With one unit there is nothing to search: its replicas
    are alike, so however they are placed, the same number of them fits."""
    reason = require("kwok:1")
    if reason:
        pytest.skip(f"no real cluster: {reason}")
    with Cluster("kwok:1") as cluster:
        found = await compare(cluster, seed=1, nodes=199, orders=150)
    with capsys.disabled():
        print(
            f"\n{found.compared} orders compared with the real scheduler: {found.fitted} fit ({found.replicas}"
            f" replicas, {found.as_planned} on a node reckoned with), {found.refused} refused; promises broken:"
            f" {len(found.broken)}, crowded out: {len(found.crowded)}; refused and yet schedulable:"
            f" {len(found.missed)} of several units, {len(found.unexplained)} of one"
        )
    assert found.broken == []
    assert found.unexplained == []
    assert len(found.crowded) <= found.fitted // 25, found.crowded
    assert len(found.missed) <= found.refused // 10, found.missed
    assert min(found.fitted, found.refused) >= 30, "a comparison that sees only one side says little"
    assert found.as_planned >= found.replicas // 2, "pods are asked to go where the bid reckoned with them"
    assert len(found.reasons) >= 2, found.reasons
