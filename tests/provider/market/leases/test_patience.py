"""From which height on the patience for a manifest counts, block by block."""

from __future__ import annotations

import pytest

from provider.market.leases.patience import could_send_since, patient_until

BLOCK_MS = 6000
Block = tuple[int, float, bool]
"""height, its age in seconds as it is taken in, and whether the cluster is heard of"""


def since(*blocks: Block, start: int = 0) -> int:
    for height, age_s, heard in blocks:
        start = could_send_since(start, height, block_age_s=age_s, cluster_heard=heard, block_time_ms=BLOCK_MS)
    return start


@pytest.mark.parametrize(
    ("blocks", "found"),
    [
        pytest.param([(10, 1, True), (11, 120, True)], 0, id="all is heard of"),
        pytest.param([(10, 1, False)], 10, id="the cluster is away"),
        pytest.param([(10, 121, True)], 30, id="the last block is old: 20 more will have been made since"),
        pytest.param([(10, 600, True), (60, 300, True), (90, 120, True)], 110, id="caught up with, to the present"),
        pytest.param([(10, 600, True), (11, 3, True)], 11, id="the chain stood still"),
        pytest.param([(10, 600, True), (110, -2, True), (500, 1, True)], 110, id="long ago, by a clock that is late"),
    ],
)
def test_since_when_a_tenant_could_send(blocks: list[Block], found: int) -> None:
    assert since(*blocks) == found


def test_the_start_of_the_process_is_kept() -> None:
    assert since((100, 1, True), (101, 1, True), start=100) == 100


@pytest.mark.parametrize(
    ("created_at", "since_height", "until"), [(3, 0, 53), (3, 100, 150), (120, 100, 170)], ids=["", "blind", "after"]
)
def test_until_when_a_lease_is_kept(created_at: int, since_height: int, until: int) -> None:
    assert patient_until(created_at, since_height, 300, BLOCK_MS) == until
