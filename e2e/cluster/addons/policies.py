"""NetworkPolicies enforced, for as long as a test wants them to be: sigs.k8s.io/kube-network-policies as a pod.

It judges the first packet of each connection, which the kernel hands to it by a queue. It would fill the queue by
nftables itself, but not every kernel can; so rules of iptables do. They also see what stays on the pods' bridge.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.cluster.addons.ground import Ground, reader
from e2e.cluster.cluster import Cluster
from e2e.cluster.images import Image
from e2e.cluster.processes import PATIENCE_S

NAMESPACE, NAME = "kube-system", "kube-network-policies"
IMAGE = "docker.io/library/kube-network-policies:1"
_QUEUE = "100"
_NEW = ("-m", "conntrack", "--ctstate", "NEW", "-j", "NFQUEUE", "--queue-num", _QUEUE)
_RULES = (("FORWARD", *_NEW), ("INPUT", "-i", "pods", *_NEW))
"""To other pods and the world; to the node itself."""


def start(ground: Ground) -> None:
    """Only what it needs: nothing is judged yet."""
    ground.cluster.load(
        Image(IMAGE, ["/kube-network-policies"], {"kube-network-policies": ground.program.read_bytes()})
    )
    ground.apply(*_rights())


@contextmanager
def enforced(cluster: Cluster) -> Iterator[None]:
    Ground(cluster, Path()).apply(_pod())
    try:
        cluster.kubectl("wait", "-n", NAMESPACE, f"pod/{NAME}", "--for=condition=Ready", f"--timeout={PATIENCE_S:.0f}s")
        _await_reader(cluster)
        for rule in _RULES:
            _iptables(cluster, "-I", *rule)
        yield
    finally:
        for rule in _RULES:
            _iptables(cluster, "-D", *rule, check=False)
        cluster.kubectl("delete", "-n", NAMESPACE, f"pod/{NAME}")


def _await_reader(cluster: Cluster) -> None:
    """A queue that nobody reads drops everything."""
    deadline = time.monotonic() + PATIENCE_S
    command = [*cluster.inside(), "cat", "/proc/self/net/netfilter/nfnetlink_queue"]
    while True:
        queues = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        if any(line.split()[0] == _QUEUE for line in queues):
            return
        if time.monotonic() > deadline:
            said = cluster.kubectl("logs", "-n", NAMESPACE, f"pod/{NAME}", "--tail=12", check=False)
            raise RuntimeError(f"nobody reads the queue of packets: {said}")
        time.sleep(0.1)


def _iptables(cluster: Cluster, *arguments: str, check: bool = True) -> None:
    done = subprocess.run(
        [*cluster.inside(), "iptables", "-w", *arguments], capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise RuntimeError(f"iptables {' '.join(arguments)}: {done.stderr.strip()}")


def _rights() -> list[dict[str, object]]:
    watched = [
        {"apiGroups": [""], "resources": ["pods", "namespaces", "nodes"], "verbs": ["list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["list", "watch"]},
    ]
    return reader(NAME, NAMESPACE, watched)


def _pod() -> dict[str, object]:
    container = {
        "name": "judge",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": ["--hostname-override=node1", f"--nfqueue-id={_QUEUE}", "--disable-nri"],
        "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "hostNetwork": True,
            "serviceAccountName": NAME,
            "terminationGracePeriodSeconds": 5,
            "containers": [container],
        },
    }
