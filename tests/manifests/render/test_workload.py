from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.gpus import GpuModel
from manifests.manifest import Params, Permissions
from manifests.render import names
from manifests.render.isolation import Isolation
from manifests.render.site import DEFAULT_PLAN, ServicePlan
from manifests.render.workload import workload


def pod(made):
    return made["spec"]["template"]["spec"]


def node_labels(made):
    required = pod(made)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    return {e["key"]: (e["operator"], e["values"]) for e in term["matchExpressions"]}


def test_a_service_without_persistent_volumes_is_a_deployment_that_never_surges(build, lease, site):
    made = workload(lease, build.service(count=3), DEFAULT_PLAN, site, "7")
    assert (made["kind"], made["spec"]["replicas"], made["spec"]["revisionHistoryLimit"]) == ("Deployment", 3, 10)
    assert made["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


def test_one_persistent_volume_makes_it_a_stateful_set_with_its_claims(build, lease, site):
    db = build.service("db", resources=build.resources(build.volume("default"), build.persistent("data")))
    made = workload(lease, db, DEFAULT_PLAN, site, "7")
    assert (made["kind"], made["spec"]["revisionHistoryLimit"]) == ("StatefulSet", 1)
    assert [c["metadata"]["name"] for c in made["spec"]["volumeClaimTemplates"]] == ["db-data"]
    assert node_labels(made)["akash.network/capabilities.storage.class.beta3"] == ("Gt", ["0"])


def test_a_new_revision_changes_the_workload_s_label_and_not_its_pods(build, lease, site):
    old, new = (workload(lease, build.service(), DEFAULT_PLAN, site, revision) for revision in ("7", "8"))
    assert new["metadata"]["labels"][names.REVISION] == "8"
    assert old["spec"] == new["spec"], "an unchanged service does not restart"


def test_the_selector_matches_the_pods(build, lease, site):
    spec = workload(lease, build.service(), DEFAULT_PLAN, site, "7")["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


@pytest.mark.parametrize(
    ("card", "labels"),
    [
        (GpuModel("nvidia", "a100"), {"a100"}),
        (GpuModel("nvidia", "a100", "80Gi"), {"a100", "a100.ram.80Gi"}),
        (GpuModel("nvidia", "a100", "80Gi", "sxm"), {"a100", "a100.ram.80Gi", "a100.interface.sxm"}),
    ],
)
def test_d9_a_card_ties_the_pods_to_nodes_that_have_exactly_it(build, lease, site, card, labels):
    """product.md D9: the reference asked for the interface under the name of the memory's size."""
    made = workload(lease, build.service(resources=build.resources(gpu=1)), ServicePlan("nvidia", card), site, "7")
    found = node_labels(made)
    prefix = "akash.network/capabilities.gpu.vendor.nvidia.model."
    assert {k.removeprefix(prefix) for k in found if k.startswith(prefix)} == labels
    assert found["akash.network"] == ("In", ["true"])
    assert pod(made)["runtimeClassName"] == "nvidia"


@pytest.mark.parametrize("runtime_class", ["", "none"])
def test_the_default_runtime_is_not_named(build, lease, site, runtime_class):
    assert "runtimeClassName" not in pod(workload(lease, build.service(), ServicePlan(runtime_class), site, "7"))


def test_pods_should_go_where_the_bid_reckoned_with_them(build, lease, site):
    def wishes(*nodes):
        made = pod(workload(lease, build.service(count=3), ServicePlan(nodes=nodes), site, "7"))
        affinity = made["affinity"]["nodeAffinity"]
        assert "requiredDuringSchedulingIgnoredDuringExecution" in affinity
        wished = affinity.get("preferredDuringSchedulingIgnoredDuringExecution", [])
        assert {w["weight"] for w in wished} <= {100}
        names = [w["preference"]["matchFields"][0]["values"] for w in wished]
        return names, "topologySpreadConstraints" in made

    assert wishes() == ([], False), (
        "nothing decided, nothing added: pods taken over from the reference stay as they are"
    )
    assert wishes("b", "a", "c") == ([["a"], ["b"], ["c"]], False)
    assert wishes("a", "b", "a") == ([["a"], ["b"]], True), "two on one node: the scheduler must not draw them apart"


def test_pods_get_no_token_unless_they_asked_to_read(build, lease, site):
    plain = pod(workload(lease, build.service(), DEFAULT_PLAN, site, "7"))
    assert (plain["automountServiceAccountToken"], plain["serviceAccountName"]) == (False, "")
    assert plain["serviceAccount"] == "", "said, so that an account that is gone does not stay"
    reader = build.service("log", params=Params(None, Permissions(("logs",))))
    found = pod(workload(lease, reader, DEFAULT_PLAN, site, "7"))
    assert (found["automountServiceAccountToken"], found["serviceAccountName"]) == (True, "log")
    assert found["serviceAccount"] == "log"


def test_system_calls_are_filtered_unless_the_site_says_otherwise(build, lease, site):
    made = pod(workload(lease, build.service(), DEFAULT_PLAN, site, "7"))
    assert made["securityContext"] == {"runAsNonRoot": False, "seccompProfile": {"type": "RuntimeDefault"}}
    plain = pod(
        workload(lease, build.service(), DEFAULT_PLAN, replace(site, isolation=Isolation(seccomp_profile="")), "7")
    )
    assert plain["securityContext"] == {"runAsNonRoot": False}


@pytest.mark.parametrize(
    ("card", "resource", "more"),
    [
        pytest.param(
            GpuModel("nvidia", "a100-mig-1g.10gb", "10Gi", "", "nvidia.com/mig-1g.10gb"),
            "nvidia.com/mig-1g.10gb",
            {},
            id="a slice that has a resource of its own",
        ),
        pytest.param(
            GpuModel("nvidia", "a100-mig-1g.10gb", "10Gi"),
            "nvidia.com/gpu",
            {"nvidia.com/mig.strategy": ("In", ["single"])},
            id="a slice by the name of whole cards: never on a node that has both",
        ),
        pytest.param(
            GpuModel("amd", "mi300x-cpx-nps4", "", "", "amd.com/cpx_nps4"), "amd.com/cpx_nps4", {}, id="AMD's partition"
        ),
        pytest.param(GpuModel("intel", "flex170", "16Gi"), "gpu.intel.com/i915", {}, id="Intel's card"),
        pytest.param(GpuModel("nvidia", "a100"), "nvidia.com/gpu", {}, id="a whole card"),
    ],
)
def test_pods_ask_for_the_resource_their_card_is(build, lease, site, card, resource, more):
    service = build.service(resources=build.resources(gpu=2))
    made = workload(lease, service, ServicePlan("", card), site, "7")
    found = node_labels(made)
    asked = pod(made)["containers"][0]["resources"]
    assert {name: n for name, n in asked["requests"].items() if "/" in name} == {resource: "2"}
    assert asked["limits"][resource] == "2"
    assert {key: how for key, how in found.items() if not key.startswith("akash.network")} == more
    assert all(label in found for label in card.labels())


def test_a_label_that_cannot_be_written_is_not_looked_for(build, lease, site):
    """`…interface.sxm` would be too long for Kubernetes, on the node as in the pod."""
    card = GpuModel("nvidia", "a-card-with-a-very-long-nam", "80Gi", "sxm")
    made = workload(lease, build.service(resources=build.resources(gpu=1)), ServicePlan("", card), site, "7")
    assert all(len(key.partition("/")[2]) <= 63 for key in node_labels(made))


def test_taints_that_the_operator_tolerates(build, lease, site):
    assert "tolerations" not in pod(workload(lease, build.service(), DEFAULT_PLAN, site, "7"))
    tolerant = replace(site, tolerations=("nvidia.com/gpu",))
    found = pod(workload(lease, build.service(), DEFAULT_PLAN, tolerant, "7"))
    assert found["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]


def test_a_sandbox_runs_what_has_no_cards_unless_the_plan_says_otherwise(build, lease, site):
    here = replace(site, isolation=Isolation(runtime_class="gvisor"))
    card = GpuModel("amd", "mi300x")

    def runtime(units=0, **plan):
        service = build.service(resources=build.resources(gpu=units))
        return pod(workload(lease, service, ServicePlan(**plan), here, "7")).get("runtimeClassName")

    assert runtime() == "gvisor"
    assert runtime(runtime_class="kata") == "kata"
    assert runtime(runtime_class="none") is None, "said on purpose"
    assert runtime(1, gpu=card) is None
    assert runtime(1, gpu=GpuModel("nvidia", "t4"), runtime_class="nvidia") == "nvidia"
