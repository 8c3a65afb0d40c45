"""`python -m e2e.bench screen`: what it costs to judge an order against every rule, before anything is looked for or
held.

All orders of a market are judged one after the other, as after a change of policy: ordinary ones that pass, ones with
GPUs, volumes, patterns and auditors, and ones that are declined. Lists have thousands of tenants and there are
thousands of promises. CPU time of one process, so that others on the machine do not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.placement import Placement
from bidengine.room import Room
from bidengine.rules import screen
from bidengine.views import MarketParams, Order, Provider
from manifests.bech32 import encode
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import OrderID
from manifests.resources import (
    Attribute,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    SignedBy,
    Storage,
)
from provider import log
from provider.market.bids.judge import Judge
from provider.market.bids.promises import Promises
from provider.market.bids.wallet import Wallet
from provider.market.book import Book
from provider.market.policy.policy import Policies
from provider.settings import BidSettings

LISTED, PROMISED = 5_000, 1_000
POLICY = """
owners: {deny: {files: [deny.txt]}}
mostPerOwner: 50
maxOrderAgeSeconds: 86400
limits:
  unit: {replicas: {max: 50}, cpuMilli: {min: 10, max: 128000}, memoryGiB: {max: 512}, gpus: {max: 8}}
  group: {cpuMilli: {max: 500000}, storageGiB: {max: 65536}, gpus: {max: 64}}
"""
GPUS = [f"nvidia/model/{model}" for model in ("h100", "a100", "rtx4090", "rtx3090", "t4")]
ATTRIBUTES = tuple(
    Attribute(key, value)
    for key, value in {
        **{f"key-{n}": "value" for n in range(20)},
        "region": "us-west",
        "host": "akash",
        **{f"capabilities/storage/{n}/class": f"beta{n}" for n in (1, 2, 3)},
        **{f"capabilities/storage/{n}/persistent": "true" for n in (1, 2, 3)},
        **{f"capabilities/gpu/vendor/{g}{s}": "true" for g in GPUS for s in ("", "/ram/80Gi", "/interface/sxm")},
    }.items()
)
CARDS = tuple(Attribute(f"vendor/nvidia/model/{model}", "true") for model in ("h100/ram/80Gi", "*"))
HTTP = Endpoint(EndpointKind.SHARED_HTTP)
PERSISTENT = Storage("data", 1 << 34, (Attribute("class", "beta3"), Attribute("persistent", "true")))


def market(count: int, work: Path) -> tuple[Judge, list[Order]]:
    """What the daemon's own parts make of one, without a chain and a cluster."""
    book = Book(
        Provider("akash1us", "https://us.test", ATTRIBUTES, {"akash1auditor": ATTRIBUTES}),
        MarketParams((Coin("uakt", 500_000),), 20, 3600, 2_592_000), 10_000, 10**18,
    )  # fmt: skip
    (work / "deny.txt").write_text("".join(f"{encode('akash', n.to_bytes(20, 'big'))}\n" for n in range(LISTED)))
    (work / "policy.yaml").write_text(POLICY)
    room = Room(Commit())
    room.see(Inventory((Node("n1", 10**9, 1 << 60, 1 << 60, pods=10**6),), node_ports=10**6))
    wallet = Wallet(book, Promises(book, room), cast(Any, None), BidSettings())
    wallet._balances, wallet._read_at = {"uakt": 10**12}, 10_000
    pricing: Any = argparse.Namespace(denoms=frozenset({"uact"}))
    judge = Judge(book, room, pricing, Policies(work / "policy.yaml", work), wallet, BidSettings(), lambda: 6000)
    made = [_order(n) for n in range(count)]
    for order in made:
        book.orders[order.id] = order
    for n in range(PROMISED):
        held = replace(_order(n).id, dseq=10**6 + n)
        room.hold(held, _order(0).spec, Placement(()), height=1)
    return judge, made


def _order(n: int) -> Order:
    """Of ten: four small ones, three with a card, one with two units, one that nobody can serve, one denied."""
    kind = n % 10
    gpu, cards = (
        Gpu(),
        (Attribute("vendor/nvidia/model/h100/ram/80Gi", "true"), Attribute("vendor/nvidia/model/*", "true")),
    )
    if 4 <= kind < 7:
        gpu = Gpu(8, cards)
    r = Resources(1, Cpu(4000), Memory(1 << 34), (Storage("default", 1 << 33), PERSISTENT), gpu, (HTTP,))
    units = tuple(
        ResourceUnit(replace(r, id=i + 1), 2, DecCoin("uact", 1000 * E18)) for i in range(2 if kind == 7 else 1)
    )
    wanted = (Attribute("region", "mars" if kind == 8 else "us-west"), Attribute("host", "akash"))
    owner = encode("akash", (n % LISTED if kind == 9 else 10**9 + n % 997).to_bytes(20, "big"))
    spec = GroupSpec("west", Requirements(SignedBy((), ("akash1auditor",)), wanted), units)
    return Order(OrderID(owner, n + 1, 1, 1), "open", spec, 9_990)


async def run(count: int, runs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="akp-bench-") as work:
        judge, made = market(count, Path(work))
        best, answers = float("inf"), Counter[str]()
        for _ in range(runs):
            began = time.process_time()
            found = [screen(order, judge.us(order.id)) for order in made]
            best = min(best, time.process_time() - began)
            answers = Counter(no.code if no is not None else "considered" for no in found)
    return {
        "orders": count,
        "us_per_order": round(best / count * 1e6, 1),
        "denied_tenants": LISTED,
        "promises": PROMISED,
        "answers": dict(answers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m e2e.bench screen")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    log.configure("json", level="error")
    print(json.dumps(asyncio.run(run(args.count, args.runs))), flush=True)
