"""`akp maintenance`: bidding paused and resumed. Leases go on; a running daemon takes notice at its next block."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provider.cli.lists import OutputOption, show
from provider.cli.options import HERE, Data
from provider.errors import ConfigError
from provider.market.maintenance import Maintenance

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Pause bidding; leases go on.")


@app.command()
def on(
    why: Annotated[str, typer.Option("--why", help="Told in every decline meanwhile, e.g. 'new switches'.")] = "",
    data: Data = HERE,
) -> None:
    """Make no more bids until it is turned off. Open bids and leases stay."""
    _turn(data, True, why)
    print(f"bidding is paused{f': {why}' if why else ''}")


@app.command()
def off(data: Data = HERE) -> None:
    """Bid again."""
    _turn(data, False, "")
    print("bidding goes on")


@app.command()
def status(data: Data = HERE, output: OutputOption = "table") -> None:
    """Whether bidding is paused, and why. Exit code 1 when it is."""
    _check(data)
    found = Maintenance(data)
    show([{"paused": found.on, "why": found.why}], output, {"paused": "paused", "why": "why"})
    if found.on:
        raise typer.Exit(1)


def _turn(data: Path, on: bool, why: str) -> None:
    _check(data)
    try:
        Maintenance(data).turn(on, why)
    except OSError as bad:
        raise ConfigError(str(data), bad.strerror or "cannot be written", "Run it as the daemon's user.") from None


def _check(data: Path) -> None:
    if not data.is_dir():
        raise ConfigError(str(data), "there is no such directory", "Give --data the data directory of the daemon.")
