"""An order put before the scheduler without a promise: are all its pods bound, or is one of them refused?"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from e2e.scheduling.world import Json, World

NAMESPACE = "attempts"
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """`nodes` are those of the pods that were bound, `refused` the scheduler's words for one that was not."""

    nodes: tuple[str, ...]
    refused: str


async def attempt(world: World, rendered: Iterable[Json]) -> Attempt:
    """Creates the pods of the rendered workloads, all at once, and takes them away again."""
    pods, claims = f"/api/v1/namespaces/{NAMESPACE}/pods", f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims"
    made = list(_pods(rendered))
    for _, wanted in made:
        await world.each(claims, wanted)
    await world.each(pods, [pod for pod, _ in made])
    while True:
        found = (await world.http.get(pods)).json()["items"]
        nodes = tuple(pod["spec"]["nodeName"] for pod in found if pod["spec"].get("nodeName"))
        refused = next(filter(None, map(_refusal, found)), "")
        if refused or len(nodes) == len(made):
            break
        await asyncio.sleep(0.03)
    for path in (pods, claims):
        await world.http.request("DELETE", path, json={"gracePeriodSeconds": 0})
        while (await world.http.get(path)).json()["items"]:  # noqa: ASYNC110 - gone in another process
            await asyncio.sleep(0.03)
    return Attempt(nodes, refused)


def _pods(objects: Iterable[Json]) -> Iterator[tuple[Json, list[Json]]]:
    """The pods of each workload with their claims, as its controller would make them."""
    for obj in objects:
        if obj["kind"] not in ("Deployment", "StatefulSet"):
            continue
        for _ in range(obj["spec"]["replicas"]):
            spec, name = copy.deepcopy(obj["spec"]["template"]["spec"]), f"p{next(_NUMBERS)}"
            claims = []
            for template in obj["spec"].get("volumeClaimTemplates", ()):
                volume = template["metadata"]["name"]
                claims.append({"metadata": {"name": f"{name}-{volume}"}, "spec": template["spec"]})
                mounted = {"name": volume, "persistentVolumeClaim": {"claimName": f"{name}-{volume}"}}
                spec.setdefault("volumes", []).append(mounted)
            yield {"metadata": {"name": name}, "spec": spec}, claims


def _refusal(pod: Json) -> str:
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return str(condition.get("message", "unschedulable"))
    return ""
