"""The single shortages are told in test_pack.py; here, which of several is reported."""

from __future__ import annotations

from typing import Any

from bidengine.commit import Commit
from bidengine.needs import needs
from bidengine.reasons import Decline, Reason
from bidengine.shortage import shortage
from bidengine.snapshot import Snapshot
from manifests.resources import Endpoint, EndpointKind


def told(spec: Any, free: Snapshot) -> Decline:
    return shortage(spec, needs(spec, Commit()), free)


def test_of_several_shortages_the_most_telling_is_reported(make: Any) -> None:
    everything = {"cpu": 10**6, "memory_gib": 10**6, "gpu": 1, "models": ["a100"], "storage": [make.volume(10**6)]}
    ip = Endpoint(EndpointKind.LEASED_IP, 1)
    free = Snapshot([make.node("a")])
    cases = [
        (make.unit(**everything, endpoints=[ip]), Reason.NO_IP),
        (make.unit(**everything), Reason.NO_GPU_MODEL),
        (make.unit(**{**everything, "gpu": 0, "models": []}), Reason.NO_AGGREGATE),
        (make.unit(cpu=10**6, memory_gib=10**6), Reason.NO_AGGREGATE),
        (make.unit(cpu=10**6), Reason.NO_AGGREGATE),
    ]
    assert [told(make.group(unit), free).reason for unit, _ in cases] == [reason for _, reason in cases]


def test_units_that_share_a_card_are_counted_together(make: Any) -> None:
    free = Snapshot([make.node("a", gpus={make.t4: 3})])
    spec = make.group(make.unit(1, gpu=2, models=["t4"]), make.unit(2, gpu=2, models=["t4"]))
    assert told(spec, free).detail == "needs 4 GPUs in all its units, 3 of the accepted cards are free"


def test_a_cluster_not_seen_yet_lacks_everything(make: Any) -> None:
    assert told(make.group(make.unit()), Snapshot()).reason is Reason.NO_AGGREGATE


def test_a_deficit_is_told_as_nothing_free(make: Any) -> None:
    free = Snapshot([make.node("a", cpu=-5000)])
    assert told(make.group(make.unit()), free).detail == "needs 1000 milli of cpu, 0 are free"
