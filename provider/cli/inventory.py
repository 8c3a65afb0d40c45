"""`akp inventory`: what the cluster has and what of it is free, read once and left as it is.

What is promised to bids and leases is taken off where the chain can be asked; without, only what runs. No daemon is
needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from bidengine.explain import places
from bidengine.frag import CardFrag
from bidengine.frag import frag as broken_up
from bidengine.node import Inventory, Node
from bidengine.notation import card_in_short, in_short, parse_group
from bidengine.reasons import Decline
from manifests.errors import Invalid
from manifests.gpus import GpuModel
from manifests.units import format_cpu_milli, shown_bytes
from provider import log
from provider.cli.ground import ConfigOption, Ground, NodesOption, room_ground
from provider.cli.lists import OutputOption, show
from provider.cluster.inventory.survey import GpuReport, NodeReport
from provider.errors import ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What there is, what is free, what would fit.")
ClusterOnly = Annotated[
    bool, typer.Option("--cluster-only", help="Do not ask the chain: bids that wait for an answer are not counted.")
]


@app.callback()
def inventory() -> None:
    """What there is, what is free, what would fit."""


@app.command()
def nodes(
    config: ConfigOption = None, nodes: NodesOption = None, cluster_only: ClusterOnly = False,
    output: OutputOption = "table",
) -> None:  # fmt: skip
    """Each node: what of it is free, of how much, and why it is not sold."""
    on = _looked(config, nodes, cluster_only)
    all_of, free = _by_name(on.inventory), _by_name(on.room.free())
    rows = [_node_row(name, all_of.get(name), free.get(name), why) for name, why in why_not(on.nodes, all_of).items()]
    columns = {"node": "node", "cpu": "cpu", "memory": "memory", "ephemeral": "ephemeral", "gpus": "gpus",
               "storage classes": "classes", "not sold": "not_sold"}  # fmt: skip
    show(rows, output, columns, nothing="the cluster has no nodes")


@app.command()
def gpus(
    config: ConfigOption = None, nodes: NodesOption = None, cluster_only: ClusterOnly = False,
    output: OutputOption = "table",
) -> None:  # fmt: skip
    """Each card: on how many nodes, how many are free, and those that are not sold."""
    on = _looked(config, nodes, cluster_only)
    rows = [_gpu_row(card, on) for card in _cards(on.inventory)]
    rows += unsold(on.nodes)
    columns = {"card": "card", "total": "total", "free": "free", "taken": "taken", "nodes": "nodes",
               "not sold": "not_sold"}  # fmt: skip
    show(rows, output, columns, nothing="no node has a GPU")


@app.command()
def fit(
    what: Annotated[str, typer.Argument(help='In short, e.g. "2xh100,16cpu,64Gi" or "3*1cpu,2Gi,10Gi:beta3".')],
    config: ConfigOption = None, nodes: NodesOption = None, cluster_only: ClusterOnly = False,
    output: OutputOption = "table",
) -> None:  # fmt: skip
    """Where an order would go now, or what is short. Exit code 1 if it does not fit."""
    try:
        spec = parse_group(what)
    except Invalid as bad:
        raise ConfigError("WHAT", bad.message, "See docs/simulate.md for how orders are written in short.") from None
    found = _looked(config, nodes, cluster_only).room.fit(spec)
    rows: list[dict[str, Any]]
    if isinstance(found, Decline):
        rows = [{"asked": in_short(spec), "fits": False, "code": found.code, "detail": found.detail}]
        columns = {"asked": "asked", "why not": "code", "detail": "detail"}
    else:
        rows = [
            {"asked": in_short(spec), "fits": True, "unit": place.unit, "node": place.node,
             "replicas": place.replicas, "card": card_in_short(place.card) if place.card else ""}
            for place in places(found)
        ]  # fmt: skip
        columns = {"unit": "unit", "replicas": "replicas", "node": "node", "card": "card"}
    show(rows, output, columns)
    if isinstance(found, Decline):
        raise typer.Exit(1)


@app.command()
def frag(
    config: ConfigOption = None, nodes: NodesOption = None, cluster_only: ClusterOnly = False,
    output: OutputOption = "table",
) -> None:  # fmt: skip
    """How far free cards are scattered: the most of each that one replica can have, the share of free cards on nodes
    already broken into, and those stranded: free, with no cores, memory or pod left beside them."""
    on = _looked(config, nodes, cluster_only)
    rows = [_frag_row(card) for card in broken_up(on.inventory, on.room.free()).cards]
    columns = {
        "card": "card", "cards": "cards", "free": "free", "most in one replica": "largest",
        "scattered %": "scattered_percent", "stranded": "stranded",
    }  # fmt: skip
    show(rows, output, columns, nothing="no node has a GPU")


def _looked(config: Path | None, nodes: Path | None, cluster_only: bool) -> Ground:
    async def look() -> Ground:
        async with room_ground(config, nodes, cluster_only=cluster_only) as on:
            return on

    log.configure("auto", level="error")
    on = asyncio.run(look())
    for line in on.told:
        typer.echo(line, err=True)
    return on


def _by_name(found: Inventory) -> dict[str, Node]:
    return {node.name: node for node in found.nodes}


def why_not(nodes: Iterable[NodeReport], machines: Iterable[str]) -> dict[str, str]:
    """Node -> why it is not sold, as a whole or without its GPUs; machines from a file all are."""
    return {node.name: _not_sold(node) for node in nodes} or dict.fromkeys(machines, "")


def _not_sold(node: NodeReport) -> str:
    return node.why_not or (f"without GPUs: {node.without_gpus}" if node.without_gpus else "")


def _node_row(name: str, node: Node | None, free: Node | None, why_not: str) -> dict[str, Any]:
    if node is None or free is None:
        return {"node": name, "cpu": "", "memory": "", "ephemeral": "", "gpus": {}, "classes": [], "not_sold": why_not}
    return {
        "node": name,
        "cpu": f"{format_cpu_milli(free.cpu_milli)} of {format_cpu_milli(node.cpu_milli)}",
        "memory": f"{shown_bytes(free.memory_bytes)} of {shown_bytes(node.memory_bytes)}",
        "ephemeral": f"{shown_bytes(free.ephemeral_bytes)} of {shown_bytes(node.ephemeral_bytes)}",
        "gpus": {card_in_short(card): f"{free.gpus.get(card, 0)} of {units}" for card, units in node.gpus.items()},
        "classes": sorted(node.classes),
        "not_sold": why_not,
    }


def _cards(found: Inventory) -> list[GpuModel]:
    return sorted({card for node in found.nodes for card in node.gpus})


def _gpu_row(card: GpuModel, on: Ground) -> dict[str, Any]:
    total = sum(node.gpus.get(card, 0) for node in on.inventory.nodes)
    free = sum(node.gpus.get(card, 0) for node in on.room.free().nodes)
    where = [node.name for node in on.inventory.nodes if card in node.gpus]
    return {"card": card_in_short(card), "nodes": where, "total": total, "free": free, "taken": total - free,
            "not_sold": ""}  # fmt: skip


def unsold(nodes: Iterable[NodeReport]) -> list[dict[str, Any]]:
    """A row for the cards of a node that are not sold, all of them or those that are sick."""
    return [_unsold_row(node, gpu, why) for node in nodes for gpu in node.gpus if (why := _gpu_why_not(node, gpu))]


def _gpu_why_not(node: NodeReport, gpu: GpuReport) -> str:
    """ "" when all are sold."""
    sick = f"{gpu.sick} of {gpu.capacity} are sick, the others are sold" if gpu.sick else ""
    return gpu.why_not or node.why_not or sick


def _unsold_row(node: NodeReport, gpu: GpuReport, why_not: str) -> dict[str, Any]:
    none_sold = gpu.why_not or node.why_not
    return {
        "card": card_in_short(gpu.model) if gpu.model is not None else gpu.resource,
        "nodes": [node.name],
        "total": gpu.capacity if none_sold else gpu.sick,
        "free": 0,
        "taken": 0,
        "not_sold": why_not,
    }


def _frag_row(card: CardFrag) -> dict[str, Any]:
    return {
        "card": card_in_short(card.card),
        "cards": card.units,
        "free": card.free,
        "largest": card.largest,
        "scattered_percent": card.index_percent,
        "stranded": card.stranded,
    }
