"""`akp sandbox`: a small network in one command. With --once it lives one lease's life and tells it; without, it
stays up."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from manifests.errors import Invalid
from manifests.sdl import Compiled, compile_sdl
from provider import log
from provider.errors import ConfigError

app = typer.Typer(add_completion=False)
NO_LIFE = 5
"""Exit code: the SDL was refused, no bid came, or a step was not observed."""


@app.command()
def sandbox(
    sdl: Annotated[Path | None, typer.Option(help="SDL file of the order; with --once it is the one lived.")] = None,
    once: Annotated[
        bool, typer.Option("--once", help="One life: order, bid, lease, manifest, pods, usage, close, settle.")
    ] = False,
    output: Annotated[Literal["text", "json"], typer.Option("--output", "-o")] = "text",
    cluster: Annotated[
        Literal["embedded", "kubeconfig", "local"],
        typer.Option(
            help="embedded: a stand-in, no container runs; kubeconfig: the current context; local: a real one here."
        ),
    ] = "embedded",
    block_time: Annotated[float, typer.Option(help="Seconds between blocks.", min=0.05, max=60)] = 0.5,
    data: Annotated[
        Path | None,
        typer.Option(help="Keep ledger, keys and config in this new directory."),
    ] = None,
    patience: Annotated[float, typer.Option(help="Seconds to wait for each step.", min=1)] = 60.0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the daemon's log.")] = False,
) -> None:
    """A small network: a chain with real rules, a cluster, this daemon, and a tenant."""
    if once and sdl is None:
        raise ConfigError("--once", "no SDL file is given", "Add --sdl examples/01-web.yaml, or leave --once out.")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    log.configure("auto", level="info" if verbose else "error")
    try:
        compiled = compile_sdl(_read(sdl)) if sdl is not None else None
    except Invalid as bad:
        _refused(f"{sdl}{f':{bad.line}' if bad.line else ''}: {bad}", output)
        raise typer.Exit(NO_LIFE) from None
    with tempfile.TemporaryDirectory(prefix="akp-sandbox-") as scratch:
        work = data or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        if (work / "ledger.db").exists():
            raise ConfigError("--data", f"{work} holds the ledger of a sandbox that is gone", "Name a new directory.")
        if once and compiled is not None:
            code = asyncio.run(_once(work, compiled, cluster, block_time, patience, output, console))
            raise typer.Exit(code)
        with suppress(KeyboardInterrupt):
            asyncio.run(_stay(work, compiled, cluster, block_time, console))
        kept = f"; its ledger stays: akp leases --data {data}" if data else ", nothing is left of it"
        console.print(f"sandbox stopped{kept}")


async def _once(
    work: Path,
    compiled: Compiled,
    cluster: Literal["embedded", "kubeconfig", "local"],
    block_time: float,
    patience: float,
    output: Literal["text", "json"],
    console: Console,
) -> int:
    from provider.sandbox.town import LifeEnded, one_life

    def tell(step: dict[str, Any]) -> None:
        if output == "text":
            console.print(_line(step))

    try:
        timeline = await one_life(
            work, compiled, where=cluster, block_s=block_time, patience_s=patience, on_step=tell, say=console.print
        )
    except LifeEnded as end:
        _refused(str(end), output)
        return NO_LIFE
    if output == "json":
        print(json.dumps(timeline, indent=2))
    return 0


async def _stay(
    work: Path,
    compiled: Compiled | None,
    cluster: Literal["embedded", "kubeconfig", "local"],
    block_time: float,
    console: Console,
) -> None:
    from provider.sandbox.town import stay

    await stay(work, compiled, where=cluster, block_s=block_time, console=console)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as bad:
        raise ConfigError(
            str(path), bad.strerror or "cannot be read", "Give the path of an SDL file with --sdl."
        ) from None


def _refused(why: str, output: Literal["text", "json"]) -> None:
    if output == "json":
        print(json.dumps({"error": why}))
    print(f"akp: {why}", file=sys.stderr)


def _line(step: dict[str, Any]) -> str:
    what = {k: v for k, v in step.items() if k not in ("height", "time", "step")}
    return f"[bold]{step['step']:<9}[/bold] height {step['height']:<5} {_words(step['step'], what)}"


def _words(step: str, what: dict[str, Any]) -> str:
    match step:
        case "order":
            return f"{len(what['orders'])} order(s) on chain: {', '.join(what['orders'])}"
        case "bid":
            return ", ".join(f"{b['price'].rstrip('0').rstrip('.')}{b['denom']} per block" for b in what["bids"])
        case "lease":
            return f"{len(what['leases'])} lease(s) won"
        case "manifest":
            return f"accepted by the gateway, hash {what['hash'][:16]}…"
        case "ready":
            return ", ".join(
                f"{name}: {s['available']} running {' '.join(s['uris'] or [])}" for name, s in what["services"].items()
            )
        case "usage":
            return f"{what['blocks']} blocks used, {what['amount']} micro-units earned"
        case "closed":
            return "the tenant closed the deployment"
        case "settled":
            return f"{what['amount']} paid on chain = {what['ledger']} in the ledger"
        case _:
            return "no namespace left, no room held"
