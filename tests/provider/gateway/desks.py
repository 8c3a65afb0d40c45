"""A provider's desk with one node and its leases: book, room and leases are real; chain and cluster are in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from json import dumps, loads
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

from bidengine.commit import Commit
from bidengine.needs import Volumes
from bidengine.node import Inventory, Node
from bidengine.room import Room
from bidengine.views import Deployment, Group, Lease, MarketParams, Order, Provider
from manifests.coins import E18, Coin, DecCoin
from manifests.gpus import GpuModel
from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.sdl import Compiled, compile_sdl
from manifests.wire import manifest_json
from provider.cluster.objects.claimed import why_not
from provider.cluster.routes.waiting import Waiting
from provider.errors import NotFound
from provider.gateway.desk import Answer
from provider.gateway.reception import Reception
from provider.market.book import Book
from provider.market.leases.leases import Leases
from provider.metrics import Metrics
from provider.settings import LeaseSettings

EXAMPLES = Path(__file__).resolve().parent.parent.parent.parent / "examples"
US, TENANT, STRANGER = "akash1us", "akash1tenant", "akash1stranger"
A100, RTX = GpuModel("nvidia", "a100", "80Gi", "sxm"), GpuModel("nvidia", "rtx4090", "24Gi", "pcie")


@dataclass
class MemoryChain:
    deployments: dict[DeploymentID, Deployment] = field(default_factory=dict)
    certificates: dict[tuple[str, int], Any] = field(default_factory=dict)
    accounts: dict[str, Any] = field(default_factory=dict)
    trouble: Exception | None = None
    asked: int = 0

    async def deployment(self, deployment: DeploymentID) -> Deployment:
        return self._answer(self.deployments, deployment)

    async def certificate(self, owner: str, serial: int) -> Any:
        return self._answer(self.certificates, (owner, serial))

    async def account(self, address: str) -> Any:
        return self._answer(self.accounts, address)

    def _answer(self, table: Any, key: Any) -> Any:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        if key not in table:
            raise NotFound(f"{key} not found")
        return table[key]


@dataclass
class MemoryReach:
    refused: str | None = None
    told: tuple[Waiting, ...] = ()
    moved: list[str] = field(default_factory=list)

    def objection(self, lease: LeaseID, group: ManifestGroup) -> str | None:
        return self.refused

    def waiting(self, lease: LeaseID) -> tuple[Waiting, ...]:
        return self.told

    def hosts(self, lease: LeaseID) -> dict[str, Any]:
        return {"a.example": {"metadata": {"name": "a.example"}, "spec": {"service_name": "web"}}}

    def endpoint(self, lease: LeaseID, name: str) -> list[Any]:
        return [{"metadata": {"name": name}, "spec": {"service_name": "web"}}]

    def holders(self, claims: Any) -> set[tuple[LeaseID, str]]:
        return set()

    async def move(self, lease: LeaseID, claims: Any) -> None:
        self.moved += [claim["metadata"]["name"] for claim in claims]


@dataclass
class MemoryCluster:
    reach: MemoryReach = field(default_factory=MemoryReach)
    stored: dict[LeaseID, StoredManifest] = field(default_factory=dict)
    running: dict[LeaseID, dict[str, Any]] = field(default_factory=dict)
    trouble: Exception | None = None
    troubles: dict[int, Exception] = field(default_factory=dict)
    """by the group's number"""
    fresh: bool = True

    def leases(self) -> dict[LeaseID, StoredManifest]:
        return self.stored

    def namespaces(self) -> set[LeaseID]:
        return set(self.running)

    def lease_status(self, lease: LeaseID) -> dict[str, Any] | None:
        return self.running.get(lease)

    async def volumes_objection(self, lease: LeaseID, group: ManifestGroup, bought: Volumes) -> str | None:
        stored = self.stored.get(lease)
        return why_not(stored.group if stored is not None else None, {}, group, bought)

    async def store_manifest(self, lease: LeaseID, group: ManifestGroup, plan: Any, *, dry_run: bool = False) -> None:
        if self.trouble is not None:
            raise self.trouble
        if (trouble := self.troubles.get(lease.gseq)) is not None:
            raise trouble
        if not dry_run:
            self.stored[lease] = StoredManifest(lease, group, plan)


class Desk:
    """A provider with one node and one lease: deployment 7 of TENANT, ordered with `compiled`."""

    def __init__(self, compiled: Compiled, leased_groups: int = 1) -> None:
        self.chain, self.cluster, self.metrics = MemoryChain(), MemoryCluster(), Metrics()
        params = MarketParams((Coin("uakt", 1),), 20, 0, 0)
        self.book = Book(Provider(US, "https://us.test:8443", ()), params, 5, 50)
        self.room = Room(Commit())
        node = Node("n1", 64_000, 64 << 30, 1 << 40, gpus={RTX: 4, A100: 8}, classes=frozenset({"beta3"}))
        self.room.see(Inventory((node,), storage_bytes={"beta3": 1 << 40}, node_ports=10, leased_ips=4))
        self.deployment = DeploymentID(TENANT, 7)
        groups = [Group(GroupID(TENANT, 7, n), "open", spec) for n, spec in enumerate(compiled.groups, start=1)]
        self.chain.deployments[self.deployment] = Deployment(self.deployment, "active", compiled.version, tuple(groups))
        self.book.deployments[self.deployment] = self.chain.deployments[self.deployment]
        self.leases = [self.lease(group) for group in groups[:leased_groups]]
        self.body = dumps(manifest_json(compiled.manifest)).encode()
        self.life = Leases(self.book, self.room, self.cluster, Some(), Some(), LeaseSettings(), lambda: 6000)
        self.reception = Reception(
            self.book, self.room, self.life, self.cluster, lambda: self.chain, self.metrics,
            public_hostname="provider.test", kube_version={"gitVersion": "v1.34.0"}, open_orders=lambda: 3,
        )  # fmt: skip

    def lease(self, group: Group) -> LeaseID:
        order = OrderID(TENANT, 7, group.id.gseq, 1)
        lease = order.bid_of(US)
        self.book.orders[order] = Order(order, "active", group.spec, 3)
        self.book.leases[lease] = Lease(lease, "active", DecCoin("uact", 5 * E18), 4)
        placement = self.room.fit(group.spec)
        self.room.hold(order, group.spec, placement, height=3)
        self.room.lease(lease, height=4)
        return lease

    async def put(self, body: bytes | None = None, *, owner: str = TENANT, dseq: int = 7) -> tuple[int, str]:
        try:
            await self.reception.submit_manifest(owner, dseq, self.body if body is None else body)
        except Answer as answer:
            return answer.status, answer.text
        return 200, ""

    def edited(self, **changes: Any) -> bytes:
        """The manifest with something else in its first service."""
        groups = loads(self.body)
        groups[0]["services"][0].update(changes)
        return dumps(groups).encode()

    def agree_to(self, body: bytes) -> None:
        """The tenant puts this manifest's hash on chain."""
        from manifests.digest import version
        from manifests.wire import parse_manifest

        hashed = replace(self.chain.deployments[self.deployment], hash=version(parse_manifest(body)))
        self.chain.deployments[self.deployment] = hashed


def compiled(name: str) -> Compiled:
    return compile_sdl((EXAMPLES / name).read_bytes())
