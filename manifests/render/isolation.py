"""What keeps a lease's pods within bounds besides NetworkPolicies: the site's choices, and what of them a pod says.

All of it is on by default and breaks no ordinary image (docs/isolation.md says what each does and whom it may hurt).
Much of it is said in pods' templates, so a daemon that starts with other settings restarts the pods of all leases, one
by one. Pods taken over from other software are left as they run until their tenant sends a manifest
(provider/cluster/objects/adopt.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

NVIDIA_CHOOSES = (
    "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_MIG_CONFIG_DEVICES",
    "NVIDIA_MIG_MONITOR_DEVICES",
    "NVIDIA_IMEX_CHANNELS",
)
"""Variables by which NVIDIA's container runtime is told which cards of the node to hand in. The device plugin says it
for a pod that bought cards; a tenant who says `all` would have every card of the node, those of other leases included.
"""

AMD_CHOOSES = ("AMD_VISIBLE_DEVICES",)
"""The same, where AMD's container runtime is the default of all containers."""


@dataclass(frozen=True, slots=True)
class Isolation:
    seccomp_profile: str = "RuntimeDefault"
    """Type of the pods' seccomp profile; "" sets none."""
    drop_capabilities: tuple[str, ...] = ("MKNOD", "NET_RAW")
    """Capabilities taken from containers: raw packets forge addresses on a shared network; device files are of no use
    in a container. CRI-O gives neither, so ordinary images do without."""
    pod_security: str = "baseline"
    """Pod Security level that the API server enforces in lease namespaces: a second look at what is rendered; "" asks
    for none."""
    runtime_class: str = ""
    """RuntimeClass of pods without GPUs whose plan names none: a sandbox such as gVisor or Kata."""
    closed_ports: tuple[int, ...] = (25,)
    """TCP ports that no lease reaches outside of the cluster."""
    closed_networks: tuple[str, ...] = ()
    open_networks: tuple[str, ...] = ()
    """Networks (CIDR) closed to leases besides those that always are, and opened although they are closed."""
    max_connections: int = 10_000
    """Connections a pod may have open to others at a time, where the CNI is Calico; 0 sets no limit."""
    ingress_bandwidth: str = ""
    egress_bandwidth: str = ""
    """Bits per second of a pod, as a quantity such as 200M, where the CNI has the bandwidth plugin."""
    unbought_disk_bytes: int = 1 << 30
    """What a service that bought no disk may write to its container's own; 0 sets no limit."""
    hide_gpus: bool = True
    """Only the device plugin says which cards a container gets."""
    nvidia_runtime_for_all: bool = False
    """NVIDIA's runtime starts every container of the cluster: those without cards are told that they have none, since
    many an image asks for all."""


def namespace_labels(isolation: Isolation) -> dict[str, str]:
    level = isolation.pod_security
    return {"pod-security.kubernetes.io/enforce": level} if level else {}


def pod_security(isolation: Isolation) -> dict[str, Any]:
    profile = isolation.seccomp_profile
    return {"seccompProfile": {"type": profile}} if profile else {}


def container_security(isolation: Isolation) -> dict[str, Any]:
    dropped = sorted(isolation.drop_capabilities)
    return {"capabilities": {"drop": dropped}} if dropped else {}


def pod_annotations(isolation: Isolation) -> dict[str, str]:
    """For the cluster's network; a CNI that does not know them ignores them."""
    out = {
        "kubernetes.io/ingress-bandwidth": isolation.ingress_bandwidth,
        "kubernetes.io/egress-bandwidth": isolation.egress_bandwidth,
        "qos.projectcalico.org/egressMaxConnections": str(isolation.max_connections or ""),
    }
    return {key: value for key, value in out.items() if value}


def own_variables(given: Iterable[str], gpus: int, isolation: Isolation) -> tuple[list[str], dict[str, str]]:
    """The tenant's `NAME=value` entries without those that choose cards, and what is said in their place."""
    if not isolation.hide_gpus:
        return list(given), {}
    kept = [entry for entry in given if entry.partition("=")[0] not in (*NVIDIA_CHOOSES, *AMD_CHOOSES)]
    return kept, {NVIDIA_CHOOSES[0]: "void"} if isolation.nvidia_runtime_for_all and not gpus else {}
