"""`python -m e2e.bench pack`: what a fit costs on a large cluster, and what a change in the cluster costs.

1,000 nodes with 8,000 GPUs of eight models, 500 leases running, then mixed orders one after another, fitted and given
back. Work is counted in nodes looked at; seconds are of this machine, in CPU time of this process, so that others on it
do not show.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from bidengine.commit import Commit
from bidengine.node import BoundPod, Inventory, Node
from bidengine.packing import Packing, Strategy
from bidengine.placement import Placement
from bidengine.reasons import Decline
from bidengine.room import Room
from manifests.coins import DecCoin
from manifests.gpus import GpuModel
from manifests.ids import LeaseID, OrderID
from manifests.resources import (
    Attribute,
    Cpu,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    SignedBy,
    Storage,
)

GIB = 1 << 30
MODELS = [
    GpuModel("nvidia", m, "80Gi", "sxm") for m in ("a10", "a100", "b200", "h100", "h200", "l40s", "rtx4090", "t4")
]
WISHES = (["*"], ["h100"], ["t4"], ["a100", "h100", "l40s"])


def cluster(random: Random, count: int) -> tuple[Node, ...]:
    sizes = [(32, 128), (64, 256), (128, 512), (192, 1024)]
    nodes = []
    for number in range(count):
        cores, gib = random.choice(sizes)
        gpus = {MODELS[number % len(MODELS)]: 8}
        classes = frozenset(["beta3"] if number % 2 else ["beta2", "beta3"])
        nodes.append(Node(f"n{number}", cores * 1000, gib * GIB, 2000 * GIB, 110, gpus, classes))
    return tuple(nodes)


def order(random: Random) -> GroupSpec:
    """One to three units of one to five replicas; every second unit with GPUs, every sixth with a volume."""
    units = []
    for number in range(random.choice((1, 1, 2, 3))):
        gpu = random.choice((0, 0, 0, 1, 2, 4, 8))
        wishes = [Attribute(f"vendor/nvidia/model/{m}", "true") for m in random.choice(WISHES)] if gpu else []
        storage = [Storage("default", 10 * GIB)]
        if not random.randrange(6):
            pairs = {"persistent": "true", "class": random.choice(("beta2", "beta3"))}
            storage.append(Storage("data", 50 * GIB, tuple(Attribute(k, v) for k, v in pairs.items())))
        memory = Memory(random.choice((1, 4, 16, 64, 200)) * GIB)
        cpu = Cpu(random.choice((100, 500, 1000, 4000, 8000, 40_000)))
        resources = Resources(number + 1, cpu, memory, tuple(storage), Gpu(gpu, tuple(wishes)))
        units.append(ResourceUnit(resources, random.choice((1, 1, 2, 3, 5)), DecCoin("uact", 10**24)))
    return GroupSpec("here", Requirements(SignedBy(), ()), tuple(units))


def measure(strategy: Strategy, *, nodes: int, leases: int, orders: int, seed: int) -> dict[str, Any]:
    random = Random(seed)
    made = cluster(random, nodes)
    room = Room(Commit(), Packing(strategy, 50))
    storage = {"beta2": 1 << 50, "beta3": 1 << 50}
    room.see(Inventory(made, storage, node_ports=1000))
    inventory = Inventory(made, storage, _run(room, random, leases), node_ports=1000)
    seen = [_cpu_s(lambda: room.see(inventory)) for _ in range(20)]
    room.fit(order(random))  # the first look after a change puts nodes in order
    looks, fits, declines, reasons = [], [], [], {}
    gc.collect()
    gc.freeze()
    for spec in [order(random) for _ in range(orders)]:
        before, answers = room._free.looked_at, []
        took = _cpu_s(lambda spec=spec, answers=answers: answers.append(room.fit(spec)))
        looks.append(room._free.looked_at - before)
        if isinstance(answers[0], Decline):
            reasons[answers[0].reason] = reasons.get(answers[0].reason, 0) + 1
        (declines if isinstance(answers[0], Decline) else fits).append(took)
    return {
        "strategy": strategy.value,
        "gpus": sum(sum(n.gpus.values()) for n in made),
        "fits": len(fits),
        "declines": reasons,
        "pack_us": _spread(fits + declines),
        "fit_us": _spread(fits),
        "decline_us": _spread(declines),
        "nodes_looked_at": {"median": statistics.median(looks), "most": max(looks)},
        "see_ms": round(1000 * statistics.median(seen), 2),
    }


def _run(room: Room, random: Random, count: int) -> dict[LeaseID, tuple[BoundPod, ...]]:
    """Leases with all their pods."""
    pods: dict[LeaseID, tuple[BoundPod, ...]] = {}
    for number in range(10 * count):
        key, spec = OrderID("akash1tenant", number + 1, 1, 1), order(random)
        found = room.fit(spec)
        if isinstance(found, Placement) and len(pods) < count:
            room.hold(key, spec, found, height=1)
            lease = key.bid_of("akash1us")
            room.lease(lease, height=2)
            pods[lease] = tuple(BoundPod(slot.node, slot.ask, slot.gpu) for slot in found.slots)
    return pods


def _cpu_s(work: Callable[[], Any]) -> float:
    started = time.process_time_ns()
    work()
    return (time.process_time_ns() - started) / 1e9


def _spread(seconds: Iterable[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    at = {"median": len(ordered) // 2, "p99": len(ordered) * 99 // 100, "max": len(ordered) - 1}
    return {name: round(1e6 * ordered[place]) for name, place in at.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m e2e.bench pack", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--leases", type=int, default=500)
    parser.add_argument("--orders", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for strategy in Strategy:
        print(json.dumps(measure(strategy, **vars(given))), flush=True)
