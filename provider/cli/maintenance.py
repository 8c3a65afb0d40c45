"""`akp maintenance`: bidding paused and resumed. Leases go on; a running daemon takes notice at its next block."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provider.cli.lists import OutputOption, show
from provider.cli.options import HERE
from provider.errors import ConfigError
from provider.market.policy.maintenance import Maintenance
from provider.settings import load

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Pause bidding; leases go on.")
_Config = Annotated[
    Path | None, typer.Option("--config", help="The daemon's settings, for its data directory.", envvar="AKP_CONFIG")
]
_Data = Annotated[
    Path | None, typer.Option("--data", help="That directory, where the settings are not at hand.", envvar="AKP_DATA")
]


@app.command()
def on(
    why: Annotated[str, typer.Option("--why", help="Told in every decline meanwhile, e.g. 'new switches'.")] = "",
    config: _Config = None,
    data: _Data = None,
) -> None:
    """Make no more bids until it is turned off. Open bids and leases stay."""
    _turn(_directory(config, data), True, why)
    print(f"bidding is paused{f': {why}' if why else ''}")


@app.command()
def off(config: _Config = None, data: _Data = None) -> None:
    """Bid again."""
    _turn(_directory(config, data), False, "")
    print("bidding goes on")


@app.command()
def status(config: _Config = None, data: _Data = None, output: OutputOption = "table") -> None:
    """Whether bidding is paused, and why. Exit code 1 when it is."""
    found = Maintenance(_directory(config, data))
    show([{"paused": found.on, "why": found.why}], output, {"paused": "paused", "why": "why"})
    if found.on:
        raise typer.Exit(1)


def _turn(data: Path, on: bool, why: str) -> None:
    try:
        Maintenance(data).turn(on, why)
    except OSError as bad:
        raise ConfigError(str(data), bad.strerror or "cannot be written", "Run it as the daemon's user.") from None


def _directory(config: Path | None, data: Path | None) -> Path:
    """That of the daemon; --data says it best."""
    if data is None:
        data = load(config).data if config is not None else HERE
    if not data.is_dir():
        cure = "Give --config the settings of the daemon, or --data its data directory."
        raise ConfigError(str(data), "there is no such directory", cure)
    return data
