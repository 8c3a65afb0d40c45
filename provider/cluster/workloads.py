"""How the services of a lease fare, read from their Deployments, StatefulSets and pods. Pure.

`available` is what Kubernetes counts as available, for StatefulSets too (the reference counts pods that merely exist
there, kubernetes.md §9.1 no. 23). The reason for what is missing is looked for in the service's pods, and says whose
matter it is: an image that cannot be pulled is the tenant's, a pod that finds no node is the provider's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from manifests.render.names import SERVICE
from provider.cluster.pods import PodFacts
from provider.cluster.writers import ours

ADOPTED = "akash.network/adopted"
"""Annotation of a workload: the revision of the manifest for which its template stays as another provider made it."""


class Whose(StrEnum):
    """Who can mend it; NOBODY when nothing is wrong or it is too early to say."""

    NOBODY = ""
    TENANT = "tenant"
    PROVIDER = "provider"


_TENANTS = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
        "ContainerCannotRun",
        "OOMKilled",
        "Error",
        "Completed",
        "Evicted",
    }
)
"""Waiting and termination reasons that come of image, command, configuration or appetite. An eviction is the tenant's
when it used more than it asked for, which is the only kind that befalls a pod whose requests equal its limits."""

_PROVIDERS = frozenset(
    {"Unschedulable", "SchedulingGated", "NodeLost", "NodeAffinity", "OutOfcpu", "OutOfmemory", "OutOfpods"}
)


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """A Deployment or StatefulSet; `desired` is what its spec asks for, the rest what its status counts."""

    namespace: str
    name: str
    service: str
    desired: int
    replicas: int
    updated: int
    ready: int
    available: int
    generation: int
    observed_generation: int
    stuck: str
    """why it cannot even make its pods; "" when it can"""
    ours: bool = True
    """the daemon has applied it before"""
    adopted: str = ""
    """the revision of the manifest for which its template stays as another provider made it (adopt.py)"""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """`total` replicas wanted, `available` of them serving; `reason` is one line for the tenant, "" when all is
    well."""

    available: int
    total: int
    reason: str = ""
    whose: Whose = Whose.NOBODY

    @property
    def healthy(self) -> bool:
        return self.available >= self.total


def workload_facts(obj: Mapping[str, Any]) -> WorkloadFacts:
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    desired = spec.get("replicas")
    return WorkloadFacts(
        namespace=metadata["namespace"],
        name=metadata["name"],
        service=(metadata.get("labels") or {}).get(SERVICE) or metadata["name"],
        desired=1 if desired is None else desired,
        replicas=status.get("replicas") or 0,
        updated=status.get("updatedReplicas") or 0,
        ready=status.get("readyReplicas") or 0,
        available=status.get("availableReplicas") or 0,
        generation=metadata.get("generation") or 0,
        observed_generation=status.get("observedGeneration") or 0,
        stuck=next(
            (
                c.get("message") or c.get("reason") or "cannot make pods"
                for c in status.get("conditions") or []
                if c.get("type") == "ReplicaFailure" and c.get("status") == "True"
            ),
            "",
        ),
        ours=ours(obj),
        adopted=(metadata.get("annotations") or {}).get(ADOPTED, ""),
    )


def health(workloads: Iterable[WorkloadFacts], pods: Iterable[PodFacts]) -> dict[str, ServiceHealth]:
    """Service -> health. A service with two workloads (one of them being replaced) is judged by the one with more to
    show."""
    by_service: dict[str, list[PodFacts]] = {}
    for pod in pods:
        by_service.setdefault(pod.service, []).append(pod)
    out: dict[str, ServiceHealth] = {}
    for workload in sorted(workloads, key=lambda w: w.available):
        out[workload.service] = _health(workload, by_service.get(workload.service, ()))
    return out


def _health(workload: WorkloadFacts, pods: Iterable[PodFacts]) -> ServiceHealth:
    if workload.available >= workload.desired:
        return ServiceHealth(workload.available, workload.desired)
    reason, whose = _reason(workload, pods)
    return ServiceHealth(workload.available, workload.desired, reason, whose)


def _reason(workload: WorkloadFacts, pods: Iterable[PodFacts]) -> tuple[str, Whose]:
    troubled = sorted(
        (p for p in pods if not p.ready and not p.going and p.trouble), key=lambda p: (p.finished, p.name)
    )
    for pod in troubled:
        return _short(f"{pod.name}: {pod.trouble}" + (f": {pod.detail}" if pod.detail else "")), _whose(pod.trouble)
    if workload.stuck:
        return _short(workload.stuck), Whose.PROVIDER
    if workload.observed_generation < workload.generation:
        return "not yet taken up by the cluster", Whose.NOBODY
    return "starting", Whose.NOBODY


def _whose(trouble: str) -> Whose:
    if trouble in _TENANTS:
        return Whose.TENANT
    return Whose.PROVIDER if trouble in _PROVIDERS else Whose.NOBODY


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"
