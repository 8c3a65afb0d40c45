"""`akp ips list`: ports on leased addresses, which lease has each, where, and how many addresses are left."""

from __future__ import annotations

import typer

from provider.cli.hosts import Config, looked, row
from provider.cli.lists import OutputOption, show

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Leased addresses.")


@app.callback()
def ips() -> None:
    """Leased addresses."""


@app.command("list")
def list_(config: Config, output: OutputOption = "table") -> None:
    """Each port on a leased address: its address, the lease and service it leads to, or who waits for it."""
    found, addresses = looked(config)
    typer.echo(
        f"addresses: {addresses['total']}, of which {addresses['used']} used, {addresses['free']} free", err=True
    )
    columns = {"port": "name", "address": "address", "lease": "lease", "service": "service", "waits for": "held_by"}
    rows = [{**row(each), "address": each.address} for each in found if each.kind == "ip"]
    show(rows, output, columns, nothing="no lease has a leased address")
