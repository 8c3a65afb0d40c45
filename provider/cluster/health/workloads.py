"""How the services of a lease fare, read from their Deployments, StatefulSets and pods. Pure.

`available` is what Kubernetes counts as available, for StatefulSets too (the reference counts pods that merely exist
there, kubernetes.md §9.1 no. 23). The cause of what is missing is looked for in the service's pods (causes.py). A pod
whose node is not heard of says nothing that counts: its node speaks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.render.names import REVISION, SERVICE
from provider.cluster.api.marks import mark_of_workload
from provider.cluster.api.times import unix_s
from provider.cluster.api.writers import ours
from provider.cluster.health.causes import Cause, Whose, cause
from provider.cluster.inventory.pods import PodFacts

ADOPTED = "akash.network/adopted"
"""Annotation of a workload: the revision of the manifest for which its template stays as another provider made it."""


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
    revision: str = ""
    """of a StatefulSet's template now; its pods may be of an older one"""
    made_unix_s: int = 0
    available_since_unix_s: int = 0
    """a Deployment's word; 0 for StatefulSets, which have none"""
    ours: bool = True
    """the daemon has applied it before"""
    runtime_class: str = ""
    """of its template"""
    adopted: str = ""
    """the revision of the manifest for which its template stays as another provider made it (adopt.py)"""
    classes: tuple[tuple[str, str], ...] = ()
    """claim template and its StorageClass, "" for the cluster's default"""
    mark: int = 0
    manifest: str = ""
    """the revision of the manifest it was applied for last"""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """`total` replicas wanted, `available` of them serving; `reason` is one line for the tenant, "" when all is
    well. `since_unix_s` is since when, as far as the cluster tells; 0 when it does not."""

    available: int
    total: int
    reason: str = ""
    cause: Cause = Cause.NONE
    since_unix_s: int = 0
    stands: bool = True
    """False before its workload is there"""

    @property
    def healthy(self) -> bool:
        return self.available >= self.total

    @property
    def whose(self) -> Whose:
        return self.cause.whose


def workload_facts(obj: Mapping[str, Any]) -> WorkloadFacts:
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    desired = spec.get("replicas")
    conditions = {c.get("type"): c for c in status.get("conditions") or ()}
    failure = conditions.get("ReplicaFailure", {})
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
        stuck=(failure.get("message") or failure.get("reason") or "cannot make pods")
        if failure.get("status") == "True"
        else "",
        revision=status.get("updateRevision") or "",
        made_unix_s=unix_s(metadata.get("creationTimestamp")),
        available_since_unix_s=unix_s(conditions.get("Available", {}).get("lastTransitionTime")),
        ours=ours(obj),
        runtime_class=((spec.get("template") or {}).get("spec") or {}).get("runtimeClassName") or "",
        classes=tuple(
            (claim["metadata"]["name"], claim["spec"].get("storageClassName") or "")
            for claim in spec.get("volumeClaimTemplates") or ()
        ),
        adopted=(metadata.get("annotations") or {}).get(ADOPTED, ""),
        mark=mark_of_workload(obj),
        manifest=(metadata.get("labels") or {}).get(REVISION, ""),
    )


def health(
    workloads: Iterable[WorkloadFacts],
    pods: Iterable[PodFacts],
    heard: Callable[[str], bool] = lambda _: True,
    lacks: Callable[[str], bool] = lambda _: False,
) -> dict[str, ServiceHealth]:
    """Service -> health. `heard(node)`: whether its kubelet is heard of; `lacks(name)`: whether the cluster has no such
    RuntimeClass, so that no pod can be made (a StatefulSet does not say so itself). A service with two workloads (one
    of them being replaced) is judged by the one with more to show."""
    by_service: dict[str, list[PodFacts]] = {}
    for pod in pods:
        by_service.setdefault(pod.service, []).append(pod)
    out: dict[str, ServiceHealth] = {}
    for workload in sorted(workloads, key=lambda w: w.available):
        unmade = workload.runtime_class if lacks(workload.runtime_class) else ""
        out[workload.service] = _health(workload, by_service.get(workload.service, ()), heard, unmade)
    return out


def _health(
    workload: WorkloadFacts, pods: Collection[PodFacts], heard: Callable[[str], bool], unmade: str
) -> ServiceHealth:
    since = workload.available_since_unix_s or workload.made_unix_s
    if workload.available >= workload.desired:
        return ServiceHealth(workload.available, workload.desired, since_unix_s=since)
    reason, why, pods_since = _reason(workload, pods, heard, unmade)
    return ServiceHealth(workload.available, workload.desired, reason, why, pods_since or since)


def _reason(
    workload: WorkloadFacts, pods: Collection[PodFacts], heard: Callable[[str], bool], unmade: str
) -> tuple[str, Cause, int]:
    """Of several pods the one speaks whose trouble is not the tenant's, so that nobody is blamed for two things at
    once; pods that ended speak last, and those that are going only where their node keeps them from it."""
    found = [(pod, _cause(pod, heard)) for pod in pods if not pod.ready and not (pod.going and heard(pod.node))]
    found = [(pod, why) for pod, why in found if pod.trouble or why is not Cause.STARTING]
    for pod, why in sorted(found, key=lambda f: (f[0].finished, f[1].whose is Whose.TENANT, f[0].name)):
        if why is Cause.NODE_LOST and pod.node and not heard(pod.node):
            return f"{pod.name}: its node {pod.node} is not heard of", why, pod.since_unix_s
        said = f"{pod.name}: {pod.trouble}" + (f": {pod.detail}" if pod.detail else "")
        return _short(said), why, pod.since_unix_s
    if unmade:
        return f"the cluster has no RuntimeClass {unmade!r}, no pod can be made", Cause.ADMISSION, 0
    if workload.stuck:
        return _short(workload.stuck), Cause.ADMISSION, 0
    if workload.observed_generation < workload.generation:
        return "not yet taken up by the cluster", Cause.STARTING, 0
    coming = next((pod.detail for pod in pods if pod.detail and not (pod.trouble or pod.ready or pod.going)), "")
    return f"starting: {coming}" if coming else "starting", Cause.STARTING, 0


def _cause(pod: PodFacts, heard: Callable[[str], bool]) -> Cause:
    if pod.node and not pod.finished and not heard(pod.node):
        return Cause.NODE_LOST
    return cause(pod.trouble, pod.detail, pod.died, pod.exit_code, pod.keys)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"
