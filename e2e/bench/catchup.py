"""`python -m e2e.bench catchup`: what it costs to catch up with a chain that went on meanwhile.

A process of its own makes the blocks and serves them; this one follows them from the first on as the daemon does:
fetched and read by chain/follow.py, applied to the book, what they touch asked for at their own height, and the
cursor written to a ledger. Every block tells what a quiet block of the real chain does (chain-probes.md §1, probes 8
and 9: twenty bank events and a price, about 4 kB); four of five hold a transaction, the lives of orders that a rival
wins. CPU is this process's alone; seconds are of this machine, the serving process included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from e2e.bench.orders import SDL
from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, OrderID
from manifests.sdl import compile_sdl
from provider import log
from provider.chain.client import Chain
from provider.chain.keys import Key
from provider.chain.messages import CloseDeployment, CreateBid, CreateDeployment, CreateLease, CreateProvider, Msg
from provider.chain.tx import build
from provider.ledger.books import Books, Head
from provider.ledger.store import Store
from provider.market.book import Book
from provider.sandbox.chain.events import AbciEvent
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node
from provider.settings import ChainSettings, NodeSettings

US, RIVAL, TENANT = (Key.from_hex(digit * 64) for digit in "123")
BLOCK_NS = 6 * 10**9
START_NS = 1_767_225_600 * 10**9
LIFE = 5
"""blocks of an order's life: posted, bid on, won, closed, and one without a transaction"""


async def catch_up(blocks: int) -> dict[str, Any]:
    """One catching up, on a ledger and a book of its own."""
    with tempfile.TemporaryDirectory(prefix="akp-bench-") as scratch:
        ledger = Path(scratch) / "ledger.db"
        async with serving(blocks) as settings, Chain.connect(settings) as chain, Store.open(ledger) as store:
            return await _followed(chain, Books(store))


async def _followed(chain: Chain, books: Books) -> dict[str, Any]:
    tip, first = (await chain.head()).height, 1
    book = await Book.load(chain.at(first), US.address, first, START_NS)
    txs = events = seen = 0
    before_mib, wall, cpu = _peak_mib(), time.perf_counter(), time.process_time()
    async with aclosing(chain.follow(after=first)) as blocks:
        async for block in blocks:
            touched = book.apply(block)
            await book.fill(chain.at(block.height), touched)
            await books.advance(Head(block.height, block.time_unix_ns))
            txs, events, seen = txs + len(block.txs), events + len(block.events), seen + 1
            if block.height == tip:
                break
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "blocks": seen,
        "transactions": txs,
        "events_read": events,
        "orders_left": len(book.orders),
        "seconds": round(wall, 1),
        "blocks_per_s": round(seen / wall),
        "cpu_ms_per_block": round(1000 * cpu / seen, 2),
        "blocks_per_cpu_s": round(seen / cpu),
        "peak_rss_mib": _peak_mib(),
        "grown_mib": _peak_mib() - before_mib,
    }


@asynccontextmanager
async def serving(blocks: int) -> AsyncIterator[ChainSettings]:
    """A process with a chain of so many blocks, until the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "e2e.bench.catchup", "--serve", str(blocks),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        told = json.loads(await process.stdout.readline())
        yield ChainSettings(id=told["id"], nodes=(NodeSettings(rpc=told["rpc"], grpc=told["grpc"]),))
    finally:
        process.stdin.close()
        await process.wait()


async def serve(blocks: int) -> None:
    """Make the blocks, print where they are served, serve until stdin ends."""
    rich = {k.address: {"uakt": 10**12, "uact": 10**12} for k in (US, RIVAL, TENANT)}
    node = Node(Genesis.default(rich, genesis_time_unix_ns=START_NS), block_time_s=None)
    signer = Signatures(node)
    for height in range(1, blocks + 1):
        messages = _first() if height == 1 else _messages(height)
        txs = [signer.tx(key, msg) for key, msg in messages]
        made = node.include(START_NS + height * BLOCK_NS, txs)
        assert all(result.code == 0 for result in made.results), made.results
        node.store.add(replace(made, events=(*made.events, *_usual(height))))
    async with node:
        print(json.dumps({"id": node.app.chain_id, "rpc": node.rpc_url, "grpc": node.grpc_url}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


class Signatures:
    """Ordered transactions of a few accounts, without asking anybody."""

    def __init__(self, node: Node) -> None:
        self._chain_id = node.app.chain_id
        self._numbers = {key.address: n for n, key in enumerate((US, RIVAL, TENANT))}
        self._sequences = dict.fromkeys(self._numbers, 0)

    def tx(self, key: Key, msg: Msg) -> bytes:
        sequence = self._sequences[key.address]
        self._sequences[key.address] += 1
        body = build.body([build.box(msg, key.address)])
        auth_info = build.auth_info(key.public_key, sequence, 2_000_000, [Coin("uakt", 50_000)])
        document = build.sign_doc(body, auth_info, self._chain_id, self._numbers[key.address])
        return build.raw(body, auth_info, key.sign(document))


def _first() -> list[tuple[Key, Msg]]:
    return [(key, CreateProvider(key.address, "https://p.test:8443", ())) for key in (US, RIVAL)]


COMPILED = compile_sdl(SDL)


def _messages(height: int) -> list[tuple[Key, Msg]]:
    number, age = divmod(height, LIFE)
    deployment = DeploymentID(TENANT.address, number + 1)
    bid = OrderID(TENANT.address, number + 1, 1, 1).bid_of(RIVAL.address)
    if number == 0 or age == LIFE - 1:
        return []
    life: list[tuple[Key, Msg]] = [
        (TENANT, CreateDeployment(deployment, COMPILED.groups, COMPILED.version, Coin("uact", 500_000))),
        (RIVAL, CreateBid(bid, DecCoin("uact", 10**18), Coin("uakt", 500_000))),
        (TENANT, CreateLease(bid)),
        (TENANT, CloseDeployment(deployment)),
    ]
    return [life[age]]


def _usual(height: int) -> list[AbciEvent]:
    """Minting and distribution, as every block of the real chain tells them."""
    out = []
    for n in range(5):
        amount = ("amount", f"{1_000 * height + n}uakt")
        out += [
            AbciEvent("coin_spent", [("spender", US.address), amount, ("mode", "BeginBlock")]),
            AbciEvent("coin_received", [("receiver", RIVAL.address), amount, ("mode", "BeginBlock")]),
            AbciEvent("transfer", [("recipient", RIVAL.address), ("sender", US.address), amount]),
            AbciEvent("message", [("sender", US.address), ("mode", "BeginBlock")]),
        ]
    price = [("price", json.dumps({"denom": "akt", "twap": "1.250000000000000000", "num_sources": 1}))]
    return [*out, AbciEvent("akash.oracle.v2.EventAggregatedPrice", [*price, ("mode", "EndBlock")])]


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.bench catchup", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    log.configure("json", level="error")
    if args.serve is not None:
        asyncio.run(serve(args.serve))
        return
    for _ in range(args.runs):
        print(json.dumps(asyncio.run(catch_up(args.blocks))), flush=True)


if __name__ == "__main__":
    main()
