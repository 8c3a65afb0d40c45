"""Each switch of chaos.py (chain.md §7.3), thrown while a real daemon lives through a lease's whole life: in the end
the chain, the ledger and the cluster stand where they stand after a life without trouble.

The chain has two nodes. The tenant asks the second, which is always well; the daemon has the troubled one alone, so
that it must live with it, or both, so that it must change over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bidengine.outcomes import WON
from provider.errors import Fatal
from provider.ledger.books import Books
from provider.ledger.decisions import Decisions
from provider.ledger.store import Store
from provider.sandbox.life import STEPS
from provider.sandbox.town import living

BLOCK_S = 0.1
KEPT = 40
Trouble = Callable[[Any, str], None]


def always(**switches: Any) -> Trouble:
    return lambda node, step: throw(node, switches)


def between(first: str, last: str, **switches: Any) -> Trouble:
    """From one step of the life to another."""
    off = {name: type(value)() for name, value in switches.items()}
    return lambda node, step: throw(node, switches if step == first else off if step == last else {})


def at(*steps: str, do: Callable[[Any], Any]) -> Trouble:
    return lambda node, step: do(node) if step in steps else None


def throw(node: Any, switches: dict[str, Any]) -> None:
    for name, value in switches.items():
        setattr(node.chaos, name, value)


def busy(node: Any) -> None:
    node.chaos.fail_rpc(429, for_s=0.7)
    node.chaos.fail_grpc(for_s=0.7, status="RESOURCE_EXHAUSTED")


def away(node: Any) -> None:
    node.chaos.fail_rpc(503, for_s=0.7)
    node.chaos.fail_grpc(for_s=0.7)


def dead(node: Any) -> None:
    node.chaos.fail_rpc(503)
    node.chaos.fail_grpc()
    node.cut_connections()


def closed_for_a_while(node: Any) -> None:
    throw(node, {"mempool_full": True})
    asyncio.get_running_loop().call_later(1.0, throw, node, {"mempool_full": False})


def keep_little(node: Any) -> None:
    """The newest blocks and states."""
    throw(node, {"prune_below": node.app.height - KEPT})


ALONE: dict[str, Trouble] = {
    "no trouble at all": lambda node, step: None,
    "the websocket is silent": always(silent_websockets=True),
    "every connection is cut at each step": at(*STEPS, do=lambda node: node.cut_connections()),
    "lags": always(lag_blocks=4),
    "lags for a while": between("bid", "usage", lag_blocks=8),
    "results are late": always(late_results=2),
    "catches up": always(catching_up=True),
    "prunes what is not new": at(*STEPS, do=keep_little),
    "has too much to do (429) at each step": at(*STEPS, do=busy),
    "is away (503) at each step": at(*STEPS, do=away),
    "loses a transaction it has accepted": at("order", do=lambda node: throw(node, {"lose_txs": 1})),
    "lets no transaction in": at("order", do=closed_for_a_while),
    "refuses to simulate at each step": at(*STEPS, do=lambda node: throw(node, {"refuse_simulations": 2})),
    "tells every event twice": always(duplicate_events=True),
    "is slow": always(slow_s=0.1),
}
CHANGES: dict[str, Trouble] = {
    "dies": lambda node, step: dead(node) if step == "bid" else node.chaos.heal() if step == "closed" else None,
    "lags far behind": between("bid", "closed", lag_blocks=100),
    "catches up": between("bid", "closed", catching_up=True),
}
"""It is back at the end: that a lease is over is believed when both say so."""


def knowing(town: Any, nodes: int) -> Any:
    """The network for a daemon that knows so many of the chain's two nodes. What it sends is void after twenty blocks,
    and is then made anew."""
    chain = town.net.settings.chain
    known = chain.model_copy(update={"nodes": chain.nodes[:nodes], "tx_timeout_s": 20})
    return replace(town.net, settings=town.net.settings.model_copy(update={"chain": known}))


@pytest.fixture
def opened(in_town: Callable[..., Any]) -> Callable[..., Any]:
    """`async with opened(nodes=…) as (town, running)`."""

    @asynccontextmanager
    async def open_(nodes: int) -> AsyncIterator[tuple[Any, Any]]:
        async with in_town(block_s=BLOCK_S, peers=1) as town, living(knowing(town, nodes)) as running:
            yield town, running

    return open_


async def lived(
    town: Any, trouble: Trouble, until: Any, look: Callable[[str], Awaitable[None]] | None = None
) -> dict[str, Any]:
    """The end state of one life under this trouble; `look` is called at each step, before it changes."""

    async def on_step(entry: dict[str, Any]) -> None:
        if look is not None:
            await look(entry["step"])
        await until("the daemon is not far behind", lambda: close_behind(town))
        trouble(town.net.node, entry["step"])

    trouble(town.net.node, "")
    await town.life(on_step=on_step).run()
    town.net.node.chaos.heal()
    return await end_state(town)


async def close_behind(town: Any) -> bool:
    """So that what is thrown away is old for the daemon too, however slow its disk."""
    async with Store.open(town.net.ledger, readonly=True) as store:
        head = await Books(store).head()
    return head is not None and head.height > town.net.node.app.height - KEPT // 2


async def end_state(town: Any) -> dict[str, Any]:
    """Where everything stands, as far as it is the same for every life; that the books agree with the chain to the
    micro-unit is asserted, since amounts depend on how long a life took."""
    await town.settled_well()
    latest, order, lease = town.net.chain.latest, town.order(), town.our_lease()
    async with Store.open(town.net.ledger, readonly=True) as store:
        books, decisions = Books(store), Decisions(store)
        head, running = await books.head(), await books.open_leases()
        told = [link.outcome for link in await decisions.of(order)]
    closed_on = (await latest.lease(lease)).closed_on
    bids, _ = await town.history()
    return {
        "bids made": bids == {order: 1},
        "bids on chain": [bid.state for bid in await latest.bids_on(order)],
        "order": (await latest.order(order)).state,
        "deployment": (await latest.deployment(lease.deployment)).state,
        "ledger has reached the end": head is not None and head.height >= closed_on,
        "runs according to the ledger": running,
        "what became of it": told[-1].partition(".")[0],
        "left in the cluster": await town.left_over(),
        "held": await town.held(),
    }


END = {
    "bids made": True,
    "bids on chain": ["closed"],
    "order": "closed",
    "deployment": "closed",
    "ledger has reached the end": True,
    "runs according to the ledger": set(),
    "what became of it": WON,
    "left in the cluster": [],
    "held": [],
}


@pytest.mark.parametrize("trouble", ALONE.values(), ids=ALONE)
async def test_its_only_node(trouble: Trouble, opened: Callable[..., Any], until: Any) -> None:
    async with opened(nodes=1) as (town, _):
        assert await lived(town, trouble, until) == END


@pytest.mark.parametrize("trouble", CHANGES.values(), ids=CHANGES)
async def test_its_first_node_of_two(trouble: Trouble, opened: Callable[..., Any], until: Any) -> None:
    async with opened(nodes=2) as (town, running), httpx.AsyncClient(trust_env=False, timeout=180) as http:
        first, second = (n.rpc_url.removeprefix("http://") for n in (town.net.node, *town.net.peers))

        async def changed_over() -> bool:
            page = (await http.get(f"http://127.0.0.1:{running.health_port}/metrics")).text
            return all(f'akp_node_in_use{{node="{n}"}} {used}' in page for n, used in ((first, 0.0), (second, 1.0)))

        async def look(step: str) -> None:
            if step == "usage":
                await until("the second node is used", changed_over)

        assert await lived(town, trouble, until, look) == END


@pytest.mark.parametrize("kept_elsewhere", [False, True])
async def test_blocks_thrown_away_before_they_were_read(
    kept_elsewhere: bool, with_daemon: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first node keeps none of the blocks in which a lease began while nobody was there. Where no other does, what
    stands is loaded, and what is skipped is told and counted."""
    async with with_daemon(block_s=BLOCK_S, peers=1) as (town, process):
        node = town.net.node
        if not kept_elsewhere:
            monkeypatch.setenv("AKP_CHAIN__NODES", f"{node.rpc_url},{node.grpc_url}")

        async def gap(entry: dict[str, Any]) -> None:
            if entry["step"] == "bid":
                await process.kill()
            elif entry["step"] == "lease":
                await node.step(5)
                node.chaos.prune_below = node.app.height
                await process.start()
                await process.ready()
                skipped = await process.metric("akp_blocks_skipped_total")
                assert skipped == 0 if kept_elsewhere else skipped >= 5
                assert await process.metric("akp_chain_reloads_total") == (0 if kept_elsewhere else 1)
                told = "blocks are skipped, the present state is loaded" in process.log
                assert told is not kept_elsewhere

        await town.life(on_step=gap).run()
        assert await end_state(town) == END


async def test_a_chain_that_was_reset_ends_it_and_nothing_is_torn_down(in_town: Callable[..., Any]) -> None:
    def reset(entry: dict[str, Any]) -> None:
        if entry["step"] == "usage":
            town.net.node.reset()

    async with in_town(block_s=BLOCK_S, peers=1) as town:
        with pytest.raises(BaseExceptionGroup) as found:
            async with living(knowing(town, 1)):
                await town.life(on_step=reset).run()
        assert found.group_contains(Fatal, match="reset")
        left = {line.split()[0] for line in await town.left_over()}
        assert {"namespaces", "manifests.akash.network"} <= left
        async with Store.open(town.net.ledger, readonly=True) as store:
            assert await Books(store).open_leases() == {town.our_lease()}
