"""A Pod as the daemon sees it: where it runs, what it takes from its node, how it fares. Pure.

What a pod takes is what the scheduler reckons: all containers together, or the hungriest moment of its init
containers, plus the runtime's overhead. Where a running container is being resized it is the most of what it asks, what
the node has set aside and what it has. Memory-backed volumes are no part of that; the daemon's own pods request their
memory. Huge pages are counted by nobody here, because none are sold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bidengine.node import Ask
from manifests.render.names import credentials_secret
from provider.cluster.api.quantity import milli, whole
from provider.cluster.api.times import unix_s
from provider.cluster.inventory.gpuresources import vendor_of
from provider.cluster.inventory.trouble import trouble

NOTHING = Ask(0, 0, 0)


@dataclass(frozen=True, slots=True)
class PodFacts:
    """`trouble` is why it is not ready, in Kubernetes' words ("" when nothing is said); `detail` the sentence that
    goes with it, `died` and `exit_code` how its container last ended (trouble.py). `service` is the manifest service
    it belongs to, "" for pods of others. `gpus` are (resource, units); the ask counts them together. Times are Unix
    seconds, 0 for none: when it was made, since when it is (not) ready, when it was to be gone."""

    namespace: str
    name: str
    uid: str
    node: str
    finished: bool
    ask: Ask
    gpus: tuple[tuple[str, int], ...]
    service: str
    ready: bool
    going: bool
    restarts: int
    trouble: str
    detail: str
    died: str = ""
    exit_code: int | None = None
    revision: str = ""
    """of the StatefulSet's template it was made from"""
    made_unix_s: int = 0
    since_unix_s: int = 0
    gone_by_unix_s: int = 0
    keys: Literal["none", "tenant", "operator"] = "none"
    """whose credentials it pulls its images with"""

    @property
    def footprint(self) -> tuple[str, str, bool, Ask]:
        """What of it matters to the inventory."""
        return self.uid, self.node, self.finished, self.ask


def pod_facts(pod: Mapping[str, Any]) -> PodFacts:
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    ask, gpus = _ask(spec, status)
    found = trouble(status)
    ready = _condition(status, "Ready")
    labels = metadata.get("labels") or {}
    containers = status.get("containerStatuses") or []
    return PodFacts(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        node=spec.get("nodeName") or "",
        finished=status.get("phase") in ("Succeeded", "Failed"),
        ask=ask,
        gpus=gpus,
        service=labels.get("akash.network/manifest-service", ""),
        ready=ready.get("status") == "True",
        going="deletionTimestamp" in metadata,
        restarts=sum(c.get("restartCount", 0) for c in containers),
        trouble=found.reason,
        detail=found.detail,
        died=found.died,
        exit_code=found.exit_code,
        revision=labels.get("controller-revision-hash", ""),
        made_unix_s=unix_s(metadata.get("creationTimestamp")),
        since_unix_s=unix_s(ready.get("lastTransitionTime") or metadata.get("creationTimestamp")),
        gone_by_unix_s=unix_s(metadata.get("deletionTimestamp")),
        keys=_keys(spec, labels.get("akash.network/manifest-service", "")),
    )


def _keys(spec: Mapping[str, Any], service: str) -> Literal["none", "tenant", "operator"]:
    names = {secret.get("name") for secret in spec.get("imagePullSecrets") or ()}
    if service and credentials_secret(service) in names:
        return "tenant"
    return "operator" if names else "none"


def total(asks: Iterable[Ask]) -> Ask:
    cpu = memory = ephemeral = gpus = attached = 0
    for ask in asks:
        cpu += ask.cpu_milli
        memory += ask.memory_bytes
        ephemeral += ask.ephemeral_bytes
        gpus += ask.gpu_units
        attached += ask.attached
    return Ask(cpu, memory, ephemeral, gpus, attached=attached)


def _ask(spec: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[Ask, tuple[tuple[str, int], ...]]:
    """What the scheduler reserves for the pod, and its GPUs. An init container that restarts always is a sidecar: it
    stays beside those that follow it and beside the containers."""
    resized = {
        c.get("name"): c for key in ("containerStatuses", "initContainerStatuses") for c in status.get(key) or ()
    }
    needed: _Amounts = {}
    for container in spec.get("containers") or ():
        _add(needed, _wanted(container, resized))
    if inits := spec.get("initContainers"):
        sidecars: _Amounts = {}
        peak: _Amounts = {}
        for container in inits:
            own = _wanted(container, resized)
            _add(own, sidecars)
            _most(peak, own)
            if container.get("restartPolicy") == "Always":
                sidecars = own
        _add(needed, sidecars)
        _most(needed, peak)
    for name, amount in _amounts((spec.get("resources") or {}).get("requests") or {}).items():
        if name in ("cpu", "memory"):
            needed[name] = amount  # asked for the pod as a whole, it stands in place of the containers' sum
    _add(needed, _amounts(spec.get("overhead") or {}))
    gpus = tuple(sorted((name, units) for name, units in needed.items() if vendor_of(name) and units))
    cpu, memory, ephemeral = (needed.get(name, 0) for name in ("cpu", "memory", "ephemeral-storage"))
    attached = sum("persistentVolumeClaim" in v or "ephemeral" in v for v in spec.get("volumes") or ())
    return Ask(cpu, memory, ephemeral, sum(units for _, units in gpus), attached=attached), gpus


_Amounts = dict[str, int]
"""By resource: cpu in thousandths, the rest in bytes or pieces."""


def _wanted(container: Mapping[str, Any], resized: Mapping[str, Mapping[str, Any]]) -> _Amounts:
    """The API server fills in missing requests from limits; an object that never was there may lack them."""
    resources = container.get("resources") or {}
    wanted = _amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
    now = resized.get(container.get("name", ""))
    if now:
        _most(wanted, _amounts(now.get("allocatedResources") or {}))
        _most(wanted, _amounts((now.get("resources") or {}).get("requests") or {}))
    return wanted


def _amounts(wants: Mapping[str, Any]) -> _Amounts:
    out: _Amounts = {}
    for name, quantity in wants.items():
        if name == "cpu":
            out[name] = milli(quantity)
        elif name in ("memory", "ephemeral-storage") or vendor_of(name):
            out[name] = whole(quantity)
    return out


def _add(to: _Amounts, more: _Amounts) -> None:
    for name, amount in more.items():
        to[name] = to.get(name, 0) + amount


def _most(to: _Amounts, other: _Amounts) -> None:
    for name, amount in other.items():
        to[name] = max(to.get(name, 0), amount)


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((c for c in status.get("conditions") or () if c.get("type") == kind), {})
