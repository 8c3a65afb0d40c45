"""The network with the daemon living in it: one life and out (`one_life`), or open for business until stopped
(`stay`)."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table

from manifests.coins import Coin, shown
from manifests.sdl import Compiled
from provider import daemon
from provider.errors import AkpError, Retry
from provider.ledger.decisions import Decisions
from provider.ledger.store import Store
from provider.sandbox.life import Life, LifeEnded, Surroundings
from provider.sandbox.network import Network, Where, network
from provider.settings import Settings
from provider.tasks import spawn

__all__ = ["LifeEnded", "one_life", "stay"]
DEPOSIT = Coin("uact", 50_000_000)


async def one_life(
    work: Path,
    compiled: Compiled,
    *,
    where: Where = "embedded",
    block_s: float = 0.5,
    patience_s: float = 60.0,
    on_step: Callable[[dict[str, Any]], Awaitable[None] | None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """The timeline of one life; LifeEnded with the reason when it does not come to its end."""
    try:
        return await _one_life(work, compiled, where, block_s, patience_s, on_step, say)
    except BaseExceptionGroup as several:
        ended = several.subgroup(LifeEnded)
        while isinstance(ended, BaseExceptionGroup):
            ended = ended.exceptions[0]  # type: ignore[assignment]
        if ended is None:
            raise
        raise ended from None


async def _one_life(
    work: Path,
    compiled: Compiled,
    where: Where,
    block_s: float,
    patience_s: float,
    on_step: Callable[[dict[str, Any]], Awaitable[None] | None],
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    async with network(work, where=where, block_s=block_s, asked=compiled.groups) as net, living(net):
        say(f"cluster: {net.cluster}")
        around = Surroundings(net.chain, net.kube, net.ledger, net.why_no_bid)
        life = Life(
            net.tenant,
            around,
            net.played(compiled),
            dseq=int(time.time()),
            deposit=DEPOSIT,
            patience_s=patience_s,
            on_step=on_step,
        )
        return await life.run()


async def stay(work: Path, compiled: Compiled | None, *, where: Where, block_s: float, console: Console) -> None:
    """Until Ctrl-C: show the market; with an SDL, its order is posted once at the start."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def ended() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, ended)
    asked = compiled.groups if compiled is not None else ()
    async with network(work, where=where, block_s=block_s, asked=asked) as net, living(net) as running:
        console.print(f"cluster   {net.cluster}")
        node = net.node
        console.print(
            f"chain     {net.settings.chain.id}  gRPC {node.grpc_url}  RPC {node.rpc_url}  REST {node.rest_url}"
        )
        console.print(
            f"trouble   {node.rpc_url}/sandbox/chaos  POST e.g. '{{\"lag_blocks\": 3}}', GET shows all there is"
        )
        console.print(f"gateway   https://127.0.0.1:{running.gateway_port}  provider {running.address}")
        console.print(f"config    {work / 'akp.yaml'}   ledger {net.ledger}")
        console.print("Ctrl-C stops everything\n")
        async with asyncio.TaskGroup() as tasks:
            first = None
            if compiled is not None:
                around = Surroundings(net.chain, net.kube, net.ledger, net.why_no_bid)
                first = spawn(
                    tasks,
                    "first order",
                    _first(
                        Life(net.tenant, around, net.played(compiled), dseq=int(time.time()), deposit=DEPOSIT), console
                    ),
                )
            with Live(console=console, refresh_per_second=4) as live:
                while not stop.is_set():
                    with suppress(Retry):  # the screen may miss a turn
                        live.update(await _market(net))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(max(block_s, 0.25)):
                            await stop.wait()
            if first is not None:
                first.cancel()


async def _first(life: Life, console: Console) -> None:
    try:
        await life.run()
        console.print("the first order lived its whole life; the network stays up")
    except LifeEnded as end:
        console.print(f"the first order: {end}")


class Household(Protocol):
    """What a daemon needs to live somewhere; a Network has it."""

    @property
    def settings(self) -> Settings: ...


@asynccontextmanager
async def living(net: Household) -> AsyncIterator[daemon.Running]:
    """The daemon, up as long as the block lasts."""
    stop, up = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        task = spawn(tasks, "daemon", daemon.run(net.settings, stop=stop, up=up.set_result))
        await asyncio.wait({task, up}, return_when=asyncio.FIRST_COMPLETED)
        if not up.done():
            await task  # raises what ended it
            raise AkpError("the daemon ended before it was up")
        try:
            yield up.result()
        finally:
            stop.set()


async def _market(net: Network) -> Table:
    head = await net.chain.head()
    table = Table("order", "state", "bids", "price per block", "our daemon", title=f"height {head.height}", box=None)
    async with Store.open(net.ledger, readonly=True) as store:
        said = {row.order: row.outcome for row in await Decisions(store).orders(newest=40)}
    for state in ("open", "active"):
        for order in (await net.chain.latest.orders(state))[-10:]:
            bids = await net.chain.latest.bids_on(order.id)
            prices = ", ".join(f"{shown(b.price.amount_e18)}{b.price.denom} ({b.state})" for b in bids)
            table.add_row(str(order.id), order.state, str(len(bids)), prices, said.get(order.id, ""))
    return table
