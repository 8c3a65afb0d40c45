"""`akp hosts list`: host names of leases, which lease has each, and who waits for it. Reads the cluster; works while
the daemon runs, and when it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from provider import log
from provider.cli.ground import glimpse
from provider.cli.lists import OutputOption, show
from provider.cluster.reach import Listed
from provider.settings import load

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Host names of leases.")
Config = Annotated[
    Path,
    typer.Option(help="The daemon's settings: its cluster is looked at, nothing is written.", envvar="AKP_CONFIG"),
]


@app.callback()
def hosts() -> None:
    """Host names of leases."""


@app.command("list")
def list_(config: Config, output: OutputOption = "table") -> None:
    """Each host name: the lease and service it leads to, or the lease that waits for it and who has it."""
    found, _ = looked(config)
    columns = {"host name": "name", "lease": "lease", "service": "service", "waits for": "held_by"}
    show([row(each) for each in found if each.kind == "host"], output, columns, nothing="no lease has a host name")


def looked(config: Path) -> tuple[list[Listed], dict[str, int]]:
    """What leases have claimed and wait for, and how many addresses there are."""

    async def look() -> tuple[list[Listed], dict[str, int]]:
        async with glimpse(load(config).cluster) as cluster:
            return cluster.reach.listed(), cluster.leased_addresses()

    log.configure("auto", level="error")
    return asyncio.run(look())


def row(each: Listed) -> dict[str, Any]:
    held_by = str(each.held_by) if each.held_by is not None else "nobody yet" if each.waits else ""
    return {"name": each.name, "lease": str(each.lease or ""), "service": each.service, "held_by": held_by}
