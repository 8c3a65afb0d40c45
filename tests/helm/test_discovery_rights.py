"""What the account of discovery may do on a real API server: label its own node with what it found, and nothing else.

Its role lets it patch every node, since a role can say no less; the rest is the chart's admission policy, which is
tried here with the token that a pod on that node has.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.asked import Noted
from e2e.cluster import Cluster, ClusterError
from provider.cluster.api.kinds import NODE
from provider.cluster.api.kube import Kube
from provider.cluster.discovery.announce import announce
from provider.cluster.discovery.due import MANAGER
from provider.errors import Refused
from provider.settings import ClusterSettings
from tests.helm.accounts import HOME, kubeconfig_of

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("lease namespace")]
ACCOUNT = "provider-akash-provider-discovery"
WHO = f"system:serviceaccount:{HOME}:{ACCOUNT}"
HERE, ELSEWHERE = "discovered-1", "discovered-2"
LABEL = "discovery.akash.network/pci-10de_2330"


@pytest.fixture(scope="module")
def rendered(objects) -> list[dict[str, Any]]:
    found = objects("minimal", "--set", "discovery.enabled=true")
    return [obj for (kind, name), obj in found.items() if name.endswith(ACCOUNT) and kind != "DaemonSet"]


@pytest.fixture(scope="module")
def cluster(real_cluster: Cluster, rendered):
    """With two nodes that nothing runs on, and the name of a pod on one of them."""
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in (HERE, ELSEWHERE)]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": HERE, "namespace": HOME},
        "spec": {
            "nodeName": HERE,
            "serviceAccountName": ACCOUNT,
            "containers": [{"name": "a", "image": "a"}],
            "tolerations": [{"operator": "Exists"}],  # that nothing is heard of its node does not end it
        },
    }
    made = [home, *nodes, *rendered, pod]
    text = yaml.dump_all(made, Dumper=yaml.SafeDumper)
    real_cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
    _await_policy(real_cluster)
    yield real_cluster
    left = yaml.dump_all([*rendered, *nodes, pod], Dumper=yaml.SafeDumper)
    hurry = ("--wait=false", "--grace-period=0", "--force", "--ignore-not-found")
    real_cluster.kubectl("delete", *hurry, "-f", "-", stdin=left)


def _await_policy(cluster: Cluster) -> None:
    """The API server takes a moment until it heeds a new one."""
    for _ in range(1500):
        try:
            cluster.kubectl("label", "node", ELSEWHERE, "a=b", "--dry-run=server", "--as", WHO)
        except ClusterError as no:
            if "and no other" in str(no):
                return
        time.sleep(0.2)
    raise AssertionError("the policy is not heeded")


@pytest.fixture
async def kube(cluster: Cluster, tmp_path: Path):
    """As the pod on that node."""
    on_it = ("--bound-object-kind", "Pod", "--bound-object-name", HERE)
    kubeconfig = kubeconfig_of(cluster, ACCOUNT, tmp_path / "account", *on_it)
    async with Noted.connect(ClusterSettings(kubeconfig=kubeconfig)) as kube:
        yield kube


async def test_it_needs_each_right_it_has_and_no_other(kube: Noted, rendered: list[dict[str, Any]]) -> None:
    assert await announce(kube, HERE, {LABEL: "8"})
    assert not await announce(kube, HERE, {LABEL: "8"})
    assert await announce(kube, HERE, {})
    assert {one.status for one in kube.asked} == {200}
    (role,) = (obj for obj in rendered if obj["kind"] == "ClusterRole")
    given = [(rule["apiGroups"], rule["resources"], set(rule["verbs"])) for rule in role["rules"]]
    assert given == [([""], ["nodes"], {verb for one in kube.asked for verb in one.verbs})]


@pytest.mark.parametrize(
    ("node", "metadata", "says"),
    [
        pytest.param(ELSEWHERE, {"labels": {LABEL: "8"}}, "the node it runs on and no other", id="another node"),
        pytest.param(HERE, {"labels": {"akash.network": "true"}}, "labels that begin with", id="another label"),
        pytest.param(HERE, {"annotations": {"a": "b"}}, "nothing of a node but labels", id="an annotation"),
        pytest.param(HERE, {"finalizers": ["a.b/c"]}, "nothing of a node but labels", id="a finalizer"),
        pytest.param(
            HERE,
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "none", "uid": "1"}]},
            "nothing of a node but labels",
            id="an owner, by which it would be deleted",
        ),
    ],
)
async def test_its_token_is_of_no_use_for_anything_else(
    kube: Kube, node: str, metadata: dict[str, Any], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        await kube.apply(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node, **metadata}}, manager=MANAGER, force=False
        )


async def test_it_cannot_cordon_its_node_nor_take_a_label_from_it(kube: Kube, cluster: Cluster) -> None:
    cluster.kubectl("label", "node", HERE, "example.com/theirs=yes", "--overwrite")
    with pytest.raises(Refused, match="nothing of a node but labels"):
        await kube.patch(NODE, None, HERE, {"spec": {"unschedulable": True}})
    with pytest.raises(Refused, match="labels that begin with"):
        await kube.patch(NODE, None, HERE, {"metadata": {"labels": {"example.com/theirs": None}}})


async def test_a_token_that_is_bound_to_no_node_labels_none(cluster: Cluster, tmp_path: Path) -> None:
    settings = ClusterSettings(kubeconfig=kubeconfig_of(cluster, ACCOUNT, tmp_path / "account"))
    async with Kube.connect(settings) as kube:
        with pytest.raises(Refused, match="the node it runs on and no other"):
            await announce(kube, HERE, {LABEL: "8"})


async def test_others_may_do_as_before(cluster: Cluster) -> None:
    cluster.kubectl("annotate", "node", ELSEWHERE, "example.com/a=b", "--overwrite")
    found = json.loads(cluster.kubectl("get", "node", ELSEWHERE, "-o", "json"))
    assert found["metadata"]["annotations"]["example.com/a"] == "b"


@pytest.mark.parametrize("right", [("list", "nodes"), ("delete", "nodes"), ("get", "secrets"), ("create", "pods")])
def test_it_may_not(cluster: Cluster, right: tuple[str, str]) -> None:
    assert cluster.kubectl("auth", "can-i", *right, "--as", WHO, check=False).strip() == "no"
