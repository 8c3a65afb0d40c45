"""`akp db`: copies of the ledger's file and whether one is whole (docs/money.md)."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from provider.cli.lists import show, structured
from provider.cli.options import HERE, Data
from provider.errors import ConfigError
from provider.ledger.books import Books
from provider.ledger.store import Store, is_ledger
from provider.ledger.verify import Verdict, verify

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The ledger's file: copy it, check it.")
Output = Annotated[Literal["table", "json"], typer.Option("--output", "-o")]
COLUMNS = {"file": "file", "height": "height", "rows": "rows", "hash of the last row": "hash", "faults": "faults"}


@app.callback()
def db() -> None:
    """The ledger's file: copy it, check it."""


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="A file, or a directory, in which it is named by its height.")],
    data: Data = HERE,
    output: Output = "table",
) -> None:
    """Copy the ledger as it is now, beside a running daemon too, and check the copy. An older copy of that name is
    replaced, any other file is not. To restore, stop the daemon and copy the file back to DATA/ledger.db."""
    file, verdict = asyncio.run(_backup(data / "ledger.db", to, named=not to.is_dir()))
    _tell(file, verdict, output)


@app.command("verify")
def verify_(
    file: Annotated[Path | None, typer.Argument(help="A ledger or a copy; default the daemon's.")] = None,
    hash_: Annotated[str, typer.Option("--hash", help="Of a row that must be there, as a backup printed it.")] = "",
    data: Data = HERE,
    output: Output = "table",
) -> None:
    """Check the file, the chain of hashes over the journal, and sums that must agree. Exit code 4 when anything is
    wrong."""
    at = file or data / "ledger.db"
    _tell(at, asyncio.run(verify(at, hash_)), output)


async def _backup(ledger: Path, to: Path, *, named: bool) -> tuple[Path, Verdict]:
    async with Store.open(ledger, readonly=True) as store:
        head = await Books(store).head()
        file = to if named else to / f"ledger-{head.height if head else 0}.db"
        _may_be_written(file, ledger)
        await store.copy(file)
    return file, await verify(file)


def _may_be_written(file: Path, ledger: Path) -> None:
    """ConfigError for a file that is no copy: a slip of the hand must not cost a key or a price list."""
    if not file.exists():
        return
    if file.samefile(ledger):
        raise ConfigError(str(file), "this is the ledger itself", "Give another file.")
    if not is_ledger(file):
        raise ConfigError(
            str(file), "there is a file already, and it is no copy of a ledger", "Give another name, or move it away."
        )


def _tell(file: Path, verdict: Verdict, output: Literal["table", "json"]) -> None:
    found = {"file": str(file), **asdict(verdict), "faults": list(verdict.faults)}
    if output == "json":
        structured(found, "json")
    else:
        show([{**found, "faults": "; ".join(verdict.faults) or "none"}], "table", COLUMNS)
    if verdict.faults:
        raise typer.Exit(4)
