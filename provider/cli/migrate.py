"""`akp migrate from-go --check`: what would change of the Go provider's leases when this daemon takes them over.

It only looks, and may run while the Go provider works. Taking over is starting the daemon (docs/takeover.md).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from manifests.digest import revision
from manifests.ids import lease_namespace
from provider import log
from provider.cli.ground import glimpse
from provider.cli.lists import OutputOption, show
from provider.cluster.api.kinds import DEPLOYMENT, STATEFUL_SET, Kind
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.objects.definitions import Old
from provider.cluster.objects.preview import Change
from provider.errors import Refused
from provider.settings import load

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Take over from other provider software.")
HOME = "akash-services"
"""Where the reference's charts put its programs."""
_COLUMNS = {
    "lease": "lease", "restarts": "restarts", "create": "created", "change": "changed", "delete": "deleted",
    "refused": "refused",
}  # fmt: skip


@app.callback()
def migrate() -> None:
    """Take over from other provider software."""


@app.command("from-go")
def from_go(
    config: Annotated[
        Path,
        typer.Option("--config", help="This daemon's settings, as it would be started with.", envvar="AKP_CONFIG"),
    ],
    check: Annotated[bool, typer.Option("--check", help="Look and tell; the only thing this command does.")] = True,
    output: OutputOption = "table",
) -> None:
    """List each lease's objects that would be created, changed or deleted. Exit code 4 if a pod would be restarted, an
    object refused, or a custom resource definition is too old."""
    log.configure("auto", level="error")
    rows, told, old = asyncio.run(_check(config))
    show(rows, output, _COLUMNS, nothing="the cluster has no leases")
    for line in (*told, *map(str, old)):
        typer.echo(line, err=True)
    if old or any(row["restarts"] or row["refused"] for row in rows):
        raise typer.Exit(4)


async def _check(config: Path) -> tuple[list[dict[str, Any]], list[str], list[Old]]:
    async with glimpse(load(config).cluster) as cluster:
        rows = [await _row(cluster, lease) for lease in sorted(cluster.leases())]
        told = [f"{len(rows)} leases, {sum(bool(row['restarts']) for row in rows)} of them would be restarted"]
        unknown = [str(lease) for lease in sorted(cluster.namespaces() - cluster.leases().keys())]
        told += [f"{lease} has a namespace and no manifest that can be read: it is left alone" for lease in unknown]
        running = [name for kind in (STATEFUL_SET, DEPLOYMENT) for name in await _running(cluster.kube, kind)]
        if running:
            told.append(f"still running: {', '.join(running)}. Scale these to 0 before the daemon starts")
        return rows, told, await cluster.outdated_definitions()


async def _row(cluster: Cluster, lease: Any) -> dict[str, Any]:
    stored = cluster.leases()[lease]
    row: dict[str, Any] = {"lease": str(lease), "namespace": lease_namespace(lease), "restarts": [], "create": [],
                           "change": {}, "delete": [], "refused": []}  # fmt: skip
    try:
        changes = await cluster.preview(lease, stored.group, stored.plan, revision(stored.group))
    except Refused as no:
        return {**row, "refused": [str(no)]}
    for change in changes:
        _note(row, change)
    return row


def _note(row: dict[str, Any], change: Change) -> None:
    name = f"{change.kind}/{change.name}"
    if change.restarts:
        row["restarts"].append(change.name)
    if change.what == "change":
        row["change"][name] = list(change.paths)
    else:
        row[change.what].append(f"{name}: {change.paths[0]}" if change.paths else name)


async def _running(kube: Kube, kind: Kind) -> list[str]:
    found = await kube.all(kind, HOME)
    return [f"{kind}/{o['metadata']['name']}" for o in found if (o.get("spec") or {}).get("replicas", 1)]
