"""Pods whose volumes tie them to nodes: one with a disk of its node (local-path, LVM, hostPath) stays Pending anywhere
else.

A volume says by its node affinity from where it is reached. Where that may not be read, the volume is taken to be on
its pod's node alone: a pod left where it is costs nothing, one that waits for its disk is down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provider.cluster.api.kinds import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from provider.cluster.api.kube import Kube, Object
from provider.cluster.inventory.capacities import meets, rules
from provider.cluster.inventory.pods import PodFacts
from provider.errors import NotFound, Refused

_NAME = "metadata.name"


@dataclass(frozen=True, slots=True)
class Anchor:
    """`nodes`: where all of the pod's volumes can be reached from. `volumes` are those that are not reached from
    everywhere, in words."""

    nodes: frozenset[str]
    volumes: tuple[str, ...]


async def anchors(kube: Kube, pods: Iterable[PodFacts]) -> dict[str, Anchor]:
    """namespace/name -> what ties the pod; pods whose volumes go along with them are left out."""
    kept = [pod for pod in pods if pod.ask.attached]
    if not kept:
        return {}
    nodes = {obj["metadata"]["name"]: obj["metadata"].get("labels") or {} for obj in await kube.all(NODE)}
    out: dict[str, Anchor] = {}
    for pod in kept:
        near, tied = frozenset(nodes), []
        async for claim, volume in _volumes(kube, pod):
            reached = {pod.node} if volume is None else _reached(volume, nodes)
            if reached != nodes.keys():
                near &= reached
                unread = ", which could not be looked at: no right to get persistentvolumes" if volume is None else ""
                tied.append(f"{claim}{unread}")
        if tied:
            out[f"{pod.namespace}/{pod.name}"] = Anchor(near, tuple(tied))
    return out


async def _volumes(kube: Kube, pod: PodFacts) -> AsyncIterator[tuple[str, Object | None]]:
    """Each claim of the pod that has a volume, and that volume; None for one that may not be read."""
    try:
        spec = (await kube.get(POD, pod.namespace, pod.name))["spec"]
    except NotFound:
        return
    for name in (
        v["persistentVolumeClaim"]["claimName"] for v in spec.get("volumes") or () if "persistentVolumeClaim" in v
    ):
        try:
            claim = await kube.get(PERSISTENT_VOLUME_CLAIM, pod.namespace, name)
            volume = (claim.get("spec") or {}).get("volumeName")
            if volume:
                yield name, await kube.get(PERSISTENT_VOLUME, None, volume)
        except NotFound:
            continue
        except Refused:
            yield name, None


def _reached(volume: Mapping[str, Any], nodes: Mapping[str, Mapping[str, str]]) -> set[str]:
    terms = ((volume["spec"].get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms")
    if not terms:
        return set(nodes)
    return {name for name, labels in nodes.items() if any(_allows(term, {**labels, _NAME: name}) for term in terms)}


def _allows(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = [*(rules(term) or ()), *(rules({"matchExpressions": term.get("matchFields")}) or ())]
    return bool(wanted) and all(meets(rule, labels) for rule in wanted)
