"""Scheduler and kubelet in one: pods find a node with room, become ready after a moment, and stop when told.

Room is counted as the real scheduler does: requests of the pods on a node against its allocatable, node selector,
required node affinity and taints. No container runs; an image named in `broken_images` never starts, as if it could
not be pulled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from provider.sandbox.cluster import quantity
from provider.sandbox.cluster.kinds import PODS
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.selectors import expression
from provider.sandbox.cluster.store import Change, Key

Json = dict[str, Any]


class Vessel:
    """`broken_images`: images whose pods stay in ImagePullBackOff."""

    def __init__(
        self,
        objects: Objects,
        containers: Containers,
        later: Callable[[float, Key], None],
        *,
        ready_after_s: float,
        stop_after_s: float,
    ) -> None:
        self._objects, self._containers, self._later = objects, containers, later
        self._ready_after_s, self._stop_after_s = ready_after_s, stop_after_s
        self._load: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._waiting: dict[tuple[str, str], None] = {}
        self._starting: set[str] = set()
        self._stopping: set[str] = set()
        self._rung: set[Key] = set()
        """pods whose time to start or stop is over; any change makes a look, only this ends the waiting"""
        self._addresses = 1
        self.broken_images: set[str] = set()

    def waiting(self) -> list[tuple[str, str]]:
        """Pods that found no node, or whose volumes are not there yet."""
        return list(self._waiting)

    def hear(self, change: Change) -> None:
        if change.key[0] != "pods":
            return
        for pod, sign in ((change.before, -1), (change.after, 1)):
            if (
                pod is not None
                and pod["spec"].get("nodeName")
                and pod["status"].get("phase") not in ("Succeeded", "Failed")
            ):
                for name, amount in requests(pod["spec"]).items():
                    self._load[pod["spec"]["nodeName"]][name] += sign * amount
        if change.after is None:
            self._containers.wake()

    def rung(self, key: Key) -> None:
        """The look that was asked for later is due."""
        self._rung.add(key)

    def look(self, namespace: str, name: str) -> None:
        pod = self._objects.store.get("pods", namespace, name)
        self._waiting.pop((namespace, name), None)
        if pod is None:
            return
        if "deletionTimestamp" in pod["metadata"]:
            self._stop(pod)
        elif not pod["spec"].get("nodeName"):
            self._schedule(pod)
        elif pod["status"].get("phase") == "Pending":
            self._start(pod)

    def _schedule(self, pod: Json) -> None:
        meta = pod["metadata"]
        place = (meta["namespace"], meta["name"])
        wanted = requests(pod["spec"])
        nodes = [node for node in self._objects.store.list("nodes") if self._fits(node, pod["spec"], wanted)]
        if not nodes or not self._bound(pod):
            self._waiting[place] = None
            why = "0 nodes are available" if not nodes else "pod has unbound immediate PersistentVolumeClaims"
            unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
            state = pod["status"] | {"conditions": [unscheduled | {"lastTransitionTime": meta["creationTimestamp"]}]}
            self._objects.write_status(PODS, pod, state, "kube-scheduler")
            return
        least = min(nodes, key=lambda node: (self._load[node["metadata"]["name"]]["cpu"], node["metadata"]["name"]))
        how = Write(manager="kube-scheduler")
        self._objects.patch(PODS, *place, how, "merge", {"spec": {"nodeName": least["metadata"]["name"]}})

    def _bound(self, pod: Json) -> bool:
        for volume in pod["spec"].get("volumes", []):
            claim = volume.get("persistentVolumeClaim")
            if claim:
                found = self._objects.store.get(
                    "persistentvolumeclaims", pod["metadata"]["namespace"], claim["claimName"]
                )
                if found is None or found["status"].get("phase") != "Bound":
                    return False
        return True

    def _fits(self, node: Json, spec: Json, wanted: dict[str, int]) -> bool:
        labels = node["metadata"].get("labels", {})
        if node["spec"].get("unschedulable") or not _tolerated(
            node["spec"].get("taints", []), spec.get("tolerations", [])
        ):
            return False
        if any(labels.get(name) != value for name, value in spec.get("nodeSelector", {}).items()):
            return False
        affinity = (
            spec.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution")
        )
        if affinity is not None and not any(_term(each, labels) for each in affinity["nodeSelectorTerms"]):
            return False
        room, load = node["status"]["allocatable"], self._load[node["metadata"]["name"]]
        return all(load[name] + amount <= _amount(name, room.get(name, "0")) for name, amount in wanted.items())

    def _start(self, pod: Json) -> None:
        uid, meta = pod["metadata"]["uid"], pod["metadata"]
        key = ("pods", meta["namespace"], meta["name"])
        if uid not in self._starting:
            self._starting.add(uid)
            self._objects.write_status(PODS, pod, pod["status"] | _creating(pod, self._broken(pod)), "kubelet")
            self._later(self._ready_after_s, key)
            return
        if key not in self._rung or self._broken(pod) or "startTime" not in pod["status"]:
            return
        self._rung.discard(key)
        for container in pod["spec"]["containers"]:
            self._containers.say(uid, container["name"], f"{container['image']} started")
        self._addresses += 1
        address = f"10.244.{self._addresses >> 8 & 255}.{self._addresses & 255}"
        self._objects.write_status(PODS, pod, pod["status"] | _ready(pod, address), "kubelet")
        self._starting.discard(uid)

    def _broken(self, pod: Json) -> bool:
        return any(container["image"] in self.broken_images for container in pod["spec"]["containers"])

    def _stop(self, pod: Json) -> None:
        meta = pod["metadata"]
        uid, key = meta["uid"], ("pods", meta["namespace"], meta["name"])
        if uid not in self._stopping:
            self._stopping.add(uid)
            self._rung.discard(key)
            self._later(self._stop_after_s, key)
            return
        if key not in self._rung:
            return
        if not meta.get("finalizers"):
            self._stopping.discard(uid)
            self._starting.discard(uid)
            self._rung.discard(key)
            self._objects.remove(PODS, meta["namespace"], meta["name"])


def requests(spec: Json) -> dict[str, int]:
    """What a pod asks for: cpu in thousandths, the rest whole, and one of `pods`."""
    total: dict[str, int] = defaultdict(int, pods=1)
    for container in spec.get("containers", []):
        for name, amount in container.get("resources", {}).get("requests", {}).items():
            total[name] += _amount(name, amount)
    return total


def _amount(name: str, value: Any) -> int:
    return quantity.milli(value) if name == "cpu" else quantity.whole(value)


def _term(term: Json, labels: dict[str, str]) -> bool:
    return bool(term.get("matchExpressions")) and all(expression(each, labels) for each in term["matchExpressions"])


def _tolerated(taints: list[Json], tolerations: list[Json]) -> bool:
    def covers(toleration: Json, taint: Json) -> bool:
        if toleration.get("effect") not in (None, taint["effect"]):
            return False
        if toleration.get("operator", "Equal") == "Exists":
            return toleration.get("key") in (None, taint["key"])
        return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))

    hard = [taint for taint in taints if taint["effect"] in ("NoSchedule", "NoExecute")]
    return all(any(covers(each, taint) for each in tolerations) for taint in hard)


def _creating(pod: Json, broken: bool) -> Json:
    reason = "ImagePullBackOff" if broken else "ContainerCreating"
    states = [_container(each, {"waiting": {"reason": reason}}, ready=False) for each in pod["spec"]["containers"]]
    when = pod["metadata"]["creationTimestamp"]
    return {
        "phase": "Pending",
        "startTime": when,
        "hostIP": "10.0.0.1",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": when},
            {"type": "Initialized", "status": "True", "lastTransitionTime": when},
            *(_unready(kind, when) for kind in ("ContainersReady", "Ready")),
        ],
        "containerStatuses": states,
    }


def _unready(kind: str, when: str) -> Json:
    return {"type": kind, "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": when}


def _ready(pod: Json, address: str) -> Json:
    when = pod["metadata"]["creationTimestamp"]
    running = {"running": {"startedAt": when}}
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": when} for kind in kinds],
        "containerStatuses": [_container(each, running, ready=True) for each in pod["spec"]["containers"]],
    }


def _container(container: Json, state: Json, *, ready: bool) -> Json:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
    }
