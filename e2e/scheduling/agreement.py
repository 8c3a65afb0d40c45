"""The comparison: orders come in rounds, each is fitted, held and deployed as the daemon does it, and the scheduler has
the last word.

What fits is deployed, a whole round at once, so that the promises of a round compete with one another. What was refused
and still is, once the round runs, is put before the scheduler with every card that would do. Then some leases end, and
the next round begins while their pods are still going.

Between the rounds the edge is looked for: of something large, the most replicas we say fit, which must run, and one
more, which must not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count, islice, product
from random import Random

import httpx

from bidengine.commit import Commit
from bidengine.hold import Hold
from bidengine.needs import needs
from bidengine.placement import Placement
from bidengine.plan import service_plans
from bidengine.reasons import Decline
from bidengine.room import Room
from e2e import cluster as real
from e2e.scheduling.attempt import NAMESPACE, attempt
from e2e.scheduling.orders import compiled, demanding, order
from e2e.scheduling.provisioner import provision
from e2e.scheduling.world import SANDBOX, World, client
from manifests.gpus import GpuModel, wish
from manifests.ids import LeaseID, OrderID, lease_namespace
from manifests.render import render
from manifests.render.crd import definitions
from manifests.render.isolation import Isolation
from manifests.render.site import ServicePlan, Site
from manifests.resources import GroupSpec
from manifests.sdl import Compiled
from provider.cluster.api import kinds
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.objects.apply import apply_all
from provider.isolation_settings import IsolationSettings
from provider.settings import ClusterSettings
from provider.tasks import spawn

US = "akash1us"
SITE = Site(network_policies=False, isolation=Isolation(runtime_class=SANDBOX))
WHAT_RUNS = ("Namespace", "Deployment", "StatefulSet")
"""The rest of a lease is of no concern to the scheduler."""
PATIENCE_S = 600.0
NOTICED_S = 60.0
"""After so long what the scheduler, the mirrors and we think of one order has come to rest on most machines."""
MOST = 40
"""replicas of one edge"""


@dataclass(slots=True)
class Outcome:
    fitted: int = 0
    refused: int = 0
    replicas: int = 0
    as_planned: int = 0
    """replicas on a node the bid reckoned with"""
    broken: list[str] = field(default_factory=list)
    """we said it fits, and the scheduler refuses a pod, or it runs on another card than promised"""
    crowded: list[str] = field(default_factory=list)
    """it did fit, and pods of other orders of its round went where it was reckoned with before its own came; now we
    say with the scheduler that it does not"""
    missed: list[str] = field(default_factory=list)
    """we refused, and the scheduler would have placed all pods: orders of several units, which we place without
    search"""
    unexplained: list[str] = field(default_factory=list)
    """the same for orders of one unit, where there is nothing to search"""
    edges: int = 0
    """of those that fit, how often it was the most that fits"""
    reasons: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """where the time went, for whoever wants it shorter"""

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[what] = round(self.seconds.get(what, 0.0) + time.monotonic() - started, 1)

    @property
    def compared(self) -> int:
        return self.fitted + self.refused


class _Done(Exception):
    pass


async def compare(cluster: real.Cluster, *, seed: int, nodes: int, orders: int, per_round: int = 20) -> Outcome:
    outcome = Outcome()
    async with client(cluster) as http:
        world = World(http, seed, nodes)
        with outcome.timed("making nodes"):
            await _prepare(world, http)
        settings = ClusterSettings(
            kubeconfig=cluster.kubeconfig,
            network_policies=False,
            isolation=IsolationSettings(runtime_class=SANDBOX),
            storage={"beta1": "900Ti", "beta2": "900Ti", "beta3": "900Ti"},
        )
        try:
            async with Kube.connect(settings) as kube, asyncio.TaskGroup() as tasks:
                spawn(tasks, "provisioner", provision(world))
                daemon = await Cluster.watch(kube, settings, tasks)
                play = _Play(world, daemon, kube, Random(seed), outcome)
                with outcome.timed("settling in"):
                    await play.settled_in()
                while outcome.compared < orders:
                    await play.round(min(per_round, orders - outcome.compared))
                    with outcome.timed("edges"):
                        for _ in range(per_round // 5):
                            await play.edge()
                    await play.end_some()
                raise _Done
        except* _Done:
            pass
    return outcome


async def _prepare(world: World, http: httpx.AsyncClient) -> None:
    for name in ("lease", NAMESPACE):
        await world.post("/api/v1/namespaces", {"metadata": {"name": name}})
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for crd in definitions():
        await world.post(crds, crd)
        while not _established(await http.get(f"{crds}/{crd['metadata']['name']}")):  # noqa: ASYNC110 - see _until
            await asyncio.sleep(0.1)
    await world.make()


def _established(answer: httpx.Response) -> bool:
    conditions = answer.json().get("status", {}).get("conditions") or ()
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


class _Play:
    def __init__(self, world: World, daemon: Cluster, kube: Kube, random: Random, outcome: Outcome) -> None:
        self.world, self.daemon, self.kube, self.random, self.outcome = world, daemon, kube, random, outcome
        self.room = Room(Commit())
        self.leases: list[LeaseID] = []
        self._going: list[LeaseID] = []
        self._dseq, self._busy = count(1), asyncio.Semaphore(8)

    async def settled_in(self) -> None:
        """The daemon has labelled the nodes that can be sold, and no others."""

        def shown() -> bool:
            named = {node.name for node in self.daemon.inventory().nodes} - {"sim-1"}
            return named == self.world.sellable

        await _until("all nodes in the inventory that can be sold", shown)

    async def round(self, count: int) -> None:
        self.room.see(self.daemon.inventory())
        won: list[tuple[LeaseID, Compiled, Placement]] = []
        lost: list[tuple[LeaseID, Compiled]] = []
        for _ in range(count):
            lease, made = self._lease(), order(self.random)
            found = self._hold(lease, made)
            if isinstance(found, Decline):
                lost.append((lease, made))
            else:
                won.append((lease, made, found))
        with self.outcome.timed("rounds: deploying"):
            await asyncio.gather(*(self._deploy(*entry) for entry in won))
        with self.outcome.timed("rounds: until scheduled"):
            for entry in won:
                await self._judge(*entry, alone=False)
        await self._ended_are_gone()
        self.room.see(self.daemon.inventory())
        assert not self.room.missing, "what is lost was judged"
        with self.outcome.timed("rounds: trying what was refused"):
            for lease, made in lost:
                await self._try(lease, made)

    async def edge(self) -> None:
        """The most replicas of something large that fit, at most MOST; if so, none more may."""
        wanted, lease = demanding(self.random), self._lease()
        self.room.see(self.daemon.inventory())
        one = compiled((wanted, 1))
        (unit,) = one.groups[0].resources
        fits = 0
        while fits < MOST:
            more = replace(one.groups[0], resources=(replace(unit, count=fits + 1),))
            if isinstance(self.room.fit(more), Decline):
                break
            fits += 1
        if fits:
            made = compiled((wanted, fits))
            placement = self._hold(lease, made)
            assert not isinstance(placement, Decline)
            await self._deploy(lease, made, placement)
            await self._judge(lease, made, placement, alone=True)
            self.room.see(self.daemon.inventory())
            self.outcome.edges += 1
        if fits < MOST:
            await self._try(self._lease(), one)

    async def end_some(self) -> None:
        for lease in [lease for lease in self.leases if self.random.random() < 0.4]:
            await self._end(lease)
            self.leases.remove(lease)

    async def _end(self, lease: LeaseID) -> None:
        await self.kube.delete(kinds.NAMESPACE, None, lease_namespace(lease))
        self.room.release(lease.order)
        self._going.append(lease)

    async def _ended_are_gone(self) -> None:
        """Else room comes free while attempts are compared with what there was before."""
        for lease in self._going:
            await _until(f"the pods of {lease} to be gone", lambda lease=lease: not self.daemon.pods(lease))
        self._going.clear()

    def _lease(self) -> LeaseID:
        return OrderID("akash1tenant", next(self._dseq), 1, 1).bid_of(US)

    def _hold(self, lease: LeaseID, made: Compiled) -> Placement | Decline:
        found = self.room.fit(made.groups[0])
        if isinstance(found, Placement):
            assert isinstance(self.room.hold(lease.order, made.groups[0], found, height=1), Hold)
            self.room.lease(lease, height=2)
        return found

    async def _deploy(self, lease: LeaseID, made: Compiled, placement: Placement) -> None:
        (group,) = made.manifest
        objects = render(lease, group, service_plans(group, placement), SITE, "1")
        async with self._busy:
            await apply_all(self.kube, (obj for obj in objects if obj["kind"] in WHAT_RUNS))

    async def _judge(self, lease: LeaseID, made: Compiled, placement: Placement, *, alone: bool) -> None:
        """Whether every replica is bound, on a node with its card."""
        self.outcome.fitted += 1
        replicas = len(placement.slots)

        def bound() -> bool:
            return sum(bool(pod.node) for pod in self.daemon.pods(lease)) == replicas

        def decided() -> bool:
            return bound() or any(pod.trouble == "Unschedulable" for pod in self.daemon.pods(lease))

        await _until(f"the pods of {lease}", decided)
        if not await self._comes(bound, lease, alone=alone):
            pods = self.daemon.pods(lease)
            said = next((pod.detail for pod in pods if not pod.node), "")
            told = f"{lease}: {said}\n  {made.groups[0].resources}\n  {placement}"
            lost = self._crowded_out(lease, alone=alone)
            (self.outcome.crowded if lost else self.outcome.broken).append(told)
            await self._end(lease)
            return
        self.leases.append(lease)
        self.outcome.replicas += replicas
        cards = {node.name: [gpu.model for gpu in node.gpus if gpu.model] for node in self.daemon.nodes()}
        for service in made.manifest[0].services:
            card = placement.gpu_of(service.resources.id)
            planned = set(placement.nodes_of(service.resources.id))
            for pod in self.daemon.pods(lease, service.name):
                self.outcome.as_planned += pod.node in planned
                # A card that was promised without its memory is any of its model.
                if card is not None and not any(map(wish(card.key()).granted_by, cards.get(pod.node, ()))):
                    self.outcome.broken.append(f"{lease}: promised {card.key()}, runs on {pod.node}")

    def _crowded_out(self, lease: LeaseID, *, alone: bool) -> bool:
        self.room.see(self.daemon.inventory())
        return not alone and lease.order in self.room.missing

    async def _comes(self, bound: Callable[[], bool], lease: LeaseID, *, alone: bool) -> bool:
        """A pod that is refused is tried again when something changes, and changes may be under way. A promise is
        broken only where minutes do not help, unless by now we say with the scheduler that it does not fit."""
        for limit_s in (NOTICED_S, PATIENCE_S):
            with suppress(TimeoutError):
                await _until("all pods to be bound", bound, limit_s)
                return True
            if self._crowded_out(lease, alone=alone):
                break
        return False

    async def _try(self, lease: LeaseID, made: Compiled) -> None:
        spec, (group,) = made.groups[0], made.manifest
        found = self.room.fit(spec)
        if not isinstance(found, Decline):
            return  # the round has left more room than its promises had
        self.outcome.refused += 1
        self.outcome.reasons[found.reason] = self.outcome.reasons.get(found.reason, 0) + 1
        before = self.daemon.inventory().nodes
        for cards in islice(self._choices(made), 12):
            plan = {
                s.name: ServicePlan("nvidia" if card.vendor == "nvidia" else "", card)
                for s in group.services
                if (card := cards.get(s.resources.id)) is not None
            }
            tried = await attempt(self.world, render(lease, group, plan, SITE, "1"))
            await _until("the attempt's pods to be gone", lambda: self.daemon.inventory().nodes == before)
            if tried.refused:
                continue
            several = len(spec.resources) > 1
            try:  # leases that end may have made room, which the scheduler has seen a moment before us
                await _until("the same opinion", lambda: self._fits_now(spec), NOTICED_S if several else PATIENCE_S)
            except TimeoutError:
                told = f"{lease}: {found.detail}, but {tried.nodes} took it\n  {spec.resources}"
                (self.outcome.missed if several else self.outcome.unexplained).append(told)
            return

    def _fits_now(self, spec: GroupSpec) -> bool:
        self.room.see(self.daemon.inventory())
        return isinstance(self.room.fit(spec), Placement)

    def _choices(self, made: Compiled) -> Iterator[dict[int, GpuModel]]:
        """One card for each unit with GPUs, of all that would do, sold or not; a model nobody has when none does."""
        known = sorted({gpu.model for node in self.daemon.nodes() for gpu in node.gpus if gpu.model is not None})
        wanting = [need for need in needs(made.groups[0], Commit()) if need.ask.gpu_units]
        nobody = (GpuModel("nvidia", "nobody"),)
        for cards in product(*(need.cards(known) or nobody for need in wanting)):
            yield {need.resource_id: card for need, card in zip(wanting, cards, strict=True)}


async def _until(what: str, so: Callable[[], bool], limit_s: float = PATIENCE_S) -> None:
    try:
        async with asyncio.timeout(limit_s):
            while not so():  # noqa: ASYNC110 - what is waited for happens in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"waited {limit_s:.0f} s for {what}") from None
