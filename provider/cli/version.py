"""`akp version`."""

from __future__ import annotations

from importlib.metadata import version as installed

import typer

app = typer.Typer(add_completion=False)


@app.command()
def version() -> None:
    """Print the version of akash-provider."""
    print(installed("akash-provider"))
