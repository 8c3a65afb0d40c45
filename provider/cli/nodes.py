"""`akp chain nodes`: each node of the settings, asked now at both its doors."""

from __future__ import annotations

import asyncio
from typing import Any

from provider import log
from provider.chain.comet import Comet
from provider.chain.endpoints import Endpoint, Endpoints, told
from provider.chain.lookout import Lookout
from provider.chain.nodes import Nodes
from provider.cli.lists import OutputOption, show
from provider.cli.signing import Config
from provider.errors import Unreachable
from provider.settings import ChainSettings, load

COLUMNS = {"node": "node", "used": "used", "state": "state", "height": "height", "lag": "lag_blocks",
           "keeps from": "earliest", "rpc ms": "rpc_ms", "grpc ms": "grpc_ms"}  # fmt: skip


def nodes(config: Config = None, output: OutputOption = "table") -> None:
    """Each node: whether it is well, its height, how far it lags, the oldest block it keeps, how fast it answers.
    Exit code 3 when none answers."""
    settings = load(config)
    log.configure(settings.log, level="critical")
    endpoints = asyncio.run(_looked(settings.chain))
    rows = [_row(e, endpoints) for e in endpoints.all]
    show(rows, output, COLUMNS, nothing="the settings name no node")
    if all(e.silent("rpc") or e.silent("grpc") for e in endpoints.all):
        raise Unreachable("no node answers at both its doors")


async def _looked(settings: ChainSettings) -> Endpoints:
    endpoints = Endpoints(settings.nodes, asyncio.get_running_loop().time)
    async with Nodes(endpoints, settings.id) as grpc, Comet(endpoints, settings.id) as rpc:
        lookout = Lookout(endpoints, rpc, grpc)
        await lookout.look(endpoints.all)
        await lookout.look(endpoints.all)  # the first look told how high the best stands
    now = endpoints.now()
    endpoints.now = lambda: now  # as they stood when they were looked at
    return endpoints


def _row(endpoint: Endpoint, endpoints: Endpoints) -> dict[str, Any]:
    ms = {d.kind: None if d.latency_s is None else round(d.latency_s * 1000, 1) for d in endpoint.doors}
    return {
        "node": endpoint.name,
        "rpc": endpoint.rpc.address,
        "grpc": endpoint.grpc.address,
        "used": endpoint is endpoints.current,
        "state": told(endpoint, endpoints.now()),
        "height": min((d.height for d in endpoint.doors if d.height), default=None),
        "lag_blocks": max(d.lag_blocks for d in endpoint.doors),
        "earliest": endpoint.earliest or None,
        "rpc_ms": ms["rpc"],
        "grpc_ms": ms["grpc"],
    }
