"""The chart's rights on a real API server: enough for a lease's whole life, and not for more."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from e2e.cluster import ClusterError
from manifests.render.crd import definitions
from tests.helm.accounts import ONE_OF_EACH_BINDING, await_rights

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("lease namespace")]
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "render"
AS_DAEMON = ("--as", "system:serviceaccount:akash-services:provider-akash-provider")
KINDS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@pytest.fixture(scope="module")
def cluster(real_cluster, objects):
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "akash-services"}}
    rights = [o for (kind, _), o in objects("minimal").items() if kind in KINDS]
    text = yaml.dump_all([home, *rights, *definitions()], Dumper=yaml.SafeDumper)
    real_cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
    real_cluster.await_served(*(d["metadata"]["name"] for d in definitions()))
    await_rights(real_cluster, AS_DAEMON, *ONE_OF_EACH_BINDING)
    return real_cluster


def test_the_daemon_may_apply_a_lease_and_take_it_away(cluster):
    text = (GOLDEN / "everything.yaml").read_text().replace("akash1owner", "akash1rights")
    text = text.replace("grbtlkh44jjias20qcv6gouplp4c6i9hr6t2af28hdsqs", "rights-of-the-chart")
    text = text.replace("a.example.com", "rights.example.com").replace("f4hda8nk11ccj27s3g7t401ok0", "rights")
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager", "akash-provider", "-f", "-")
    cluster.kubectl(*apply, *AS_DAEMON, stdin=text)
    cluster.kubectl(*apply, *AS_DAEMON, stdin=text)
    cluster.kubectl("delete", "--wait=false", "--ignore-not-found", "-f", "-", *AS_DAEMON, stdin=text)


@pytest.mark.parametrize("resource", ["deployments.apps", "statefulsets.apps"])
def test_the_daemon_may_replace_a_template_that_it_takes_over(cluster, resource):
    cluster.kubectl("auth", "can-i", "update", resource, "--namespace", "lease", *AS_DAEMON)


@pytest.mark.parametrize(
    ("verb", "resource", "where"),
    [
        ("create", "pods", "lease"),
        ("delete", "nodes", None),
        ("create", "clusterrolebindings", None),
        ("update", "customresourcedefinitions", None),
        ("get", "configmaps", "kube-system"),
        ("list", "endpointslices", "kube-system"),
        ("create", "manifests.akash.network", "elsewhere"),
    ],
)
def test_the_daemon_may_not(cluster, verb, resource, where):
    place = ("--namespace", where) if where else ()
    with pytest.raises(ClusterError):
        cluster.kubectl("auth", "can-i", verb, resource, *place, *AS_DAEMON)


def test_the_daemon_cannot_give_a_right_it_does_not_have(cluster):
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "more", "namespace": "lease"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
    }
    with pytest.raises(ClusterError, match="attempting to grant RBAC permissions not currently held"):
        cluster.kubectl("create", "-f", "-", *AS_DAEMON, stdin=yaml.safe_dump(role))
