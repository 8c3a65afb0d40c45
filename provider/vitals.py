"""How the daemon is: gauges for Prometheus and the sentences behind /readyz, read from live state when somebody
asks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from bidengine.room import Room
from provider.capacity import sold_out
from provider.chain.tx.signer import Signer
from provider.cluster.cluster import Cluster
from provider.cluster.routes.waiting import Why
from provider.market.bids.orders import Orders
from provider.market.book import Book
from provider.market.leases.leases import Leases
from provider.market.money.funds import Funds
from provider.metrics import Sample

OLD_BLOCK_S = 120


class Start:
    """What is told of a daemon that is not up yet, and whom it waits for."""

    def __init__(self) -> None:
        self._waits, self._behind, self._up = "no node of the chain has answered yet", 0, False
        self._problems: Callable[[], Iterable[str]] = tuple

    def waits(self, what: str = "", behind: int = 0) -> None:
        """For what; `behind`: blocks that the nodes lack of those the ledger has."""
        self._waits, self._behind = what, behind

    def up(self, problems: Callable[[], Iterable[str]]) -> None:
        self._problems, self._behind, self._up = problems, 0, True

    def problems(self) -> Iterator[str]:
        if self._up:
            yield from self._problems()
        else:
            yield f"starting: {self._waits}" if self._waits else "starting"

    def gauges(self) -> Iterator[Sample]:
        yield "akp_starting", {}, float(not self._up)
        yield "akp_start_blocks_behind", {}, self._behind


def problems(book: Book, cluster: Cluster) -> Iterator[str]:
    age_s = time.time() - book.time_unix_ns / 1e9
    if age_s > OLD_BLOCK_S:
        yield f"the last block taken in is {age_s:.0f} s old"
    if not cluster.fresh:
        yield "the cluster's mirrors are not up to date"


def gauges(
    book: Book, room: Room, orders: Orders, leases: Leases, funds: Funds, signer: Signer, cluster: Cluster
) -> Iterator[Sample]:
    yield "akp_height", {}, book.height
    yield "akp_block_age_seconds", {}, max(0.0, time.time() - book.time_unix_ns / 1e9)
    yield "akp_orders_open", {}, sum(o.state == "open" for o in book.orders.values())
    yield "akp_bids_open", {}, sum(b.state == "open" for b in book.bids.values())
    yield "akp_leases", {}, len(book.leases)
    for name, waiting in {"orders": len(orders.queue), "leases": len(leases.queue), "funds": len(funds.queue)}.items():
        yield "akp_queue", {"queue": name}, waiting
    yield "akp_transactions_pending", {}, signer.pending
    yield "akp_mirror_fresh", {}, float(cluster.fresh)
    yield from leases.gauges()
    yield from reached(cluster)
    free = room.free()
    yield from sold_out(room.holds.values(), free, cluster.nodes())
    yield "akp_free", {"resource": "cpu_milli"}, sum(n.cpu_milli for n in free.nodes)
    yield "akp_free", {"resource": "memory_bytes"}, sum(n.memory_bytes for n in free.nodes)
    yield "akp_free", {"resource": "gpu"}, sum(sum(n.gpus.values()) for n in free.nodes)


def reached(cluster: Cluster) -> Iterator[Sample]:
    """Names and addresses of leases: claimed, waiting and why, and how many addresses there are."""
    waiting = Counter((w.kind, w.why.value) for w in cluster.reach.all_waiting())
    for kind, name in (("host", "akp_hostnames"), ("ip", "akp_leased_ports")):
        yield name, {"state": "claimed"}, cluster.reach.claimed(kind)
        for why in Why:
            yield name, {"state": why.value}, waiting[kind, why.value]
    for state, amount in cluster.leased_addresses().items():
        yield "akp_leased_addresses", {"state": state}, amount
