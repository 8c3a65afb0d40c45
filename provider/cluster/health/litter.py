"""What nobody needs any more in the namespaces of leases, and what was to be gone and is not. Pure.

Kubernetes keeps pods that have ended until there are thousands (support#209, #138, #275), and a StatefulSet waits for a
pod that will never be ready before it makes the next one of a mended template: the tenant's update hangs for ever
(support#82). Deployments need no help: rendered without surge, they take an old pod away before a new one needs its
room.

A pod that was to be gone and is not is told, never forced: its containers may still have its volumes and its GPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provider.cluster.health.namespaces import Namespace
from provider.cluster.health.workloads import WorkloadFacts
from provider.cluster.inventory.pods import PodFacts

ENDED_S = 3600
"""A pod that has ended can be looked at for as long, unless there are more than KEPT of its service."""
KEPT = 3
HANGING_S, SILENT_S = 120, 600
"""Of a volume that cannot be mounted, or a sandbox that cannot be made, a pod's status says nothing: it looks like one
that is starting, and is given longer."""
POD_GONE_S = 600
NAMESPACE_GONE_S = 300


@dataclass(frozen=True, slots=True)
class Litter:
    """A pod to delete; `what` is the word of the metric, `why` a phrase for the log."""

    namespace: str
    pod: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """`kind` is namespace or pod; `waits_for` what it waits for, as far as it is told."""

    kind: str
    namespace: str
    name: str
    since_unix_s: int
    waits_for: str


def litter(pods: Iterable[PodFacts], sets: Iterable[WorkloadFacts], now_unix_s: int) -> list[Litter]:
    """Of one lease; `sets` are its StatefulSets."""
    pods = [pod for pod in pods if pod.service and not pod.going]
    return [*_ended(pods, now_unix_s), *_hanging(pods, {s.service: s for s in sets}, now_unix_s)]


def stuck(namespaces: Iterable[Namespace], pods: Iterable[PodFacts], now_unix_s: int) -> list[Stuck]:
    """`pods` of namespaces that stay; those of a namespace that goes are what it waits for."""
    spaces = [
        Stuck("namespace", "", space.name, space.going_since_unix_s, space.waits_for)
        for space in namespaces
        if space.going and now_unix_s - space.going_since_unix_s > NAMESPACE_GONE_S
    ]
    left = [
        Stuck("pod", pod.namespace, pod.name, pod.gone_by_unix_s, f"node {pod.node or 'unknown'} to end its containers")
        for pod in pods
        if pod.going and now_unix_s - pod.gone_by_unix_s > POD_GONE_S
    ]
    return [*spaces, *left]


def _ended(pods: Iterable[PodFacts], now_unix_s: int) -> list[Litter]:
    by_service: dict[str, list[PodFacts]] = {}
    for pod in pods:
        if pod.finished:
            by_service.setdefault(pod.service, []).append(pod)
    out = []
    for ended in by_service.values():
        ended.sort(key=lambda pod: (-pod.since_unix_s, pod.name))
        for n, pod in enumerate(ended):
            if n >= KEPT or now_unix_s - pod.since_unix_s > ENDED_S:
                out.append(Litter(pod.namespace, pod.name, "ended-pod", pod.trouble or "ended"))
    return out


def _hanging(pods: Iterable[PodFacts], sets: dict[str, WorkloadFacts], now_unix_s: int) -> list[Litter]:
    """Pods that never came up of a template that has been replaced; the set makes them anew."""
    out = []
    for pod in pods:
        owner = sets.get(pod.service)
        if owner is None or pod.ready or pod.finished or not (owner.revision and pod.revision):
            continue
        given_s = HANGING_S if pod.trouble else SILENT_S
        if pod.revision != owner.revision and now_unix_s - pod.since_unix_s > given_s:
            why = f"{pod.trouble or 'not up yet'}, and its template was replaced"
            out.append(Litter(pod.namespace, pod.name, "hanging-pod", why))
    return out
