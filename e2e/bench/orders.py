"""`python -m e2e.bench orders`: what a burst of orders costs the daemon, counted on the chain and measured on the
process.

The daemon runs in a process of its own; chain, cluster and tenant live in this one. Blocks come once a second. All
orders are put into one block, then every bid is looked for in the blocks that follow. Counts are exact; seconds are
of this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from manifests.coins import Coin
from manifests.ids import DeploymentID
from manifests.sdl import compile_sdl
from provider import log
from provider.chain.events import BidCreated, OrderCreated
from provider.chain.messages import CreateDeployment
from provider.sandbox.cluster import NodeSpec
from provider.sandbox.network import Network, network

SDL = """
version: "2.0"
services:
  web: {image: "docker.io/library/web:1", expose: [{port: 8080, as: 80, to: [{global: true}]}]}
profiles:
  compute: {web: {resources: {cpu: {units: 10m}, memory: {size: 16Mi}, storage: {size: 16Mi}}}}
  placement: {here: {pricing: {web: {denom: uact, amount: 10000}}}}
deployment: {web: {here: {profile: web, count: 1}}}
"""
PATIENCE_BLOCKS = 60
NODES = [
    NodeSpec(f"node-{n}", cpu_milli=128_000, memory_bytes=1 << 40, ephemeral_bytes=4 << 40, pods=250) for n in range(8)
]


async def orders(count: int, block_s: float) -> dict[str, Any]:
    """One burst: blocks and seconds until the last bid, transactions, CPU and memory of the daemon."""
    compiled = compile_sdl(SDL)
    with tempfile.TemporaryDirectory(prefix="akp-bench-") as scratch:
        async with (
            network(Path(scratch), block_s=block_s, chain_block_s=block_s, nodes=NODES) as net,
            daemon(Path(scratch)) as process,
        ):
            await _settled(net)
            net.node.chaos.producing = False
            owner = net.tenant.key.address
            asks = [
                CreateDeployment(DeploymentID(owner, n + 1), compiled.groups, compiled.version, Coin("uact", 500_000))
                for n in range(count)
            ]
            await net.tenant.signer.send(*asks)
            before, start = usage(process.pid), None
            net.node.chaos.producing = True
            seen: dict[Any, int] = {}
            txs: set[str] = set()
            async for block in net.chain.follow(after=(await net.chain.head()).height):
                if start is None and any(isinstance(e, OrderCreated) for e in block.events):
                    start = block.height
                for tx in block.txs:
                    bids = [e for e in tx.events if isinstance(e, BidCreated)]
                    seen.update({e.id: block.height for e in bids})
                    txs.update({tx.hash} if bids else ())
                if start is not None and (len(seen) >= count or block.height >= start + PATIENCE_BLOCKS):
                    break
            await asyncio.sleep(2 * block_s)  # what the daemon does with its own bids' blocks counts too
            after = usage(process.pid)
    assert start is not None
    heights = seen.values()
    cpu_s = after["cpu_s"] - before["cpu_s"]
    return {
        "orders": count,
        "bids": len(seen),
        "blocks_to_first": min(heights) - start if seen else None,
        "blocks_to_last": max(heights) - start if seen else None,
        "transactions": len(txs),
        "block_s": block_s,
        "cpu_s": round(cpu_s, 2),
        "cpu_ms_per_bid": round(1000 * cpu_s / max(1, len(seen)), 2),
        "rss_mib": after["rss_mib"],
        "peak_rss_mib": after["peak_mib"],
    }


@asynccontextmanager
async def daemon(work: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`akp run` as an operator would start it; its log is kept in `work`."""
    with (work / "daemon.log").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "provider", "run", "--config", str(work / "akp.yaml"), stderr=out, stdout=out
        )
        try:
            yield process
        except BaseException:
            sys.stderr.write((work / "daemon.log").read_text()[-4000:])
            raise
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _settled(net: Network) -> None:
    """Until the daemon is up and idle: its certificate is on chain."""
    for _ in range(600):
        if await net.chain.latest.certificates(net.provider.address):
            await asyncio.sleep(1)
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("the daemon did not come up within 60 s")


def usage(pid: int) -> dict[str, float]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return {
        "cpu_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        "rss_mib": int(status["VmRSS"].split()[0]) // 1024,
        "peak_mib": int(status["VmHWM"].split()[0]) // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.bench orders", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--block-time", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args()
    log.configure("json", level="error")
    for _ in range(args.runs):
        print(json.dumps(asyncio.run(orders(args.count, args.block_time))), flush=True)
