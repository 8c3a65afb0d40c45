"""Deployments, ReplicaSets and StatefulSets: from a template to pods, and the counts people look at.

Rolling updates keep to maxSurge and maxUnavailable; a StatefulSet goes one ordinal at a time, as it should.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from provider.sandbox.cluster.kinds import CLAIMS, DEPLOYMENTS, PODS, REPLICA_SETS, STATEFUL_SETS
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.selectors import matches

Json = dict[str, Any]
_HOW = Write(manager="kube-controller-manager")
_REVISION = "deployment.kubernetes.io/revision"


class Deployments:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def look(self, namespace: str, name: str) -> None:
        found = self._objects.store.get("deployments.apps", namespace, name)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return
        sets = [each for each in self._objects.store.list("replicasets.apps", namespace) if owned_by(each, found)]
        digest = template_hash(found["spec"]["template"])
        current = next((each for each in sets if each["metadata"]["labels"].get("pod-template-hash") == digest), None)
        old = [each for each in sets if each is not current]
        if current is None:
            current = self._new_set(found, digest, len(sets) + 1)
        if not found["spec"].get("paused"):
            self._roll(found, current, old)
            self._forget(found, old)
        self._report(found, digest)

    def _new_set(self, found: Json, digest: str, revision: int) -> Json:
        spec, meta = found["spec"], found["metadata"]
        labels = spec["template"]["metadata"].get("labels", {}) | {"pod-template-hash": digest}
        template = spec["template"] | {"metadata": spec["template"]["metadata"] | {"labels": labels}}
        selector = spec["selector"] | {
            "matchLabels": spec["selector"].get("matchLabels", {}) | {"pod-template-hash": digest}
        }
        made = {
            "metadata": {
                "name": f"{meta['name']}-{digest}",
                "labels": labels,
                "annotations": {_REVISION: str(revision)},
                "ownerReferences": [owner_reference(found)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        return self._objects.create(REPLICA_SETS, meta["namespace"], made, _HOW)

    def _roll(self, found: Json, current: Json, old: list[Json]) -> None:
        wanted, strategy = found["spec"]["replicas"], found["spec"]["strategy"]
        running = sum(each["spec"]["replicas"] for each in old)
        if strategy["type"] == "Recreate":
            if any(each.get("status", {}).get("replicas", 0) for each in old) or running:
                for each in old:
                    self._scale(each, 0)
                return
            self._scale(current, wanted)
            return
        rolling = strategy["rollingUpdate"]
        surge = _share(rolling["maxSurge"], wanted, up=True)
        missing = _share(rolling["maxUnavailable"], wanted, up=False) or (1 if surge == 0 else 0)
        have = current["spec"]["replicas"]
        if have > wanted:
            self._scale(current, wanted)
        elif have < wanted:
            room = wanted + surge - running - have
            if room > 0:
                self._scale(current, min(wanted, have + room))
        ready = sum(each.get("status", {}).get("readyReplicas", 0) for each in (current, *old))
        spare = ready - (wanted - missing)
        for each in sorted(old, key=lambda one: one.get("status", {}).get("readyReplicas", 0)):
            count = each["spec"]["replicas"]
            unready = count - each.get("status", {}).get("readyReplicas", 0)
            drop = min(count, unready + max(spare, 0))
            if drop:
                spare -= drop - unready
                self._scale(each, count - drop)

    def _scale(self, found: Json, replicas: int) -> None:
        if found["spec"]["replicas"] != replicas:
            meta = found["metadata"]
            change = {"spec": {"replicas": replicas}}
            self._objects.patch(REPLICA_SETS, meta["namespace"], meta["name"], _HOW, "merge", change)

    def _forget(self, found: Json, old: list[Json]) -> None:
        idle = [each for each in old if each["spec"]["replicas"] == 0 and not each.get("status", {}).get("replicas", 0)]
        idle.sort(key=lambda each: int(each["metadata"]["annotations"].get(_REVISION, "0")))
        for each in idle[: max(len(idle) - found["spec"]["revisionHistoryLimit"], 0)]:
            self._objects.delete(REPLICA_SETS, each["metadata"]["namespace"], each["metadata"]["name"], {})

    def _report(self, found: Json, digest: str) -> None:
        namespace, wanted = found["metadata"]["namespace"], found["spec"]["replicas"]
        live = self._objects.store.get("deployments.apps", namespace, found["metadata"]["name"])
        if live is None:
            return
        sets = [each for each in self._objects.store.list("replicasets.apps", namespace) if owned_by(each, live)]
        total = sum(each.get("status", {}).get("replicas", 0) for each in sets)
        ready = sum(each.get("status", {}).get("readyReplicas", 0) for each in sets)
        fresh = [each for each in sets if each["metadata"]["labels"].get("pod-template-hash") == digest]
        updated = sum(each.get("status", {}).get("replicas", 0) for each in fresh)
        rolling = live["spec"]["strategy"].get("rollingUpdate", {})
        needed = wanted - _share(rolling.get("maxUnavailable", 0), wanted, up=False)
        when = live["metadata"]["creationTimestamp"]
        enough = ready >= needed
        done = updated == total == ready == wanted
        conditions = [
            _condition(
                "Available",
                enough,
                "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
                f"Deployment {'has' if enough else 'does not have'} minimum availability.",
                when,
            ),
            _condition("Progressing", True, "NewReplicaSetAvailable" if done else "ReplicaSetUpdated", "", when),
        ]
        counts = {
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(wanted, total) - ready,
        }
        self._objects.write_status(DEPLOYMENTS, live, _counted(live, counts) | {"conditions": conditions})


class ReplicaSets:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def look(self, namespace: str, name: str) -> None:
        found = self._objects.store.get("replicasets.apps", namespace, name)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return
        pods = _pods(self._objects, found)
        wanted = found["spec"]["replicas"]
        for _ in range(wanted - len(pods)):
            self._create(found)
        for pod in sorted(pods, key=is_ready)[: max(len(pods) - wanted, 0)]:
            self._objects.delete(PODS, namespace, pod["metadata"]["name"], {})
        pods = _pods(self._objects, found)
        ready = sum(map(is_ready, pods))
        counts = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        self._objects.write_status(REPLICA_SETS, found, {"replicas": 0} | _counted(found, counts))

    def _create(self, found: Json) -> None:
        meta, template = found["metadata"], found["spec"]["template"]
        made = {
            "metadata": template["metadata"]
            | {"generateName": f"{meta['name']}-", "ownerReferences": [owner_reference(found)]},
            "spec": template["spec"],
        }
        self._objects.create(PODS, meta["namespace"], made, _HOW)


class StatefulSets:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def look(self, namespace: str, name: str) -> None:
        found = self._objects.store.get("statefulsets.apps", namespace, name)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return
        revision = f"{name}-{template_hash(found['spec']['template'])}"
        self._adopt(found)
        self._advance(found, revision)
        self._report(found, revision)

    def _adopt(self, found: Json) -> None:
        """Pods of its name and labels that nobody owns: a StatefulSet of that name was deleted without them."""
        namespace, name = found["metadata"]["namespace"], found["metadata"]["name"]
        for pod in self._objects.store.list("pods", namespace):
            meta = pod["metadata"]
            own = re.fullmatch(rf"{re.escape(name)}-\d+", meta["name"])
            if own and not meta.get("ownerReferences") and matches(found["spec"]["selector"], meta.get("labels") or {}):
                change = {"metadata": {"ownerReferences": [owner_reference(found)]}}
                self._objects.patch(PODS, namespace, meta["name"], _HOW, "merge", change)

    def _advance(self, found: Json, revision: str) -> None:
        """One step: a missing pod, a surplus one, or an outdated one, in this order and never past an unready one."""
        spec, namespace, name = found["spec"], found["metadata"]["namespace"], found["metadata"]["name"]
        start = spec.get("ordinals", {}).get("start", 0)
        ordered = spec["podManagementPolicy"] == "OrderedReady"
        pods = {pod["metadata"]["name"]: pod for pod in _pods(self._objects, found, dying=True)}
        names = [f"{name}-{start + each}" for each in range(spec["replicas"])]
        for each in names:
            if each not in pods:
                self._create(found, each, revision)
            if ordered and not (each in pods and is_ready(pods[each])):
                return
        surplus = sorted((each for each in pods if each not in names), key=_ordinal, reverse=True)
        for each in surplus:
            self._delete(namespace, pods[each])
            if ordered:
                return
        if spec["updateStrategy"]["type"] != "RollingUpdate":
            return
        partition = spec["updateStrategy"]["rollingUpdate"]["partition"]
        for each in reversed(names):
            if _ordinal(each) < partition:
                return
            if each not in pods or not is_ready(pods[each]):
                return
            if pods[each]["metadata"]["labels"].get("controller-revision-hash") != revision:
                self._delete(namespace, pods[each])
                return

    def _create(self, found: Json, name: str, revision: str) -> None:
        meta, spec = found["metadata"], found["spec"]
        template = spec["template"]
        labels = template["metadata"].get("labels", {}) | {
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(_ordinal(name)),
            "controller-revision-hash": revision,
        }
        volumes = list(template["spec"].get("volumes", []))
        for claim in spec.get("volumeClaimTemplates", []):
            volume = claim["metadata"]["name"]
            self._claim(found, claim, f"{volume}-{name}")
            volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": f"{volume}-{name}"}})
        pod_spec = template["spec"] | {"hostname": name, **({"volumes": volumes} if volumes else {})}
        made = {
            "metadata": template["metadata"]
            | {"name": name, "labels": labels, "ownerReferences": [owner_reference(found)]},
            "spec": pod_spec,
        }
        self._objects.create(PODS, meta["namespace"], made, _HOW)

    def _claim(self, found: Json, template: Json, name: str) -> None:
        namespace = found["metadata"]["namespace"]
        if self._objects.store.get("persistentvolumeclaims", namespace, name) is None:
            labels = template["metadata"].get("labels", {}) | found["spec"]["selector"].get("matchLabels", {})
            made = {"metadata": {"name": name, "labels": labels}, "spec": template["spec"]}
            self._objects.create(CLAIMS, namespace, made, _HOW)

    def _delete(self, namespace: str, pod: Json) -> None:
        if "deletionTimestamp" not in pod["metadata"]:
            self._objects.delete(PODS, namespace, pod["metadata"]["name"], {})

    def _report(self, found: Json, revision: str) -> None:
        pods = _pods(self._objects, found)
        ready = sum(map(is_ready, pods))
        updated = [pod for pod in pods if pod["metadata"]["labels"].get("controller-revision-hash") == revision]
        before = found.get("status", {})
        done = len(updated) == len(pods) == found["spec"]["replicas"] and ready == len(pods)
        current = revision if done or "currentRevision" not in before else before["currentRevision"]
        counts = {"replicas": len(pods), "readyReplicas": ready, "updatedReplicas": len(updated)}
        counts["currentReplicas"] = len(pods) - len(updated) if current != revision else len(updated)
        rest = {"availableReplicas": ready, "currentRevision": current, "updateRevision": revision, "collisionCount": 0}
        self._objects.write_status(STATEFUL_SETS, found, {"replicas": 0} | _counted(found, counts) | rest)


def template_hash(template: Json) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def owner_reference(owner: Json) -> Json:
    meta = owner["metadata"]
    named = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"]}
    return named | {"controller": True, "blockOwnerDeletion": True}


def owned_by(obj: Json, owner: Json) -> bool:
    return any(each["uid"] == owner["metadata"]["uid"] for each in obj["metadata"].get("ownerReferences", []))


def is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _pods(objects: Objects, owner: Json, *, dying: bool = False) -> list[Json]:
    found = objects.store.list("pods", owner["metadata"]["namespace"])
    return [pod for pod in found if owned_by(pod, owner) and (dying or "deletionTimestamp" not in pod["metadata"])]


def _counted(found: Json, counts: dict[str, int]) -> Json:
    """Counts as the real encoder shows them: zeros are left out."""
    seen: Json = {"observedGeneration": found["metadata"]["generation"]}
    return seen | {name: count for name, count in counts.items() if count}


def _condition(kind: str, good: bool, reason: str, message: str, when: str) -> Json:
    state = {"type": kind, "status": "True" if good else "False", "reason": reason, "message": message}
    return state | {"lastTransitionTime": when, "lastUpdateTime": when}


def _share(value: Any, of: int, *, up: bool) -> int:
    """An absolute number, or a percentage of the replicas."""
    if isinstance(value, int):
        return value
    exact = int(value.rstrip("%")) * of / 100
    return math.ceil(exact) if up else math.floor(exact)


def _ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])
