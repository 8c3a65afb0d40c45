from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.node import Ask
from provider.cluster.pods import PodFacts
from provider.cluster.workloads import ServiceHealth, Whose, WorkloadFacts, health, workload_facts

WEB = WorkloadFacts("ns", "web", "web", 2, 2, 2, 1, 1, 3, 3, "")
POD = PodFacts("ns", "web-0", "u", "n1", False, Ask(0, 0, 0), "", "web", False, False, 0, "", "")


def one(workload: WorkloadFacts, *pods: PodFacts) -> ServiceHealth:
    return health([workload], pods)["web"]


def test_all_there() -> None:
    found = one(replace(WEB, available=2), replace(POD, trouble="CrashLoopBackOff"))
    assert found == ServiceHealth(2, 2)
    assert found.healthy


@pytest.mark.parametrize(
    ("trouble", "detail", "reason", "whose"),
    [
        ("ImagePullBackOff", "no such image", "web-0: ImagePullBackOff: no such image", Whose.TENANT),
        ("CrashLoopBackOff", "exit code 1 (Error)", "web-0: CrashLoopBackOff: exit code 1 (Error)", Whose.TENANT),
        ("CreateContainerConfigError", "", "web-0: CreateContainerConfigError", Whose.TENANT),
        ("Unschedulable", "0/3 nodes", "web-0: Unschedulable: 0/3 nodes", Whose.PROVIDER),
        ("SomethingNew", "", "web-0: SomethingNew", Whose.NOBODY),
        ("", "", "starting", Whose.NOBODY),
    ],
)
def test_why_not_and_whose_matter_it_is(trouble: str, detail: str, reason: str, whose: Whose) -> None:
    found = one(WEB, replace(POD, trouble=trouble, detail=detail))
    assert found == ServiceHealth(1, 2, reason, whose)
    assert not found.healthy


def test_a_pod_that_runs_now_tells_more_than_one_that_ended() -> None:
    ended = replace(POD, name="web-a", finished=True, trouble="Evicted")
    assert one(WEB, ended, replace(POD, name="web-b", trouble="ErrImagePull")).reason == "web-b: ErrImagePull"
    assert one(WEB, ended).reason == "web-a: Evicted"


def test_pods_that_are_going_or_ready_or_of_another_service_do_not_speak() -> None:
    silent = [
        replace(POD, going=True, trouble="Error"),
        replace(POD, ready=True, trouble="Error"),
        replace(POD, service="db", trouble="Error"),
    ]
    assert one(WEB, *silent).reason == "starting"


def test_a_workload_that_cannot_make_pods() -> None:
    found = one(replace(WEB, stuck="exceeded quota"))
    assert (found.reason, found.whose) == ("exceeded quota", Whose.PROVIDER)


def test_a_workload_nobody_has_looked_at_yet() -> None:
    assert one(replace(WEB, generation=4)).reason == "not yet taken up by the cluster"


def test_while_one_workload_replaces_another_the_better_counts() -> None:
    assert health([replace(WEB, available=2), replace(WEB, available=0)], [])["web"].available == 2


def test_a_long_reason_is_one_short_line() -> None:
    found = one(WEB, replace(POD, trouble="Error", detail="a\nb" + "x" * 1000))
    assert "\n" not in found.reason
    assert len(found.reason) == 300


def stateful(**more: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "ns", "name": "db", "generation": 2}, "spec": {"replicas": 2}, **more}


def test_a_stateful_set_is_available_when_its_pods_serve_not_when_they_exist() -> None:
    facts = workload_facts(
        stateful(status={"currentReplicas": 2, "replicas": 2, "readyReplicas": 1, "observedGeneration": 2})
    )
    assert (facts.available, facts.replicas, facts.ready, facts.desired) == (0, 2, 1, 2)


@pytest.mark.parametrize(
    ("spec", "desired"), [({}, 1), ({"replicas": 0}, 0), ({"replicas": 3}, 3), ({"replicas": None}, 1)]
)
def test_how_many_are_wanted(spec: dict[str, Any], desired: int) -> None:
    assert workload_facts(stateful(spec=spec)).desired == desired


def test_service_name_comes_from_the_label_or_the_name() -> None:
    assert workload_facts(stateful()).service == "db"
    labelled = stateful()
    labelled["metadata"]["labels"] = {"akash.network/manifest-service": "store"}
    assert workload_facts(labelled).service == "store"


def test_replica_failure_is_read() -> None:
    failing = stateful(status={"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "quota"}]})
    assert workload_facts(failing).stuck == "quota"
    passed = stateful(status={"conditions": [{"type": "ReplicaFailure", "status": "False", "message": "quota"}]})
    assert workload_facts(passed).stuck == ""
