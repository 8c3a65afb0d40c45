from __future__ import annotations

from dataclasses import replace

import pytest

from bidengine.node import Ask
from manifests.ids import LeaseID
from provider.cluster.health.litter import (
    ENDED_S,
    HANGING_S,
    KEPT,
    NAMESPACE_GONE_S,
    POD_GONE_S,
    SILENT_S,
    Stuck,
    litter,
    stuck,
)
from provider.cluster.health.namespaces import Namespace
from provider.cluster.health.workloads import WorkloadFacts
from provider.cluster.inventory.pods import PodFacts

NOW = 100_000
POD = PodFacts("ns", "db-0", "u", "n1", False, Ask(0, 0, 0), (), "db", False, False, 0, "", "")
ENDED = replace(POD, finished=True, trouble="Evicted", since_unix_s=NOW - 10)
HANGS = replace(POD, trouble="ImagePullBackOff", revision="db-1", since_unix_s=NOW - HANGING_S - 1)
SET = WorkloadFacts("ns", "db", "db", 1, 1, 0, 0, 0, 2, 2, "", revision="db-2")


def found(*pods: PodFacts, owner: WorkloadFacts = SET) -> list[str]:
    return [each.pod for each in litter(pods, [owner], NOW)]


def test_a_pod_that_has_ended_can_be_looked_at_for_a_while() -> None:
    assert found(ENDED) == []
    assert found(replace(ENDED, since_unix_s=NOW - ENDED_S - 1)) == ["db-0"]


def test_of_many_that_have_ended_the_newest_are_kept() -> None:
    """support#209: thousands of pods that a node without devices would not admit."""
    many = [replace(ENDED, name=f"web-{n:02}", since_unix_s=NOW - n) for n in range(20)]
    assert found(*many) == [f"web-{n:02}" for n in range(KEPT, 20)]
    other = [replace(pod, service=f"s{n}") for n, pod in enumerate(many)]
    assert found(*other) == [], "each service has its own"


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(replace(ENDED, service="", since_unix_s=0), id="a pod of nobody's service"),
        pytest.param(replace(ENDED, going=True, since_unix_s=0), id="it is going already"),
        pytest.param(replace(POD, since_unix_s=0), id="a pod that is starting"),
        pytest.param(replace(HANGS, revision="db-2"), id="a pod of the template as it is"),
        pytest.param(replace(HANGS, ready=True), id="a pod that serves, though of the old template"),
        pytest.param(replace(HANGS, trouble="", since_unix_s=NOW - SILENT_S), id="nothing is wrong with it yet"),
        pytest.param(replace(HANGS, since_unix_s=NOW - HANGING_S), id="a moment ago it was well"),
        pytest.param(replace(HANGS, revision=""), id="a Deployment's pod"),
    ],
)
def test_what_is_left_alone(pod: PodFacts) -> None:
    assert found(pod) == []


def test_an_update_that_a_broken_pod_holds_up_goes_on() -> None:
    """support#82: a StatefulSet waits for a pod that can never be ready."""
    assert found(HANGS) == ["db-0"]
    (why,) = [each.why for each in litter([HANGS], [SET], NOW)]
    assert why == "ImagePullBackOff, and its template was replaced"


def test_so_does_one_that_a_pod_holds_up_without_a_word() -> None:
    silent = replace(HANGS, trouble="", since_unix_s=NOW - SILENT_S - 1)
    assert found(silent) == ["db-0"]
    (why,) = [each.why for each in litter([silent], [SET], NOW)]
    assert why == "not up yet, and its template was replaced"


def test_what_was_to_be_gone_and_is_not() -> None:
    lease = LeaseID("akash1o", 1, 1, 1, "akash1p")
    going = Namespace("ns", lease, 1, NOW - NAMESPACE_GONE_S - 1, "x.example/keep")
    late = replace(going, going_since_unix_s=NOW - NAMESPACE_GONE_S)
    gone = replace(POD, going=True, gone_by_unix_s=NOW - POD_GONE_S - 1)
    assert stuck([going, late, Namespace("b", lease)], [gone, replace(gone, gone_by_unix_s=NOW), POD], NOW) == [
        Stuck("namespace", "", "ns", NOW - NAMESPACE_GONE_S - 1, "x.example/keep"),
        Stuck("pod", "ns", "db-0", NOW - POD_GONE_S - 1, "node n1 to end its containers"),
    ]
