"""What keeps a cluster moving when nobody asks it to: every change names keys to look at, and each look acts on what
is.

No tasks: looks are synchronous, run from the event loop's own queue, so the whole cluster advances between two awaits
of a test. Only two things take time, and only as much as the cluster was built with: a pod becoming ready and a pod
stopping.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from provider.sandbox.cluster.balancers import Balancers
from provider.sandbox.cluster.claims import Claims
from provider.sandbox.cluster.kinds import DEFINITIONS
from provider.sandbox.cluster.namespaces import Namespaces
from provider.sandbox.cluster.objects import Objects
from provider.sandbox.cluster.persistent import Volumes
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.store import Change, Key
from provider.sandbox.cluster.sweep import Dependents
from provider.sandbox.cluster.vessel import Vessel
from provider.sandbox.cluster.workloads import Deployments, ReplicaSets, StatefulSets

Json = dict[str, Any]


class Controllers:
    """`trouble` holds the first unexpected exception of a look; EmbeddedCluster raises it when it closes."""

    def __init__(
        self,
        objects: Objects,
        containers: Containers,
        *,
        ready_after_s: float,
        stop_after_s: float,
        addresses: Sequence[str] = (),
    ) -> None:
        self._objects = objects
        self._dirty: dict[Key, None] = {}
        self._running = False
        self._timers: set[asyncio.TimerHandle] = set()
        self.trouble: Exception | None = None
        self.vessel = Vessel(objects, containers, self.later, ready_after_s=ready_after_s, stop_after_s=stop_after_s)
        self._dependents = Dependents(objects)
        volumes = Volumes(objects)
        namespaces, claims = Namespaces(objects), Claims(objects, volumes)
        self._looks: dict[str, Callable[[str, str], None]] = {
            "namespaces": lambda _, name: namespaces.look(name),
            "persistentvolumeclaims": claims.look,
            "persistentvolumes": lambda _, name: volumes.look(name),
            "pods": self.vessel.look,
            "services": Balancers(objects, addresses).look,
            "deployments.apps": Deployments(objects).look,
            "replicasets.apps": ReplicaSets(objects).look,
            "statefulsets.apps": StatefulSets(objects).look,
            DEFINITIONS.resource: lambda _, name: _establish(objects, name),
        }
        self._deaf = objects.store.listen(self._hear)

    def close(self) -> None:
        self._deaf()
        for timer in self._timers:
            timer.cancel()

    def later(self, delay_s: float, look_at: Key) -> None:
        """Look at a key after a while."""

        def due() -> None:
            self._timers.discard(timer)
            self.vessel.rung(look_at)
            self._put(look_at)

        timer = asyncio.get_running_loop().call_later(delay_s, due)
        self._timers.add(timer)

    def _hear(self, change: Change) -> None:
        self.vessel.hear(change)
        self._dependents.hear(change)
        resource, namespace, _ = change.key
        self._put(change.key)
        for owner in change.last["metadata"].get("ownerReferences", []):
            kind = self._objects.kinds.by_kind(owner["apiVersion"], owner["kind"])
            if kind is not None:
                self._put((kind.resource, namespace if kind.namespaced else "", owner["name"]))
        if (
            resource == "persistentvolumeclaims"
            or (resource == "nodes")
            or (resource == "pods" and change.after is None)
        ):
            for place in self.vessel.waiting():
                self._put(("pods", *place))
        if resource == "pods" and change.after is None:
            for volume in change.last["spec"].get("volumes", []):
                if "persistentVolumeClaim" in volume:
                    self._put(("persistentvolumeclaims", namespace, volume["persistentVolumeClaim"]["claimName"]))
        if change.after is None and namespace:
            self._put(("namespaces", "", namespace))

    def _put(self, key: Key) -> None:
        self._dirty[key] = None
        if not self._running:
            self._running = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        """Look at what is dirty now; what that makes dirty comes next time round, so requests get their turn in
        between.
        """
        batch, self._dirty = self._dirty, {}
        self._running = False
        for resource, namespace, name in batch:
            try:
                self._dependents.look(resource, namespace, name)
                look = self._looks.get(resource)
                if look is not None:
                    look(namespace, name)
            except ApiError as no:
                if no.code not in (403, 404, 409):  # gone, or going: somebody was quicker
                    self.trouble = self.trouble or no
            except Exception as trouble:  # kept for the one who closes the cluster
                self.trouble = self.trouble or trouble


def _establish(objects: Objects, name: str) -> None:
    """Conditions of a definition: its names are accepted and it is served."""
    found = objects.store.get(DEFINITIONS.resource, "", name)
    if found is None or found.get("status", {}).get("conditions"):
        return
    spec = found["spec"]
    stored = [each["name"] for each in spec["versions"] if each.get("storage")]
    when = found["metadata"]["creationTimestamp"]
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": when}
        for kind, reason in (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))
    ]
    state = {"conditions": conditions, "acceptedNames": spec["names"], "storedVersions": stored}
    objects.write_status(DEFINITIONS, found, state)
