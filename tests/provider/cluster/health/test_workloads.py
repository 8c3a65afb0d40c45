from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bidengine.node import Ask
from provider.cluster.health.causes import Cause, Whose
from provider.cluster.health.workloads import ServiceHealth, WorkloadFacts, health, workload_facts
from provider.cluster.inventory.pods import PodFacts

WEB = WorkloadFacts("ns", "web", "web", 2, 2, 2, 1, 1, 3, 3, "")
POD = PodFacts("ns", "web-0", "u", "n1", False, Ask(0, 0, 0), "", "web", False, False, 0, "", "")


def one(workload: WorkloadFacts, *pods: PodFacts) -> ServiceHealth:
    return health([workload], pods)["web"]


def test_all_there() -> None:
    found = one(replace(WEB, available=2), replace(POD, trouble="CrashLoopBackOff"))
    assert found == ServiceHealth(2, 2)
    assert found.healthy


@pytest.mark.parametrize(
    ("trouble", "detail", "reason", "cause", "whose"),
    [
        ("ImagePullBackOff", "name unknown", "web-0: ImagePullBackOff: name unknown", Cause.IMAGE_PULL, Whose.TENANT),
        ("Unschedulable", "0/3 nodes", "web-0: Unschedulable: 0/3 nodes", Cause.UNSCHEDULABLE, Whose.PROVIDER),
        ("SomethingNew", "", "web-0: SomethingNew", Cause.UNKNOWN, Whose.NOBODY),
        ("", "", "starting", Cause.STARTING, Whose.NOBODY),
    ],
)
def test_why_not_and_whose_matter_it_is(trouble: str, detail: str, reason: str, cause: Cause, whose: Whose) -> None:
    found = one(WEB, replace(POD, trouble=trouble, detail=detail))
    assert found == ServiceHealth(1, 2, reason, cause)
    assert found.whose is whose
    assert not found.healthy


CRASHES = replace(POD, trouble="CrashLoopBackOff", died="Error", exit_code=1)


def test_a_pod_whose_node_is_not_heard_of_says_nothing_that_counts() -> None:
    def found(*pods: PodFacts) -> ServiceHealth:
        return health([WEB], pods, heard=lambda node: node != "n1")["web"]

    assert found(CRASHES) == ServiceHealth(1, 2, "web-0: its node n1 is not heard of", Cause.NODE_LOST)
    assert found(POD).cause is Cause.NODE_LOST, "also when Kubernetes says nothing of the pod"
    assert found(replace(POD, going=True)).cause is Cause.NODE_LOST, "a StatefulSet waits for it to go"
    assert found(replace(CRASHES, node="n2")).cause is Cause.CRASH_LOOP


def test_without_its_runtime_class_no_pod_can_be_made_and_that_is_the_providers_matter() -> None:
    """A StatefulSet says nothing of it itself; what runs already goes on."""
    sandboxed = replace(WEB, runtime_class="gvisor")

    def found(workload: WorkloadFacts, *pods: PodFacts) -> ServiceHealth:
        return health([workload], pods, lacks=lambda name: name == "gvisor")["web"]

    assert found(sandboxed) == ServiceHealth(
        1, 2, "the cluster has no RuntimeClass 'gvisor', no pod can be made", Cause.ADMISSION
    )
    assert found(sandboxed).whose is Whose.PROVIDER
    assert found(sandboxed, CRASHES).cause is Cause.CRASH_LOOP, "a pod that is there tells of itself"
    assert found(replace(sandboxed, available=2)).healthy
    assert found(WEB).cause is Cause.STARTING


def test_where_two_pods_lack_two_things_the_tenant_is_not_blamed() -> None:
    pending = replace(POD, name="web-1", node="", trouble="Unschedulable", detail="0/3 nodes")
    assert one(WEB, CRASHES, pending).cause is Cause.UNSCHEDULABLE


def test_since_when_is_the_pods_word_or_the_workloads() -> None:
    workload = replace(WEB, made_unix_s=100, available_since_unix_s=200)
    assert one(replace(workload, available=2)).since_unix_s == 200
    assert one(workload, replace(CRASHES, since_unix_s=300)).since_unix_s == 300
    assert one(replace(workload, available_since_unix_s=0)).since_unix_s == 100


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
    assert (found.reason, found.cause) == ("exceeded quota", Cause.ADMISSION)


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


def test_times_and_the_revision_are_read() -> None:
    facts = workload_facts(
        {
            "metadata": {"namespace": "ns", "name": "db", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "status": {
                "updateRevision": "db-2",
                "conditions": [{"type": "Available", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"}],
            },
        }
    )
    assert facts.revision == "db-2"
    assert facts.available_since_unix_s - facts.made_unix_s == 60
