"""A Pod as the daemon sees it: where it runs, what it takes from its node, how it fares. Pure.

What a pod takes is what the scheduler reckons: all containers together, or the hungriest moment of its init
containers, plus the runtime's overhead. Memory-backed volumes are no part of that; the daemon's own pods request their
memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bidengine.node import Ask
from provider.cluster.quantity import milli, whole

GPU_RESOURCES = {"nvidia.com/gpu": "nvidia", "amd.com/gpu": "amd"}

NOTHING = Ask(0, 0, 0)


@dataclass(frozen=True, slots=True)
class PodFacts:
    """`trouble` is why it is not ready, in Kubernetes' words ("" when nothing is said); `detail` the sentence that
    goes with it. `service` is the manifest service it belongs to, "" for pods of others."""

    namespace: str
    name: str
    uid: str
    node: str
    finished: bool
    ask: Ask
    gpu_vendor: str
    service: str
    ready: bool
    going: bool
    restarts: int
    trouble: str
    detail: str

    @property
    def footprint(self) -> tuple[str, str, bool, Ask]:
        """What of it matters to the inventory."""
        return self.uid, self.node, self.finished, self.ask


def pod_facts(pod: Mapping[str, Any]) -> PodFacts:
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    ask, vendor = _ask(spec)
    trouble, detail = _trouble(status)
    containers = status.get("containerStatuses") or []
    return PodFacts(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        node=spec.get("nodeName") or "",
        finished=status.get("phase") in ("Succeeded", "Failed"),
        ask=ask,
        gpu_vendor=vendor,
        service=(metadata.get("labels") or {}).get("akash.network/manifest-service", ""),
        ready=_condition(status, "Ready") == "True",
        going="deletionTimestamp" in metadata,
        restarts=sum(c.get("restartCount", 0) for c in containers),
        trouble=trouble,
        detail=detail,
    )


def plus(a: Ask, b: Ask) -> Ask:
    return Ask(
        a.cpu_milli + b.cpu_milli,
        a.memory_bytes + b.memory_bytes,
        a.ephemeral_bytes + b.ephemeral_bytes,
        a.gpu_units + b.gpu_units,
    )


def most(a: Ask, b: Ask) -> Ask:
    return Ask(
        max(a.cpu_milli, b.cpu_milli),
        max(a.memory_bytes, b.memory_bytes),
        max(a.ephemeral_bytes, b.ephemeral_bytes),
        max(a.gpu_units, b.gpu_units),
    )


def _ask(spec: Mapping[str, Any]) -> tuple[Ask, str]:
    """What the scheduler reserves for the pod, and the vendor of its GPUs. An init container that restarts always is a
    sidecar: it stays beside those that follow it and beside the containers."""
    containers, inits = spec.get("containers") or [], spec.get("initContainers") or []
    running = total(_requests(c) for c in containers)
    sidecars, peak = NOTHING, NOTHING
    for container in inits:
        own = _requests(container)
        if container.get("restartPolicy") == "Always":
            sidecars = plus(sidecars, own)
            peak = most(peak, sidecars)
        else:
            peak = most(peak, plus(sidecars, own))
    ask = most(plus(running, sidecars), peak)
    whole_pod = (spec.get("resources") or {}).get(
        "requests"
    ) or {}  # where given, it stands in place of the containers' sum
    ask = Ask(
        milli(whole_pod["cpu"]) if "cpu" in whole_pod else ask.cpu_milli,
        whole(whole_pod["memory"]) if "memory" in whole_pod else ask.memory_bytes,
        ask.ephemeral_bytes,
        ask.gpu_units,
    )
    overhead = _amounts(spec.get("overhead") or {})
    wanted = [name for c in (*containers, *inits) for name in _wants(c)]
    return plus(ask, overhead), next((GPU_RESOURCES[name] for name in wanted if name in GPU_RESOURCES), "")


def total(asks: Iterable[Ask]) -> Ask:
    out = NOTHING
    for ask in asks:
        out = plus(out, ask)
    return out


def _requests(container: Mapping[str, Any]) -> Ask:
    return _amounts(_wants(container))


def _wants(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """The API server fills in missing requests from limits; an object that never was there may lack them."""
    resources = container.get("resources") or {}
    return {**(resources.get("limits") or {}), **(resources.get("requests") or {})}


def _amounts(wants: Mapping[str, Any]) -> Ask:
    return Ask(
        milli(wants.get("cpu", 0)),
        whole(wants.get("memory", 0)),
        whole(wants.get("ephemeral-storage", 0)),
        sum(whole(wants.get(name, 0)) for name in GPU_RESOURCES),
    )


def _condition(status: Mapping[str, Any], kind: str) -> str:
    return next((c.get("status", "") for c in status.get("conditions") or [] if c.get("type") == kind), "")


def _trouble(status: Mapping[str, Any]) -> tuple[str, str]:
    """The most telling reason: of a container that waits or died, else of the scheduler, else of the whole pod."""
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state = container.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") not in (None, "", "PodInitializing", "ContainerCreating"):
            last = (container.get("lastState") or {}).get("terminated") or {}
            died = f"exit code {last['exitCode']} ({last.get('reason', 'Error')})" if "exitCode" in last else ""
            return waiting["reason"], "; ".join(filter(None, (died, waiting.get("message", ""))))
        if ended and ended.get("exitCode"):
            return ended.get("reason") or "Error", f"exit code {ended['exitCode']}"
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return condition.get("reason") or "Unschedulable", condition.get("message", "")
    if status.get("phase") == "Failed":
        return status.get("reason") or "Failed", status.get("message", "")
    return "", ""
