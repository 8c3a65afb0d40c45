"""`akp discover`: runs on a node that nobody labels, and says on the Node which cards lie in it (docs/inventory.md).

Needs no settings and no chain; in a pod, the chart's `discovery.enabled` starts it with all it needs.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from provider import log
from provider.cli.lists import OutputOption, show
from provider.cli.stopping import told_to_stop
from provider.cluster.api.kube import Kube
from provider.cluster.discovery.announce import announce, follow
from provider.cluster.discovery.pci import cards
from provider.cluster.inventory.discovered import labels_of
from provider.cluster.inventory.gputable import bundled
from provider.errors import ConfigError
from provider.settings import ClusterSettings
from provider.tasks import spawn

app = typer.Typer(add_completion=False)


@app.command()
def discover(
    node: Annotated[str, typer.Option(help="This node's name in the cluster.", envvar="NODE_NAME")] = "",
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 60,
    once: Annotated[bool, typer.Option("--once", help="One look, then end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the labels; no cluster is asked.")] = False,
    sys: Annotated[Path, typer.Option(help="Where the node's /sys is mounted.")] = Path("/sys"),
    proc: Annotated[Path, typer.Option(help="Likewise, its /proc.")] = Path("/proc"),
    kubeconfig: Annotated[Path | None, typer.Option(help="Outside a pod: how to reach the cluster.")] = None,
    context: Annotated[str | None, typer.Option(help="A context of that file.")] = None,
    output: OutputOption = "table",
) -> None:
    """Label this node with the cards that lie in it, and keep the labels right."""
    vendors = bundled().vendor_ids.values()

    def look() -> dict[str, str]:
        return labels_of(cards(sys, proc, vendors))

    if dry_run:
        rows = [{"label": label, "value": value} for label, value in look().items()]
        show(rows, output, {"label": "label", "value": "value"}, nothing="no card is in this machine")
        return
    if not node:
        raise ConfigError("--node", "which node this is has to be said", "Give its name, or set NODE_NAME.")
    log.configure("auto")
    settings = ClusterSettings(kubeconfig=kubeconfig, context=context)

    async def run() -> None:
        async with Kube.connect(settings) as kube:
            if once:
                await announce(kube, node, look())
                return
            async with asyncio.TaskGroup() as tasks:
                stop = told_to_stop()
                following = spawn(tasks, "discovery", follow(kube, node, look, every_s=every))
                await stop.wait()
                following.cancel()

    asyncio.run(run())
