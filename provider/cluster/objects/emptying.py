"""Taking a node out of service: no new pods, and those of leases asked to go, as `kubectl drain` asks.

An eviction keeps to disruption budgets: one that is refused for now says so and is asked for again later.
"""

from __future__ import annotations

from collections.abc import Iterable

from provider.cluster.api.kinds import NODE, POD
from provider.cluster.api.kube import Kube
from provider.cluster.inventory.pods import PodFacts
from provider.errors import NotFound, Retry

WHY = "akash.network/drained"
"""Annotation of a node that was taken out by `akp node drain`: the reason given."""


async def cordon(kube: Kube, node: str, why: str) -> None:
    """Pods are no longer placed there, so it is no longer sold. NotFound when there is no such node."""
    await kube.patch(NODE, None, node, {"metadata": {"annotations": {WHY: why}}, "spec": {"unschedulable": True}})


async def uncordon(kube: Kube, node: str) -> None:
    await kube.patch(NODE, None, node, {"metadata": {"annotations": {WHY: None}}, "spec": {"unschedulable": None}})


async def evict(kube: Kube, pods: Iterable[PodFacts]) -> dict[str, str]:
    """Ask each pod to go; namespace/name -> why not yet, for those that stay for now."""
    staying: dict[str, str] = {}
    for pod in pods:
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace},
        }
        try:
            await kube.call("POST", POD.path(pod.namespace, pod.name, "eviction"), body=body)
        except NotFound:
            continue
        except Retry as later:
            staying[f"{pod.namespace}/{pod.name}"] = str(later)
    return staying
