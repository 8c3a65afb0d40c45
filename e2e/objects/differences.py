"""Everything that we render otherwise than the Go provider does, on purpose: one row each, with its reason.

A row names kinds and a path of compare.py (`*` stands for anything) and, where it can, what each side says. Rows of
`ROWS` are each needed by some recorded case, else the comparison of all of them fails; those of `BEYOND` are for what a
manifest may ask that no recording has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.objects.compare import ABSENT, Difference
from manifests.render.isolation import Isolation, container_security, namespace_labels, pod_annotations, pod_security
from manifests.units import parse_quantity

ANYTHING = "anything"
_WORKLOAD = ("Deployment", "StatefulSet")
_POD = "spec.template.spec"
_BOX = f"{_POD}.containers[*]"
_SHUT = Isolation()
(_ENFORCED,) = namespace_labels(_SHUT).items()
(_ANNOTATED,) = pod_annotations(_SHUT).items()

Check = Callable[[Difference, Sequence[Difference]], bool]
"""Whether a difference is the row's, among all of the same object."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    kinds: tuple[str, ...]
    path: str
    why: str
    theirs: Any = ANYTHING
    ours: Any = ANYTHING
    check: Check | None = None

    def allows(self, found: Difference, others: Sequence[Difference]) -> bool:
        return (
            (found.kind in self.kinds or "*" in self.kinds)
            and _matches(self.path, found.path)
            and self.theirs in (ANYTHING, found.theirs)
            and self.ours in (ANYTHING, found.ours)
            and (self.check is None or self.check(found, others))
        )

    def __str__(self) -> str:
        return f"{'|'.join(self.kinds)} {self.path or '(the object)'}: {self.why}"


def row_for(found: Difference, others: Sequence[Difference], rows: Iterable[Row]) -> Row | None:
    return next((row for row in rows if row.allows(found, others)), None)


def _matches(pattern: str, path: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), path) is not None


def _told_as_tcp(found: Difference, others: Sequence[Difference]) -> bool:
    """A port that only they list as TCP and only we list as UDP."""
    number = found.path.rpartition("[")[2].partition("/")[0]
    ours = re.compile(rf".*\.ports\[{number}/UDP\]")
    return any(other.theirs == ABSENT and ours.fullmatch(other.path) for other in others)


def _overcommitted(found: Difference, others: Sequence[Difference]) -> bool:
    """Less is reserved than they reserve, and than we sell."""
    name = found.path.partition("containers[")[2].partition("]")[0]
    (box,) = [box for box in found.whole["spec"]["template"]["spec"]["containers"] if box["name"] == name]
    sold = box["resources"]["limits"][found.path.rpartition(".")[2]]
    return parse_quantity(found.ours) < min(parse_quantity(found.theirs), parse_quantity(sold))


def _in_memory(found: Difference, others: Sequence[Difference]) -> bool:
    volumes = found.whole["spec"]["template"]["spec"].get("volumes", [])
    return _more(found, others) and any(v.get("emptyDir", {}).get("medium") == "Memory" for v in volumes)


def _more(found: Difference, others: Sequence[Difference]) -> bool:
    return ABSENT not in (found.ours, found.theirs) and parse_quantity(found.ours) > parse_quantity(found.theirs)


ROWS: tuple[Row, ...] = (
    # --- labels and annotations
    Row(
        ("Deployment", "StatefulSet", "Service", "NetworkPolicy", "Secret"),
        "metadata.labels.akash.network/lease.id.*",
        "the lease's id is on every object of it, so that one selector finds them all",
        theirs=ABSENT,
    ),
    Row(
        ("*",),
        "metadata.labels.akash.network/manifest.resource.version",
        "a revision is a digest of the manifest, not the height at which it was sent: same manifest, same revision",
    ),
    Row(
        _WORKLOAD,
        "spec.template.metadata.labels.akash.network/manifest.resource.version",
        "pods do not say the revision, so that a service that did not change does not restart (kubernetes.md §9.1 #8)",
        ours=ABSENT,
    ),
    Row(
        ("ProviderHost",),
        "metadata.annotations.akash.network/lease.updated_at",
        "rendering knows no clock, and nothing here reads it",
        ours=ABSENT,
    ),
    # --- containment; where it is in pods' templates, workloads taken over are left without until their tenant sends a
    #     manifest (provider/cluster/objects/adopt.py)
    Row(
        ("Namespace",),
        f"metadata.labels.{_ENFORCED[0]}",
        "the API server looks at lease's pods a second time",
        theirs=ABSENT,
        ours=_ENFORCED[1],
    ),
    Row(
        _WORKLOAD,
        f"{_POD}.securityContext.seccompProfile",
        "tenants do not get the whole table of system calls",
        theirs=ABSENT,
        ours=pod_security(_SHUT)["seccompProfile"],
    ),
    Row(
        _WORKLOAD,
        f"{_BOX}.securityContext.capabilities",
        "no raw packets, which forge addresses, and no device files",
        theirs=ABSENT,
        ours=container_security(_SHUT)["capabilities"],
    ),
    Row(
        _WORKLOAD,
        f"spec.template.metadata.annotations.{_ANNOTATED[0]}",
        "floods and scans end at a bound where the network is Calico",
        theirs=ABSENT,
        ours=_ANNOTATED[1],
    ),
    Row(
        ("NetworkPolicy",),
        "spec.egress[2].to[0].ipBlock.except[*]",
        "metadata services, overlays, multicast and the node itself are not for tenants (kubernetes.md §8.2)",
        theirs=ABSENT,
    ),
    Row(
        ("NetworkPolicy",),
        "spec.egress[1].to[*]",
        "link-local addresses are shut, those of node-local DNS caches excepted",
        theirs=ABSENT,
    ),
    Row(
        ("NetworkPolicy",),
        "spec.egress[2].ports",
        "no mail from leases: TCP port 25 is shut",
        theirs=ABSENT,
    ),
    # --- defects that are not repeated
    Row(
        _WORKLOAD,
        f"{_BOX}.ports[*#*]",
        "each container port once: server-side apply takes no duplicates",
        ours=ABSENT,
    ),
    Row(
        _WORKLOAD,
        f"{_BOX}.ports[*/TCP]",
        "a UDP port is told as UDP",
        ours=ABSENT,
        check=_told_as_tcp,
    ),
    Row(_WORKLOAD, f"{_BOX}.ports[*/UDP]", "a UDP port is told as UDP", theirs=ABSENT),
    Row(
        ("Service",),
        "spec.ports[*/UDP]",
        "53/UDP stands beside 53/TCP; the reference keeps the first of them (kubernetes.md §2.12)",
        theirs=ABSENT,
    ),
    Row(
        _WORKLOAD,
        f"{_BOX}.resources.requests.*",
        "over-commit is a true percentage; the reference rounds it down to whole hundreds (kubernetes.md §2.8)",
        check=_overcommitted,
    ),
    Row(
        _WORKLOAD,
        f"{_POD}.affinity.*.matchExpressions[akash.network/capabilities.gpu.*]",
        "D9: pods are tied to the whole card the bid promised, its memory and interface too (kubernetes.md §2.9)",
        theirs=ABSENT,
    ),
    Row(
        ("Manifest",),
        "spec.group.services[*].scheduler_params.resources.gpu.*",
        "D9: so the whole card is kept",
        theirs="",
    ),
    Row(
        ("Service",),
        "spec.allocateLoadBalancerNodePorts",
        "no second way in to leased addresses; MetalLB needs no node ports",
        theirs=True,
        ours=False,
    ),
    # --- objects and fields more
    Row(
        ("PodDisruptionBudget",),
        "",
        "a drain takes one replica at a time",
        theirs=ABSENT,
    ),
    Row(
        ("Manifest",),
        "spec.group.services[*].resources.endpoints",
        "the reference drops them, and a manifest without them has another hash",
        theirs=ABSENT,
    ),
    # --- what is not ours to render
    Row(
        ("StatefulSet",),
        "spec.updateStrategy.rollingUpdate.maxUnavailable",
        "sent by the reference and dropped by an API server without that alpha feature; 1 is what it does anyway",
        theirs=1,
        ours=ABSENT,
    ),
    Row(
        ("PersistentVolumeClaim",),
        "",
        "made by the StatefulSet's controller from the templates, which are compared",
        ours=ABSENT,
    ),
)

BEYOND: tuple[Row, ...] = (
    Row(
        _WORKLOAD,
        f"{_BOX}.resources.requests.memory",
        "RAM volumes are reserved as memory, since what is written there is memory (kubernetes.md §2.8)",
        check=_in_memory,
    ),
    Row(
        _WORKLOAD,
        f"{_BOX}.resources.*.ephemeral-storage",
        "several volumes on the node's disk add up; the reference counts the last (kubernetes.md §2.8)",
        check=_more,
    ),
    Row(
        _WORKLOAD,
        f"{_BOX}.resources.limits.ephemeral-storage",
        "a container whose tenant bought no disk has a bound to what it writes",
        theirs=ABSENT,
        ours="1Gi",
    ),
    Row(
        _WORKLOAD,
        f"{_BOX}.resources.requests.ephemeral-storage",
        "and nothing of it is reserved",
        theirs=ABSENT,
        ours="0",
    ),
    Row(
        _WORKLOAD,
        f"{_BOX}.env[NVIDIA_*]",
        "which cards a container gets is said by the device plugin, not by the tenant",
        ours=ABSENT,
    ),
    Row(_WORKLOAD, f"{_BOX}.env[AMD_*]", "the same for AMD's cards", ours=ABSENT),
    Row(_WORKLOAD, f"{_BOX}.env[*#*]", "each variable once, the last one: as Kubernetes takes it", ours=ABSENT),
    Row(
        ("Role",),
        "rules*",
        "the permission `deployment` shows the lease's workloads; the reference grants nothing for it (§2.5)",
        theirs=ABSENT,
    ),
    Row(
        ("Ingress",),
        "metadata.annotations.nginx.ingress.kubernetes.io/proxy-buffer-size",
        "the tenant's proxy_buffer_size is passed on",
        theirs=ABSENT,
    ),
    Row(
        ("Manifest",),
        "spec.group.services[*].*.proxy_buffer_size",
        "the reference drops it, and a manifest without it has another hash",
        theirs=ABSENT,
    ),
    Row(("Manifest",), "spec.group.services[*].params.tee", "kept as it was sent", theirs=ABSENT),
)
