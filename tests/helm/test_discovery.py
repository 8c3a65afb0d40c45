"""The chart's DaemonSet that names cards where no labeller does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer.main
import yaml

from provider.cli import discover
from provider.cluster.inventory.discovered import PREFIX
from provider.cluster.inventory.gpulabels import told
from provider.cluster.inventory.gputable import bundled

NODES = Path(__file__).resolve().parents[1] / "provider" / "cluster" / "nodes"
NAME = "provider-akash-provider-discovery"
ON = ("--set", "discovery.enabled=true")
RESOURCES = ("nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915")


@pytest.fixture(scope="module")
def pod(objects):
    """As the chart's own values have it."""
    return objects("minimal", *ON)["DaemonSet", f"akash-services/{NAME}"]["spec"]["template"]


def test_nobody_gets_it_unasked(objects):
    assert not [name for kind, name in objects("minimal") if "discovery" in name or kind == "DaemonSet"]


def test_without_rights_of_the_chart_only_the_pod_and_its_account_are_made(objects):
    made = objects("minimal", *ON, "--set", "rbac.create=false").keys() - objects("minimal").keys()
    assert {kind for kind, name in made if name.endswith(NAME)} == {"DaemonSet", "ServiceAccount"}


def test_what_it_renders_on_the_oldest_kubernetes_leaves_out_the_policy_that_this_does_not_know(objects):
    kinds = {kind for kind, _ in objects("minimal", *ON, "--kube-version", "1.29.0")}
    assert "ClusterRole" in kinds
    assert not {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"} & kinds


def test_it_runs_with_nothing_but_two_folders_to_read(pod):
    spec = pod["spec"]
    (box,) = spec["containers"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & spec.keys()
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 10001)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert box["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount["readOnly"] for mount in box["volumeMounts"])
    assert [volume["hostPath"]["path"] for volume in spec["volumes"]] == ["/sys/bus", "/sys/devices"]


def test_its_command_is_one_that_the_image_understands(pod):
    (box,) = pod["spec"]["containers"]
    noun, *flags = box["args"]
    assert noun == "discover"
    (given,) = box["env"]
    assert (given["name"], given["valueFrom"]) == ("NODE_NAME", {"fieldRef": {"fieldPath": "spec.nodeName"}})
    command = typer.main.get_command(discover.app)
    read = command.make_context("akp discover", list(flags)).params
    assert (str(read["sys"]), read["every"]) == ("/host/sys", 60)
    assert {mount["mountPath"].rpartition("/")[0] for mount in box["volumeMounts"]} == {str(read["sys"])}


def test_the_daemons_services_do_not_find_its_pods(objects, pod):
    for (kind, _), obj in objects("minimal", *ON).items():
        if kind == "Service":
            assert not obj["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize("file", sorted(path.stem for path in NODES.glob("*.json")))
def test_it_stays_away_from_nodes_whose_labeller_names_the_cards(pod, file):
    labels = json.loads((NODES / f"{file}.json").read_text())["metadata"]["labels"]
    required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    assert {one["operator"] for one in term["matchExpressions"]} == {"DoesNotExist"}
    stays_away = any(one["key"] in labels for one in term["matchExpressions"])
    heard = [told(labels, resource, 8, bundled()) for resource in RESOURCES]
    assert stays_away == any(one.product or one.why_not for one in heard)


def test_the_policy_names_the_labels_that_are_written(objects):
    policy = objects("minimal", *ON)["ValidatingAdmissionPolicy", f"/akash-services-{NAME}"]
    assert f'startsWith("{PREFIX}")' in yaml.safe_dump(policy, width=1000)


@pytest.mark.parametrize(
    ("flag", "told"),
    [("discovery.every=60", "every"), ("discovery.everySeconds=0", "everySeconds"), ("discovery.enabled=1", "enabled")],
)
def test_a_mistake_is_told_before_anything_is_installed(template, flag, told):
    with pytest.raises(ValueError, match=told):
        template("minimal", "--set", flag)
