"""Addresses for Services of type LoadBalancer: MetalLB's controller gives them from a pool.

Its speaker, which tells a network where an address is, is not needed: the host routes the whole pool to the node,
where kube-proxy knows each address as soon as the Service has it.
"""

from __future__ import annotations

import yaml

from e2e.cluster import build, controlplane
from e2e.cluster.addons.ground import Ground, namespace

NAMESPACE, POOL = "metallb-system", "default"


def start(ground: Ground) -> None:
    bases = build.source("metallb", "go.universe.tf/metallb") / "config" / "crd" / "bases"
    ground.define(*(yaml.safe_load(file.read_text()) for file in sorted(bases.glob("*.yaml"))))
    ground.apply(namespace(NAMESPACE), _pool(ground.cluster.network.leased))
    (metrics,) = controlplane.free_ports("127.0.0.1", 1)
    ground.start(
        "metallb",
        [
            str(ground.program), f"--kubeconfig={ground.cluster.kubeconfig}", f"--namespace={NAMESPACE}",
            f"--port={metrics}", "--webhook-mode=disabled", "--disable-cert-rotation", "--ml-secret-name=",
        ],
    )  # fmt: skip


def _pool(addresses: str) -> dict[str, object]:
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": POOL, "namespace": NAMESPACE},
        "spec": {"addresses": [addresses]},
    }
