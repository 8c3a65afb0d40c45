"""The daemon as an operator runs it, in a process of its own that can be killed at any moment, over a sandbox network
that lives in the test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from manifests.coins import Coin
from manifests.ids import LeaseID, OrderID
from manifests.sdl import Compiled, compile_sdl
from provider.chain.events import BidCreated
from provider.cluster.api.kinds import MANIFEST, NAMESPACE, PROVIDER_HOST
from provider.errors import Retry
from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.sandbox.life import Life, Surroundings
from provider.sandbox.network import Network, kept_port, network

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
BLOCK_S = 0.2
CHAIN_BLOCK_S = 1.0
"""What the chain counts for a block: a lease of shorter ones would cost next to nothing."""
_NOBODY_ANSWERS = 3
"""exit code (provider/cli/main.py)"""
PATIENCE_S = 180
"""for what is to be seen; a test ends when it is seen, and a machine may stand still for a while"""


@dataclass
class Daemon:
    """`akp run` over `work`/akp.yaml, with its metrics at `port`. Start and kill it as often as you like."""

    work: Path
    port: int
    flags: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = None
    starts: int = 0

    async def start(self) -> None:
        assert self.process is None, "it runs already"
        self.starts += 1
        with (self.work / f"daemon-{self.starts}.log").open("wb") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "provider", "run", "--config", str(self.work / "akp.yaml"), *self.flags,
                stdout=out, stderr=out, env={**os.environ, "AKP_METRICS__LISTEN": f"127.0.0.1:{self.port}"},
            )  # fmt: skip

    async def start_first(self) -> None:
        """Until it is up: of nodes that were never right it wants an answer at once, and is started again when there
        was none, as Kubernetes does."""

        async def up_or_over() -> bool:
            assert self.process is not None
            return self.process.returncode is not None or (await self._get("/readyz")).startswith("ready")

        while self.process is None:
            await self.start()
            await eventually("the daemon is ready for the first time", up_or_over)
            if self.process.returncode == _NOBODY_ANSWERS:
                self.process, self.starts = None, 0

    async def kill(self) -> None:
        """Like a power cut: no handler runs, nothing is flushed."""
        assert self.process is not None
        self.process.kill()
        assert await self.process.wait() == -signal.SIGKILL, "it had ended by itself before: see its log"
        self.process = None

    async def terminate(self) -> tuple[int, float]:
        """What Kubernetes does: exit code and seconds until the end, those not counted for which we stood still."""
        assert self.process is not None
        process = self.process
        async with felt() as seconds:
            process.terminate()
            code = await asyncio.wait_for(process.wait(), PATIENCE_S)
        self.process = None
        return code, seconds()

    async def ready(self) -> None:
        async def says_so() -> bool:
            return (await self._get("/readyz")).startswith("ready")

        await eventually("the daemon is ready", says_so)

    async def metric(self, name: str) -> float:
        page = await eventually("the daemon's metrics", lambda: self._get("/metrics"))
        for line in page.splitlines():
            if line.startswith(name) and line[len(name)] in " {":
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    @property
    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.work.glob("daemon-*.log")))

    async def _get(self, path: str) -> str:
        """What is answered, "" where nobody does."""
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
            try:
                return (await http.get(f"http://127.0.0.1:{self.port}{path}")).text
            except httpx.TransportError:
                return ""


@dataclass
class Town:
    """The sandbox network and what tests ask of it."""

    net: Network
    work: Path
    compiled: Compiled

    def life(self, dseq: int = 7, **kw: Any) -> Life:
        around = Surroundings(self.net.chain, self.net.kube, self.net.ledger, self.net.why_no_bid)
        return Life(
            self.net.tenant, around, self.compiled, dseq=dseq, deposit=Coin("uact", 5_000_000),
            patience_s=PATIENCE_S, **kw
        )  # fmt: skip

    def order(self, dseq: int = 7) -> OrderID:
        return OrderID(self.net.tenant.key.address, dseq, 1, 1)

    def our_lease(self, dseq: int = 7) -> LeaseID:
        return self.order(dseq).bid_of(self.net.provider.address)

    async def history(self) -> tuple[dict[OrderID, int], list[str]]:
        """Over all the chain's blocks: how often it made a bid of ours, by order; and what transactions that did
        nothing were told."""
        bids: dict[OrderID, int] = {}
        failed: list[str] = []
        tip = (await self.net.chain.head()).height
        async for block in self.net.chain.follow(after=0):
            failed += [tx.log for tx in block.txs if tx.code]
            for event in (event for tx in block.txs for event in tx.events):
                if isinstance(event, BidCreated) and event.id.provider == self.net.provider.address:
                    bids[event.id.order] = bids.get(event.id.order, 0) + 1
            if block.height >= tip:
                break
        return bids, failed

    async def left_over(self) -> list[str]:
        """What the cluster still has of any lease."""
        kube, out = self.net.kube, []
        for kind, namespace in ((NAMESPACE, None), (MANIFEST, "lease"), (PROVIDER_HOST, "lease")):
            labels = "akash.network=true,akash.network/lease.id.owner" if kind is NAMESPACE else ""
            out += [f"{kind} {o['metadata']['name']}" for o in await kube.all(kind, namespace, labels)]
        return out

    async def held(self) -> list[str]:
        """Orders with room set aside, as /status shows them."""
        async with await self.net.tenant.gateway(self.net.provider.address) as gateway:
            inventory = (await gateway.status())["cluster"]["inventory"]
        return ["active"] * len(inventory["active"]) + ["pending"] * len(inventory["pending"])

    async def settled_well(self, dseq: int = 7) -> None:
        """The lease is closed by its tenant, and the ledger tells the chain's own story of it."""
        lease = self.our_lease(dseq)
        found = await self.net.chain.latest.lease(lease)
        assert (found.state, found.reason) == ("closed", 1), "closed by the tenant and nobody else"
        (payment,) = await self.net.chain.latest.escrow_payments(lease.deployment)
        async with Store.open(self.net.ledger, readonly=True) as store:
            books = Books(store)
            spans, settlements = await books.spans(lease), await books.settlements(lease)
        assert [(s.from_height, s.to_height) for s in spans] == [(found.created_at, found.closed_on)]
        assert sum(coin.amount for s in settlements for coin in s.paid) == payment.withdrawn.amount > 0


@asynccontextmanager
async def felt() -> AsyncIterator[Callable[[], float]]:
    """Seconds since the block began, as they are felt here: while this process stands still, none passes."""
    turns, turn_s = 0, 0.1

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(turn_s)
            turns += 1

    task = asyncio.get_running_loop().create_task(count())
    try:
        yield lambda: turns * turn_s
    finally:
        task.cancel()


async def eventually(what: str, look: Callable[[], Awaitable[Any]], patience_s: float = PATIENCE_S) -> Any:
    """Look until there is something to see; a node or gateway that cannot answer now is asked again. Against processes
    and sockets there is no other clock."""
    deadline = time.monotonic() + patience_s
    while True:
        with suppress(Retry):
            if found := await look():
                return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s:.0f} s: {what}")
        await asyncio.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    return eventually


@pytest.fixture
def command() -> Callable[..., Awaitable[str]]:
    """`await command("leases", "list", …)`: what `akp` printed, in a process of its own; it must have succeeded. One
    that did nothing because nobody answered in time is typed again."""

    async def akp(*args: str) -> str:
        async def said() -> tuple[int, str, str]:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "provider", *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            out, err = await process.communicate()
            return process.returncode or 0, out.decode(), err.decode()

        for _ in range(5):
            code, out, err = await said()
            if code != _NOBODY_ANSWERS or "may have been taken" in err:
                break
        assert code == 0, err
        return out

    return akp


@pytest.fixture
def web() -> Compiled:
    return compile_sdl((EXAMPLES / "01-web.yaml").read_bytes())


@pytest.fixture
def in_town(tmp_path: Path, web: Compiled) -> Callable[..., Any]:
    """`async with in_town(block_s=…) as town`: chain, cluster and tenant; no daemon yet."""

    @asynccontextmanager
    async def open_(compiled: Compiled = web, **kw: Any) -> AsyncIterator[Town]:
        async with network(
            tmp_path, **{"block_s": BLOCK_S, "chain_block_s": CHAIN_BLOCK_S, "log": "json", **kw}
        ) as net:
            yield Town(net, tmp_path, net.played(compiled))

    return open_


@pytest.fixture
def with_daemon(in_town: Callable[..., Any]) -> Callable[..., Any]:
    """`async with with_daemon() as (town, daemon)`: the same with a daemon in a process of its own, which is up."""

    @asynccontextmanager
    async def open_(flags: tuple[str, ...] = (), **kw: Any) -> AsyncIterator[tuple[Town, Daemon]]:
        async with AsyncExitStack() as stack:
            town = await stack.enter_async_context(in_town(**kw))
            daemon = Daemon(town.work, stack.enter_context(kept_port()), flags)
            try:
                await daemon.start_first()
                yield town, daemon
            except BaseException:
                print(daemon.log[-6000:])
                raise
            finally:
                if daemon.process is not None:
                    if daemon.process.returncode is None:
                        daemon.process.kill()
                    await daemon.process.wait()

    return open_


@pytest.fixture(scope="session")
def exported() -> dict[str, str]:
    """kdf -> a key as the reference's own keyring code (cosmos-sdk 0.53) exports it under "correct horse": thirty-two
    ones."""
    return {"argon2": _ARGON2, "bcrypt": _BCRYPT}


_ARGON2 = """\
-----BEGIN TENDERMINT PRIVATE KEY-----
salt: 706EBED77BB7A816D159D8123D4AAB97
type: secp256k1
kdf: argon2

9fcx4ZD0bC571cyEDRsrsp+8pwqSX994O/AcmNqxGmH3u2xtMkH5A9g6tsY/gFni
HDIMx4Q=
=nYMQ
-----END TENDERMINT PRIVATE KEY-----
"""
_BCRYPT = """\
-----BEGIN TENDERMINT PRIVATE KEY-----
kdf: bcrypt
salt: A790BB721D1C094260EA84F5E5B72290

BttJlIjzKdNYgNFQkNbVHweY0yPGcgWfxedOWXHuSjWjH8R1KoGBOD4ArmiHFxF7
w33JFFZO3VhIFwo+NW1F1f0eEFEc6lf5T3ETRN4=
=cixp
-----END TENDERMINT PRIVATE KEY-----
"""
