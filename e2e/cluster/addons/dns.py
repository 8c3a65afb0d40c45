"""Names of Services: CoreDNS as a pod behind the address that kubelet writes into every pod's resolv.conf."""

from __future__ import annotations

from e2e.cluster.addons.ground import Ground, reader
from e2e.cluster.images import Image

NAMESPACE, NAME = "kube-system", "kube-dns"
IMAGE = "docker.io/library/coredns:1"
_COREFILE = """.:53 {
    errors
    ready
    kubernetes cluster.local in-addr.arpa {
        pods insecure
    }
}
"""
_LABELS = {"k8s-app": "kube-dns"}


def start(ground: Ground) -> None:
    ground.cluster.load(
        Image(IMAGE, ["/coredns", "-conf", "/etc/Corefile"], {
            "coredns": ground.program.read_bytes(), "etc/Corefile": _COREFILE.encode(),
        })
    )  # fmt: skip
    ground.apply(*_rights(), _deployment(), _service(ground.cluster.network.dns))
    ground.cluster.kubectl("rollout", "status", "-n", NAMESPACE, f"deployment/{NAME}", "--timeout=600s")


def _rights() -> list[dict[str, object]]:
    watched = [
        {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    return reader(NAME, NAMESPACE, watched)


def _deployment() -> dict[str, object]:
    container = {
        "name": "coredns",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
    }
    pod = {"serviceAccountName": NAME, "dnsPolicy": "Default", "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": _LABELS},
            "template": {"metadata": {"labels": _LABELS}, "spec": pod},
        },
    }


def _service(address: str) -> dict[str, object]:
    ports = [{"name": f"dns-{protocol.lower()}", "port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"clusterIP": address, "selector": _LABELS, "ports": ports},
    }
