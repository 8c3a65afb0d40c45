"""`akp node`: a node taken out of service and put back: which leases it touches, what they earn, what notice they were
promised.

Nothing here closes a lease. What cannot move is told with the command that would give it notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bidengine.drain import Leaving, drain
from bidengine.forecast import per_day_e18
from bidengine.views import Lease
from manifests.coins import format_decimal
from manifests.ids import LeaseID
from provider import log
from provider.cli.ground import Ground, on_cluster, room_ground
from provider.cli.lists import OutputOption, show
from provider.cluster.cluster import Cluster
from provider.cluster.objects.anchored import Anchor, anchors
from provider.cluster.objects.emptying import cordon, evict, uncordon
from provider.errors import ConfigError, NotFound

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Take a node out of service, and put it back.")
_Node = Annotated[str, typer.Argument(metavar="NODE", help="Its name in the cluster.")]
_Config = Annotated[Path, typer.Option("--config", help="The daemon's settings.", envvar="AKP_CONFIG")]
COLUMNS = {
    "lease": "lease", "replicas": "replicas", "go to": "goes_to", "stuck": "stuck", "volumes": "keeps_volumes",
    "a day": "per_day", "notice": "notice",
}  # fmt: skip


@app.command("drain")
def drain_(
    node: _Node,
    config: _Config,
    why: Annotated[str, typer.Option("--why", help="Noted on the node.")] = "maintenance",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would mean.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Evict also what can go nowhere else now: it will wait.")] = False,
    output: OutputOption = "table",
) -> None:
    """Stop selling a node and move what leases have on it, as far as there is room elsewhere and their volumes are
    reached from there. No key is needed. Exit code 1 while something is left on it: run it again."""
    log.configure("auto", level="error")
    rows, told, left = asyncio.run(_drain(node, config, why, dry_run, all_))
    show(rows, output, COLUMNS, nothing=f"no lease has a pod on {node}")
    for line in told:
        typer.echo(line, err=True)
    if left:
        raise typer.Exit(1)


@app.command("uncordon")
def uncordon_(node: _Node, config: _Config) -> None:
    """Put a node back: it is sold again."""
    try:
        on_cluster(config, lambda kube: uncordon(kube, node))
    except NotFound:
        raise _no_such(node) from None
    print(f"{node} is sold again")


async def _drain(
    node: str, config: Path, why: str, dry_run: bool, all_: bool
) -> tuple[list[dict[str, Any]], list[str], bool]:
    async with room_ground(config, None, cluster_only=False) as on:
        cluster = on.cluster
        assert cluster is not None, "with settings it is a real one"
        if node not in {report.name for report in on.nodes}:
            raise _no_such(node)
        there = {pod: lease for lease in on.inventory.lease_pods for pod in _pods(cluster, lease, node)}
        tied = await anchors(cluster.kube, there)
        names = {f"{pod.namespace}/{pod.name}": (lease, pod.name) for pod, lease in there.items()}
        leaving = drain(on.room, node, {names[pod]: anchor.nodes for pod, anchor in tied.items()})
        rows = [_row(one, on) for one in leaving]
        told = [*_told(leaving, on), *_tied(node, tied)]
        if dry_run:
            return rows, told, any(one.stuck for one in leaving)
        await cordon(cluster.kube, node, why)
        told.append(f"{node} is cordoned: nothing is sold on it until `akp node uncordon {node}`")
        moving = {one.lease for one in leaving if all_ or not one.stuck}
        waiting = await evict(cluster.kube, [p for lease in moving for p in _pods(cluster, lease, node)])
        told += [f"{pod} stays for now: {reason}" for pod, reason in waiting.items()]
        return rows, told, bool(waiting) or any(one.lease not in moving for one in leaving)


def _pods(cluster: Cluster, lease: LeaseID, node: str) -> list[Any]:
    return [pod for pod in cluster.pods(lease) if pod.node == node and not pod.going and not pod.finished]


def _row(one: Leaving, on: Ground) -> dict[str, Any]:
    lease = on.leases.get(one.lease)
    return {
        "lease": str(one.lease),
        "replicas": one.replicas,
        "goes_to": dict(one.goes_to),
        "stuck": one.stuck,
        "keeps_volumes": one.keeps_volumes,
        "per_day": _coin(lease.price.denom, _per_day_e18(lease, on)) if lease is not None else None,
        "notice": _notice(lease),
    }


def _per_day_e18(lease: Lease, on: Ground) -> int:
    return per_day_e18(lease.price.amount_e18, on.block_time_ms)


def _coin(denom: str, e18: int) -> dict[str, str]:
    return {"denom": denom, "amount": format_decimal(e18)}


def _notice(lease: Lease | None) -> str:
    if lease is None or lease.reclamation is None:
        return ""
    return f"{lease.reclamation.window_s} s"


def _told(leaving: Sequence[Leaving], on: Ground) -> list[str]:
    at_stake: dict[str, int] = {}
    out = []
    for one in leaving:
        if not one.stuck:
            continue
        lease = on.leases.get(one.lease)
        if lease is not None:
            at_stake[lease.price.denom] = at_stake.get(lease.price.denom, 0) + _per_day_e18(lease, on)
        verb = "reclaim" if lease is not None and lease.reclamation is not None else "close"
        out.append(f"{one.lease}: {one.stuck} of {one.replicas} can go nowhere else: akp leases {verb} {one.lease}")
    if at_stake:
        out.append(f"at stake a day: {_amounts(at_stake)}")
    if on.unasked and leaving:
        out.append(f"chain not known, so neither what leases earn nor what notice they were promised: {on.unasked}")
    return out


def _tied(node: str, anchors: Mapping[str, Anchor]) -> list[str]:
    out = []
    for pod, anchor in sorted(anchors.items()):
        others = ", ".join(sorted(anchor.nodes - {node}))
        where = f"from {others} only" if others else f"from {node} alone: evicted, it waits until {node} is back"
        out.append(f"{pod} has volumes that are reached {where} ({'; '.join(anchor.volumes)})")
    return out


def _amounts(e18: Mapping[str, int]) -> str:
    return ", ".join(f"{format_decimal(amount)}{denom}" for denom, amount in sorted(e18.items()))


def _no_such(node: str) -> ConfigError:
    return ConfigError("NODE", f"the cluster has no node {node}", "akp inventory nodes lists them.")
