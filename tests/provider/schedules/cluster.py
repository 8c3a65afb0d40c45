"""A small cluster in memory: what manifests, namespaces and nodes there are outlives the daemon that looks at it, and
taking down a lease that lives is caught in the act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from bidengine.node import Inventory, Node
from manifests.ids import LeaseID
from manifests.render.crd import StoredManifest
from provider.cluster.health.causes import Cause
from provider.cluster.health.workloads import ServiceHealth
from provider.cluster.leasefacts import LeaseFacts
from provider.errors import Blame, Refused, Unreachable
from tests.provider.schedules.mortal import living

NODES = (Node("n1", 4_000, 16 << 30, 64 << 30), Node("n2", 2_000, 8 << 30, 64 << 30))
Listener = Callable[[LeaseID | None], None]


@dataclass
class Machines:
    """What is really there."""

    lives: Callable[[LeaseID], bool]
    """the chain's own word"""
    stored: dict[LeaseID, StoredManifest] = field(default_factory=dict)
    spaces: set[LeaseID] = field(default_factory=set)
    sick: dict[LeaseID, Cause] = field(default_factory=dict)
    going: dict[LeaseID, int] = field(default_factory=dict)
    """namespaces that take their time -> looks until they are gone"""
    up: int = len(NODES)
    version: int = 1
    absent: bool = False
    refuses: bool = False
    slow_to_go: bool = False
    seen_by: Seen | None = None
    """the daemon that runs"""
    wrong: list[str] = field(default_factory=list)

    def changed(self, lease: LeaseID | None) -> None:
        if lease is None:
            self.version += 1
        if self.seen_by is not None:
            for listener in self.seen_by.listeners:
                listener(lease)


class Seen:
    """`provider.cluster.cluster.Cluster` as the daemon's parts use it."""

    def __init__(self, machines: Machines) -> None:
        self.m = machines
        self.listeners: list[Listener] = []
        self.stale_s = 0.0
        machines.seen_by = self

    async def watch(self, *_: Any, **__: Any) -> Self:
        self._ask()
        return self

    def on_change(self, listener: Listener) -> None:
        self.listeners.append(listener)

    @property
    def fresh(self) -> bool:
        return not self.m.absent

    @property
    def nodes_out(self) -> int:
        return len(NODES) - self.m.up

    @property
    def inventory_version(self) -> int:
        return self.m.version

    def inventory(self) -> Inventory:
        return Inventory(NODES[: self.m.up], node_ports=50)

    def nodes(self) -> list[Any]:
        return []

    def leases(self) -> dict[LeaseID, StoredManifest]:
        return self.m.stored

    async def has_manifest(self, lease: LeaseID) -> bool:
        self._ask()
        return lease in self.m.stored

    def namespaces(self) -> set[LeaseID]:
        return self.m.spaces

    def traces(self) -> set[LeaseID]:
        return {*self.m.stored, *self.m.spaces}

    def amiss(self, lease: LeaseID) -> str:
        return "" if lease in self.m.spaces else "no namespace"

    def is_update(self, lease: LeaseID, revision: str) -> bool:
        return False

    def outdated(self, lease: LeaseID) -> bool:
        return False

    def facts(self, lease: LeaseID) -> LeaseFacts:
        return LeaseFacts(lease, self.m.stored.get(lease), services=self.health(lease))

    def expired(self, now_unix_s: int) -> list[str]:
        return []

    def litter(self, lease: LeaseID, now_unix_s: int) -> list[Any]:
        return []

    def stuck(self, now_unix_s: int) -> list[Any]:
        return []

    def health(self, lease: LeaseID) -> dict[str, ServiceHealth]:
        if lease not in self.m.stored:
            return {}
        cause = self.m.sick.get(lease, Cause.NONE if lease in self.m.spaces else Cause.STARTING)
        return {"web": ServiceHealth(int(cause is Cause.NONE), 1, cause.value, cause)}

    def unshielded(self, lease: LeaseID) -> str:
        return self.amiss(lease)

    async def shield(self, lease: LeaseID, group: Any, plan: Any, revision: str) -> None:
        self._ask()

    async def deploy(self, lease: LeaseID, group: Any, plan: Any, revision: str, *, update: bool = False) -> None:
        self._ask()
        if self.m.refuses:
            raise Refused("the API server does not like this manifest", blame=Blame.TENANT)
        self.m.spaces.add(lease)
        self._done()

    async def teardown(self, lease: LeaseID) -> bool:
        self._ask()
        if self.m.lives(lease):
            self.m.wrong.append(f"{lease} was taken down and lives")
        left = self.m.going.setdefault(lease, 2 if self.m.slow_to_go else 0)
        if left and lease in self.m.spaces:
            self.m.going[lease] = left - 1
            self.m.stored.pop(lease, None)
            self._done()
            return False
        self.m.stored.pop(lease, None)
        self.m.spaces.discard(lease)
        self._done()
        return True

    def _ask(self) -> None:
        life = living()
        if life is not None:
            life.step()
        if self.m.absent:
            raise Unreachable("no API server answers")

    def _done(self) -> None:
        life = living()
        if life is not None:
            life.stepped()
