"""`python -m e2e.bench leases`: what leases cost the API server and the daemon, from the first deployment over an
update and a restart to the last clean-up, on a real control plane with simulated nodes.

The daemon's own parts around a cluster run here, in this process: Cluster, Room and Leases over a book in memory. Calls
are counted at the door to the API server, watches aside; bids, gateway and chain are not part of it. CPU and memory are
this process's, seconds are of this machine. Of eight leases every fourth has a port of its own, every fourth a volume,
every fourth a second service.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from bidengine.room import Room
from bidengine.views import Lease, MarketParams, Order, Provider
from e2e.asked import Noted
from e2e.bench.orders import usage
from e2e.cluster import Cluster as RealCluster
from e2e.scheduling.provisioner import provision
from e2e.scheduling.world import DRIVER, World, client
from manifests.coins import E18, DecCoin
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render.crd import definitions
from manifests.sdl import compile_sdl
from provider import log
from provider.chain.messages import Msg
from provider.cluster.api.kinds import DEPLOYMENT, NAMESPACE, NETWORK_POLICY, SERVICE, STATEFUL_SET
from provider.cluster.cluster import Cluster
from provider.errors import NotFound
from provider.market.book import Book
from provider.market.leases.leases import Leases
from provider.market.restart import rebuilt
from provider.settings import BidSettings, ClusterSettings, LeaseSettings
from provider.tasks import spawn

US = "akash1" + "us" * 19
BLOCK_S = 1.0
PATIENCE_S = 900.0
COMPARED = (NAMESPACE, DEPLOYMENT, STATEFUL_SET, SERVICE, NETWORK_POLICY)
SDL = """
version: "2.0"
services:
  web:
    image: "docker.io/library/web:{tag}"
    expose: [{{port: 8080, as: 80, to: [{{global: true}}]}}{port}]
    {mount}
{db}
profiles:
  compute:
    web: {{resources: {{cpu: {{units: 100m}}, memory: {{size: 64Mi}}, storage: [{{size: 64Mi}}{volume}]}}}}
    db: {{resources: {{cpu: {{units: 100m}}, memory: {{size: 64Mi}}, storage: [{{size: 64Mi}}]}}}}
  placement: {{here: {{pricing: {{web: {{denom: uact, amount: 10000}}, db: {{denom: uact, amount: 10000}}}}}}}}
deployment: {{web: {{here: {{profile: web, count: 1}}}}{also}}}
"""
PORT = ", {port: 22, as: 22, to: [{global: true}]}"
VOLUME = ", {name: data, size: 1Gi, attributes: {persistent: true, class: beta2}}"
MOUNT = "params: {storage: {data: {mount: /data, readOnly: false}}}"
DB = '  db: {image: "docker.io/library/db:1", expose: [{port: 5432, to: [{service: web}]}]}'


@dataclass
class Market:
    """The leases, and the chain's word about them."""

    book: Book
    lived: dict[LeaseID, Lease] = field(default_factory=dict)
    number: dict[LeaseID, int] = field(default_factory=dict)

    @classmethod
    def of(cls, count: int) -> Market:
        out = cls(Book(Provider(US, "https://us.test", ()), MarketParams((), 20, 0, 0), 1_000, 0))
        for number in range(count):
            lease = LeaseID(f"akash1{number:038d}", number + 1, 1, 1, US)
            found = out.lived[lease] = Lease(lease, "active", DecCoin("uact", 1_000 * E18), 1_000)
            out.number[lease] = number
            out.book.leases[lease] = found
            out.book.orders[lease.order] = Order(lease.order, "active", compile_sdl(_sdl(number, 1)).groups[0], 1_000)
        return out

    def wanted(self, lease: LeaseID, tag: int) -> ManifestGroup:
        return compile_sdl(_sdl(self.number[lease], tag)).manifest[0]

    def end_all(self) -> None:
        for lease, live in self.book.leases.items():
            self.lived[lease] = Lease(lease, "closed", live.price, live.created_at)
        self.book.leases.clear()

    async def confirmed(self, lease: LeaseID) -> Lease:
        if lease not in self.lived:
            raise NotFound(str(lease))
        return self.lived[lease]


@dataclass
class Daemon:
    """The part of it that is measured."""

    kube: Noted
    cluster: Cluster
    room: Room
    leases: Leases

    async def until(self, what: str, good: Callable[[], bool]) -> None:
        """And nobody is at work."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.leases.queue) or not good():  # noqa: ASYNC110 - the mirrors tell of changes, not of ends
                await asyncio.sleep(0.05)
        assert not self.leases.problems, f"{what}: {next(iter(self.leases.problems.values()))}"


@asynccontextmanager
async def daemon(settings: ClusterSettings, market: Market) -> AsyncIterator[Daemon]:
    async def send(_: Msg) -> str:
        raise AssertionError("no lease is closed here for its trouble")

    async with Noted.connect(settings) as kube, asyncio.TaskGroup() as tasks:
        cluster = await Cluster.watch(kube, settings, tasks)
        room, _ = rebuilt(market.book, cluster.inventory(), settings, BidSettings())
        leases = Leases(
            market.book, room, cluster, send, market.confirmed, LeaseSettings(manifest_timeout_s=0), lambda: 6000
        )
        cluster.on_change(lambda lease: leases.look([lease]) if lease is not None else None)
        out = Daemon(kube, cluster, room, leases)
        running = [spawn(tasks, "leases", leases.run()), spawn(tasks, "blocks", _blocks(out, market.book))]
        try:
            yield out
        finally:
            for task in (*running, *tasks._tasks):  # the mirrors never end by themselves
                task.cancel()


async def _blocks(of: Daemon, book: Book) -> None:
    seen = -1
    while True:
        book.height += 1
        of.leases.tick(book.height)
        if of.cluster.inventory_version != seen:
            seen = of.cluster.inventory_version
            of.room.see(of.cluster.inventory())
        await asyncio.sleep(BLOCK_S)


async def run(settings: ClusterSettings, count: int, idle_s: float = 60.0) -> dict[str, Any]:
    """On a cluster that has our definitions, the namespace of manifests, and a storage class `beta2`."""
    market = Market.of(count)
    pods: dict[LeaseID, set[str]] = {}
    out: dict[str, Any] = {"leases": count}

    async def send(to: Daemon, tag: int) -> None:
        await asyncio.gather(*(_stored(to, market, lease, tag) for lease in market.book.leases))

    async with daemon(settings, market) as one:
        every = len(one.cluster.nodes())
        await one.until("nodes are marked", lambda: len(one.cluster.inventory().nodes) == every)
        out["nodes"] = len(one.cluster.inventory().nodes)
        out["rss_mib"] = {"before": usage(os.getpid())["rss_mib"]}
        with _measured(one, out, "create", count):
            await send(one, 1)
            await one.until("create", lambda: _all_run(one, market, pods))
        pods.update(_pods(one, market))
        with _measured(one, out, "update", count):
            await send(one, 2)
            await one.until("update", lambda: _all_run(one, market, pods))
        await asyncio.sleep(2 * BLOCK_S)
        one.leases.look_at_all()
        with _measured(one, out, "idle", count):
            await asyncio.sleep(idle_s)
        out["calls_idle"] = sum(out.pop("idle")["calls"].values())
        out["rss_mib"]["deployed"] = usage(os.getpid())["rss_mib"]
        one.room.see(one.cluster.inventory())
        free, versions = one.room.free(), await _versions(one)

    began = time.perf_counter()
    async with daemon(settings, market) as two:
        listed_s = time.perf_counter() - began
        at_once = two.room.free() == free
        with _measured(two, out, "restart", count):
            two.leases.look_at_all()
            await two.until("restart", lambda: True)
        moved = [name for name, version in (await _versions(two)).items() if versions.get(name) != version]
        out["restart"] |= {
            "listed_s": round(listed_s, 2), "inventory_equal_at_once": at_once, "inventory_equal_after":
            two.room.free() == free, "objects_changed": len(moved),
        }  # fmt: skip
        market.end_all()
        with _measured(two, out, "close", count):
            two.leases.look_at_all()
            await two.until("close", lambda: not any(lease.provider == US for lease in two.cluster.traces()))
        out["rss_mib"]["closed"] = usage(os.getpid())["rss_mib"]
        out["holds_left"] = len(two.room.holds)
    return out


async def _stored(to: Daemon, market: Market, lease: LeaseID, tag: int) -> None:
    group = market.wanted(lease, tag)
    await to.cluster.store_manifest(lease, group, {})
    to.leases.deploy_again([lease])


def _pods(of: Daemon, market: Market) -> dict[LeaseID, set[str]]:
    return {lease: {pod.uid for pod in of.cluster.pods(lease)} for lease in market.book.leases}


def _all_run(of: Daemon, market: Market, old: dict[LeaseID, set[str]]) -> bool:
    """Each service's pod is Ready as the mirrors see it, and the web service's is none of the `old` ones."""
    for lease in market.book.leases:
        found = of.cluster.pods(lease)
        services = of.cluster.leases().get(lease)
        if services is None or len(found) != len(services.group.services) or not all(pod.ready for pod in found):
            return False
        if any(pod.service == "web" and pod.uid in old.get(lease, ()) for pod in found):
            return False
    return True


@contextmanager
def _measured(of: Daemon, out: dict[str, Any], what: str, leases: int) -> Iterator[None]:
    start, cpu_s, began = len(of.kube.asked), time.process_time(), time.perf_counter()
    yield
    calls = of.kube.since(start)
    out[what] = {
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_ms_per_lease": round(1000 * (time.process_time() - cpu_s) / leases, 1),
        "calls_per_lease": round(sum(calls.values()) / leases, 2),
        "calls": dict(sorted(calls.items())),
        "refused": dict(Counter(one.status for one in of.kube.asked[start:] if one.status >= 400)),
    }
    print(f"{what}: {out[what]['seconds']} s", file=sys.stderr, flush=True)


async def _versions(of: Daemon) -> dict[str, str]:
    """Of what was deployed; pods and workloads' statuses have come to rest."""
    out = {}
    for kind in COMPARED:
        for obj in await of.kube.all(kind, labels="akash.network=true"):
            metadata = obj["metadata"]
            out[f"{kind} {metadata.get('namespace', '')}/{metadata['name']}"] = metadata["resourceVersion"]
    return out


def _sdl(number: int, tag: int) -> str:
    port, volume, second = (number % 4 == kind for kind in (1, 2, 3))
    text = SDL.format(
        tag=tag,
        port=PORT if port else "",
        volume=VOLUME if volume else "",
        mount=MOUNT if volume else "",
        db=DB if second else "",
        also=", db: {here: {profile: db, count: 1}}" if second else "",
    )
    return text if second else text.replace(", db: {denom: uact, amount: 10000}", "")


async def furnish(world: World) -> None:
    """What the chart and the operator bring: definitions, the namespace of manifests, a class of storage."""
    for definition in definitions():
        await world.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    await world.post("/api/v1/namespaces", {"metadata": {"name": "lease"}})
    disks = {"metadata": {"name": "beta2"}, "provisioner": DRIVER, "volumeBindingMode": "WaitForFirstConsumer"}
    await world.post("/apis/storage.k8s.io/v1/storageclasses", disks)
    for definition in definitions():
        spec = definition["spec"]
        served = next(version["name"] for version in spec["versions"] if version["served"])
        path = f"/apis/{spec['group']}/{served}/{spec['names']['plural']}"
        while not (await world.http.get(path)).is_success:  # noqa: ASYNC110 - it takes a moment to be served
            await asyncio.sleep(0.1)


async def on(cluster: RealCluster, leases: int, idle_s: float) -> dict[str, Any]:
    async with client(cluster) as http:
        world = World(http, 1, 0)
        await furnish(world)
        settings = ClusterSettings(
            kubeconfig=cluster.kubeconfig, public_hostname="p.test", ingress_domain="ingress.p.test",
            storage={"beta2": "900Ti"},
        )  # fmt: skip
        async with asyncio.TaskGroup() as tasks:
            disks = spawn(tasks, "provisioner", provision(world, every_s=1.0))
            found = await run(settings, leases, idle_s)
            disks.cancel()
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.bench leases", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1_000)
    parser.add_argument("--leases", type=int, default=500)
    parser.add_argument("--idle", type=float, default=60.0, metavar="SECONDS")
    given = parser.parse_args()
    log.configure("json", level="error")
    with RealCluster(f"kwok:{given.nodes}") as cluster:
        print(json.dumps(asyncio.run(on(cluster, given.leases, given.idle)), indent=1))
    return 0
