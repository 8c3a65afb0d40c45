"""What hands change of a lease on a real API server is noticed, and undone by deploying it again: only it knows what
apply leaves of somebody else's fields.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Credentials, ManifestGroup, Params, Permissions
from manifests.render.crd import definitions
from provider.cluster.api.kinds import DEPLOYMENT
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.market.leases.conditions import conditions
from provider.settings import ClusterSettings
from tests.provider.cluster.following import following

from .reached import until
from .samples import SSH, WEB

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("lease namespace")]

LEASE = LeaseID("akash1hands", 1, 1, 1, "akash1provider")
NS = lease_namespace(LEASE)
PERMITTED = replace(WEB, params=Params((), permissions=Permissions(("logs",))), expose=(SSH,))
GROUP = ManifestGroup("west", (replace(PERMITTED, credentials=Credentials("r.example", "", "user", "word")),))
WIDER = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
MORE_PORTS = [{"op": "add", "path": "/spec/ports/-", "value": {"name": "more", "port": 9999}}]


@pytest.fixture
async def cluster(real_cluster: Any) -> AsyncIterator[Cluster]:
    base = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lease"}}, *definitions()]
    real_cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump_all(base))
    real_cluster.await_served(*(d["metadata"]["name"] for d in definitions()))
    given = ClusterSettings(kubeconfig=real_cluster.kubeconfig, static_hosts=False)
    async with Kube.connect(given) as kube, following(kube, given) as found:
        await found.store_manifest(LEASE, GROUP, {})
        await found.deploy(LEASE, GROUP, {}, "1")
        await until(lambda: found.amiss(LEASE) == "")
        yield found
        await found.teardown(LEASE)
        await until(lambda: LEASE not in found.namespaces())
        assert await found.teardown(LEASE)


async def test_each_is_noticed_and_undone(real_cluster: Any, cluster: Cluster) -> None:
    def kubectl(*words: str) -> str:
        return str(real_cluster.kubectl("-n", NS, *words))

    def patch(kind: str, name: str, change: Any, how: str = "merge") -> None:
        kubectl("patch", kind, name, "--type", how, "-p", json.dumps(change))

    def said() -> dict[str, Any]:
        """All that stands there, but for what the API server counts and who wrote it."""
        kinds = "namespace/" + NS, "role,rolebinding,serviceaccount,secret,poddisruptionbudget,service,networkpolicy"
        found = json.loads(kubectl("get", kinds[0], "-o", "json"))
        lists = json.loads(kubectl("get", kinds[1], "-l", "akash.network=true", "-o", "json"))["items"]
        out = {}
        for obj in [found, *lists]:
            rest = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
            addresses = {"clusterIP", "clusterIPs"}
            if obj["kind"] == "Service":
                rest["spec"] = {key: value for key, value in obj["spec"].items() if key not in addresses}
            if obj["kind"] != "Namespace":
                out[obj["kind"], obj["metadata"]["name"]] = rest
            else:
                out["Namespace", NS] = obj["metadata"]["labels"]
        return out

    hands = {
        "services/web-np was changed": lambda: patch("service", "web-np", {"spec": {"selector": {"a": "b"}}}),
        "services/web-np was changed ": lambda: patch("service", "web-np", MORE_PORTS, "json"),
        "services/web-np was changed  ": lambda: patch("service", "web-np", {"spec": {"externalIPs": ["192.0.2.1"]}}),
        "services/web-np was deleted": lambda: kubectl("delete", "service", "web-np"),
        "roles.rbac.authorization.k8s.io/web was changed": lambda: patch("role", "web", {"rules": WIDER}),
        "roles.rbac.authorization.k8s.io/web was deleted": lambda: kubectl("delete", "role", "web"),
        "rolebindings.rbac.authorization.k8s.io/web was deleted": lambda: kubectl("delete", "rolebinding", "web"),
        "serviceaccounts/web was deleted": lambda: kubectl("delete", "serviceaccount", "web"),
        "secrets/docker-creds-web was deleted": lambda: kubectl("delete", "secret", "docker-creds-web"),
        "poddisruptionbudgets.policy/web was deleted": lambda: kubectl("delete", "poddisruptionbudget", "web"),
        f"namespaces/{NS} was changed": lambda: kubectl(
            "label", "namespace", NS, "pod-security.kubernetes.io/enforce=privileged", "--overwrite"
        ),
        "networkpolicies.networking.k8s.io/akash-web-np was changed": lambda: patch(
            "networkpolicy", "akash-web-np", {"spec": {"ingress": [{}]}}
        ),
    }
    before = said()
    for what, change in hands.items():
        change()
        await until(lambda what=what: cluster.amiss(LEASE) == what.strip())
        await cluster.deploy(LEASE, GROUP, {}, "1")
        await until(lambda: cluster.amiss(LEASE) == "")
        after = said()
        if "services/web-np was deleted" in what:  # a new one has another node port
            before["Service", "web-np"] = after["Service", "web-np"]
        assert after == before, what


async def test_what_controllers_write_is_nobodys_hand(real_cluster: Any, cluster: Cluster) -> None:
    def kubectl(*words: str) -> None:
        real_cluster.kubectl("-n", NS, *words)

    kubectl("label", "namespace", NS, "field.example.com/project=p-1")
    kubectl("annotate", "service", "web-np", "example.com/seen=1")
    kubectl("patch", "serviceaccount", "web", "-p", '{"imagePullSecrets":[{"name":"x"}]}')
    kubectl("patch", "role", "web", "-p", '{"metadata":{"annotations":{"a":"b"}}}')
    kubectl("delete", "poddisruptionbudget", "web")
    await until(lambda: cluster.amiss(LEASE) == "poddisruptionbudgets.policy/web was deleted")
    await cluster.deploy(LEASE, GROUP, {}, "1")
    await until(lambda: cluster.amiss(LEASE) == "")


async def test_what_a_hand_adds_to_a_pod_template_and_weakens_containment_is_taken_out_and_all_else_stays(
    real_cluster: Any, cluster: Cluster
) -> None:
    async def template() -> Any:
        return (await cluster.kube.get(DEPLOYMENT, NS, "web"))["spec"]["template"]

    def patch(change: Any, how: str) -> None:
        real_cluster.kubectl("-n", NS, "patch", "deployment", "web", "--type", how, "-p", json.dumps(change))

    wanted = await template()
    volume = {"name": "h", "hostPath": {"path": "/"}}
    spec = {"hostNetwork": True, "hostPID": True, "volumes": [volume]}
    stays = {"nodeSelector": {"a": "b"}}
    patch({"spec": {"template": {"spec": spec | stays}}}, "strategic")
    where = "/spec/template/spec/containers/0/securityContext/capabilities/add"
    patch([{"op": "add", "path": where, "value": ["SYS_ADMIN"]}], "json")
    await until(lambda: cluster.amiss(LEASE) == "deployments.apps/web was changed")
    await cluster.deploy(LEASE, GROUP, {}, "1")
    wanted["spec"] |= stays
    assert await template() == wanted
    await until(lambda: cluster.amiss(LEASE) == "")

    defaults = {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always"}
    metadata = {"name": "web", "namespace": NS}
    same = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}
    copied = {**same, "spec": {"template": {"spec": defaults}}}
    await cluster.kube.apply(copied, manager="somebody")
    before = (await cluster.kube.get(DEPLOYMENT, NS, "web"))["metadata"]["generation"]
    await cluster.deploy(LEASE, GROUP, {}, "1")
    after = (await cluster.kube.get(DEPLOYMENT, NS, "web"))["metadata"]["generation"]
    assert (await template(), after) == (wanted, before), "who only says what is so by default has added nothing"


async def test_policies_read_back_as_they_were_rendered_and_an_edit_is_told(
    real_cluster: Any, cluster: Cluster
) -> None:
    def isolated() -> tuple[str, str]:
        found = next(c for c in conditions(cluster.facts(LEASE)) if c.type == "Isolated")
        return found.status, found.reason

    await until(lambda: isolated() == ("True", "PoliciesApplied"))
    shut = {"spec": {"ingress": [{}]}}
    real_cluster.kubectl(
        "-n", NS, "patch", "networkpolicy", "akash-deployment-restrictions", "--type", "merge", "-p", json.dumps(shut)
    )
    await until(lambda: isolated() == ("False", "Changed"))
    await until(lambda: cluster.unshielded(LEASE) != "")
    await cluster.shield(LEASE, GROUP, {}, "1")
    await until(lambda: isolated() == ("True", "PoliciesApplied") and not cluster.unshielded(LEASE))
