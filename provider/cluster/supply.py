"""What the cluster has to sell, as the mirrors show it: an inventory, made anew once for all that has changed since,
and the same in words for the operator.

It asks the API server nothing. The operator's file of GPU models belongs to it as well: another name for a card is
another thing to sell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from bidengine.node import Inventory
from bidengine.runtimes import Runtimes
from provider.cluster.inventory import gputable, runtimeclasses
from provider.cluster.inventory.addresses import Addresses
from provider.cluster.inventory.attachable import by_node
from provider.cluster.inventory.capabilities import Capabilities, capabilities
from provider.cluster.inventory.capacities import Published
from provider.cluster.inventory.inventory import inventory
from provider.cluster.inventory.nodes import NodeFacts
from provider.cluster.inventory.notices import Notices
from provider.cluster.inventory.survey import NodeReport, survey
from provider.cluster.inventory.volumes import StorageClass, declared, offered, unsold
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects.retained import Retained
from provider.settings import ClusterSettings
from provider.watched import Watched

SETTLE_S = 0.5
"""Changes of the inventory are told together after this: a rollout moves dozens of pods at once."""
LIST_AGAIN_S = 30.0
"""The operator's file of GPU models is looked at this often."""


class Supply:
    """`moved()` is called once changes have settled; `nodes_moved()` at once when nodes, their storage, the names of
    their cards or the runtimes that are for them have changed."""

    def __init__(
        self, mirrors: Mirrors, settings: ClusterSettings, moved: Callable[[], None], nodes_moved: Callable[[], None]
    ) -> None:
        self.version = 0
        """grows with every change of the inventory"""
        self._mirrors, self._settings, self._moved, self._nodes_moved = mirrors, settings, moved, nodes_moved
        self._declared = declared(settings.storage)
        self._gpus = Watched(settings.gpus, gputable.read, "GPU table") if settings.gpus is not None else None
        self._reports: list[NodeReport] | None = None
        self._notices = Notices()
        self._inventory: tuple[int, Inventory] | None = None
        self._settling: asyncio.TimerHandle | None = None

    def inventory(self) -> Inventory:
        """Made anew only when `version` has moved."""
        if self._inventory is None or self._inventory[0] != self.version:
            mirrors, classes, nodes = self._mirrors, self.classes(), self.opened()
            made = inventory(
                nodes=nodes,
                pods=mirrors.pods.all(),
                leases=mirrors.leases,
                classes=classes,
                claims=[*mirrors.claims.all(), *(volume.claim for volume in self.retained() if not volume.bound)],
                published=Published(mirrors.capacities.all()),
                attachable=by_node(mirrors.csi_nodes.all()),
                declared_bytes=self._declared,
                table=self.gpu_table,
                services=[s for s in mirrors.foreign_services.all() if s.namespace not in mirrors.leases],
                node_ports=self._settings.node_ports,
                leased_ips=self.addresses(),
                runtimes=runtimeclasses.confined(self._runtimes(), nodes, self.gpu_table),
            )
            self._inventory = (self.version, made)
            storage = unsold(classes, self._settings.storage_classes, made.storage_bytes)
            self._notices.look(self.nodes(), storage, self.runtimes_lacking(made))
        return self._inventory[1]

    def nodes(self) -> list[NodeReport]:
        """Every node of the cluster by name: whether it is sold, what its GPUs are, and why not."""
        if self._reports is None:
            nodes = sorted(self.opened(), key=lambda node: node.name)
            self._reports = [survey(node, self.gpu_table) for node in nodes]
        return self._reports

    def opened(self) -> list[NodeFacts]:
        """Every node, as the pods of leases find it."""
        runtimes, classes = self._runtimes(), self._mirrors.runtime_classes.all()
        return [runtimeclasses.opened(node, runtimes, classes) for node in self._mirrors.nodes.all()]

    @property
    def nodes_out(self) -> int:
        """Nodes that are not heard of or that the operator has cordoned: what runs there may come back."""
        return sum(not node.ready or node.unusable == "cordoned" for node in self._mirrors.nodes.all())

    def capabilities(self) -> Capabilities:
        """What the provider can say of itself, whatever is in use."""
        return capabilities(self._mirrors.nodes.all(), self.gpu_table, self.inventory().storage_bytes)

    def runtimes_lacking(self, inventory: Inventory | None = None) -> dict[str, str]:
        """RuntimeClass the cluster lacks -> what is not sold without it, with the cure."""
        inventory = inventory or self.inventory()
        return runtimeclasses.unsold(inventory.runtimes, inventory.nodes)

    def classes(self) -> tuple[StorageClass, ...]:
        return offered(self._mirrors.classes.all(), self._settings.storage_classes)

    def addresses(self) -> Addresses:
        named = self._settings.ip_pool
        found = (pool for pool in self._mirrors.pools.all() if pool.name == named)
        return next(found, 0) if named else self._settings.leased_ips

    def retained(self) -> Collection[Retained]:
        return self._mirrors.retained.all()

    @property
    def gpu_table(self) -> gputable.GpuTable:
        return gputable.bundled() if self._gpus is None else self._gpus.current

    def changed(self) -> None:
        self.version += 1
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._settled)

    def nodes_changed(self) -> None:
        self._reports = None
        self._nodes_moved()

    async def run(self) -> None:
        """Cards are looked up anew when the operator has changed the file of models."""
        while self._gpus is not None:
            await asyncio.sleep(LIST_AGAIN_S)
            if self._gpus.look():
                self.changed()
                self.nodes_changed()

    def _settled(self) -> None:
        self._settling = None
        self._moved()

    def _runtimes(self) -> Runtimes:
        nvidia, sandbox = self._settings.gpu_runtime_class, self._settings.isolation.runtime_class
        return runtimeclasses.runtimes(nvidia, sandbox, self._mirrors.runtime_classes.all())
