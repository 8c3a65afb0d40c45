"""`akp run`: the daemon, until it is told to stop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from provider import log
from provider.cli.stopping import told_to_stop
from provider.settings import load

app = typer.Typer(add_completion=False)


@app.command()
def run(
    config: Annotated[Path | None, typer.Option(help="YAML file with the settings (docs/settings.md).")] = None,
    data: Annotated[Path | None, typer.Option(help="Directory of the ledger; overrides `data` of the file.")] = None,
) -> None:
    """Run the provider daemon."""
    settings = load(config, data=data)
    log.configure(settings.log)
    from provider import daemon  # after the settings are known to be good: a typo is told at once

    async def until_told() -> None:
        await daemon.run(settings, stop=told_to_stop())

    asyncio.run(until_told())
