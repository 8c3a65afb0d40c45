"""The daemon as a process of this world: `daemon.run` itself, with the wire, the files of Kubernetes and the tenants'
HTTPS door taken out; started, killed and started again."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import copy_context
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from provider import daemon
from provider.chain.alarm import Alarm
from provider.errors import AkpError, ConfigError, Fatal
from provider.follower import Follower
from provider.market.leases.leases import Leases
from provider.settings import Settings, load
from tests.provider.schedules.cluster import Seen
from tests.provider.schedules.mortal import Life, connected, living
from tests.provider.schedules.town import Town

PRICES = """\
usdPerMonth: {cpu: 50000, memoryGiB: 1, storageGiB: {ephemeral: 0.1}, endpoint: 0.05}
minimumUsdPerMonth: 20000
currencies:
  uact: {}
  uakt: {}
"""
SECRET = f"{1:064x}"
"""of history.US"""


class Process:
    def __init__(self, town: Town, settings: Settings) -> None:
        self.town, self.settings = town, settings
        self.starts = 0
        self.ends: list[tuple[float, str]] = []
        """when, and of what: killed or by itself"""

    async def run(self) -> None:
        """For ever. Raises what the daemon must not end with."""
        fate, loop = self.town.fate, asyncio.get_running_loop()
        while True:
            life = fate.life = Life(dies_at=fate.next_dies_at)
            fate.next_dies_at = None
            self.starts += 1
            context = copy_context()
            context.run(life.enter)
            task = loop.create_task(daemon.run(self.settings), context=context, name="daemon")
            dead = loop.create_task(life.dead.wait())
            await asyncio.wait({task, dead}, return_when=asyncio.FIRST_COMPLETED)
            dead.cancel()
            if life.dead.is_set():
                self.ends.append((self.town.now_s, "killed"))
                task.cancel()
                await asyncio.wait({task}, timeout=5)
                assert task.done(), "what was killed goes on"
            else:
                self.ends.append((self.town.now_s, _why(task)))
            for file in life.files:
                file.close()
            life.die()  # whatever it has left behind
            await asyncio.sleep(fate.away_s)


def _why(task: asyncio.Task[None]) -> str:
    """What a supervisor may start anew; anything else is a defect."""
    error = task.exception()
    assert error is not None, "the daemon ended by itself"
    leaves = list(_leaves(error))
    for one in leaves:
        if not isinstance(one, AkpError) or isinstance(one, ConfigError):
            raise error
        if isinstance(one, Fatal) and "starting anew" not in str(one):
            raise error
    return "; ".join(f"{type(one).__name__}: {one}" for one in leaves)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def settings(town: Town, work: Path, dice: random.Random) -> Settings:
    (work / "prices.yaml").write_text(PRICES)
    (work / "key.hex").write_text(SECRET)
    names = ("image_pull_s", "refused_s", "crash_loop_s", "unschedulable_s")
    values = {
        "chain": {
            "id": town.app.chain_id,
            "nodes": [{"rpc": f"http://n{n}.test:26657", "grpc": f"http://n{n}.test:9090"} for n in (0, 1)],
            "tx_timeout_s": 30,
        },
        "key": {"hex_file": str(work / "key.hex")},
        "bid": {
            "prices": str(work / "prices.yaml"), "timeout_s": dice.choice((48, 300)), "workers": 4,
            "reclamation_window_s": dice.choice((0, 60)),
        },
        "lease": {"manifest_timeout_s": 60, "withdraw_period_s": 60, "workers": 2, "grace": dict.fromkeys(names, 60)},
        "data": str(work),
    }  # fmt: skip
    (work / "akp.yaml").write_text(json.dumps(values))
    return load(work / "akp.yaml")


@contextmanager
def inside(town: Town) -> Iterator[None]:
    """Doors of the daemon lead into this world; its dice and its clocks are the world's."""
    stand_ins: dict[str, Any] = {
        "provider.chain.client.Nodes": town.doors.nodes,
        "provider.chain.client.Comet": town.doors.comet,
        "provider.chain.client.Alarm": partial(_Alarm, town),
        "provider.daemon.Kube": SimpleNamespace(connect=lambda _: _opened(_Kube())),
        "provider.daemon.Cluster": SimpleNamespace(watch=lambda *a: Seen(town.machines).watch()),
        "provider.daemon.application": lambda *a, **kw: None,
        "provider.daemon.PeerContext": lambda *a: None,
        "provider.daemon.serve": lambda *a: _opened(SimpleNamespace(port=1)),
        "provider.daemon.Health": lambda *a: _opened(SimpleNamespace(port=1)),
        "provider.daemon.Certificate": lambda *a: _Certificate(),
        "provider.daemon.certificates": SimpleNamespace(Source=str, ServerCertificates=lambda _: _Certificate()),
        "provider.daemon.Follower": _follower,
        "provider.daemon.Leases": partial(Leases, wall_unix_s=town.wall_unix_s),
        "sqlite3.connect": connected,
        "secrets.randbelow": random.Random(town.seed).randrange,
    }
    random.seed(town.seed)
    with ExitStack() as patched:
        for name, stand_in in stand_ins.items():
            patched.enter_context(mock.patch(name, stand_in))
        yield


def _follower(*args: Any) -> Follower:
    made, life = Follower(*args), living()
    if life is not None:
        life.parts = made
    return made


class _Alarm(Alarm):
    """Rings when the first node's websocket would."""

    def __init__(self, town: Town, _: Any) -> None:
        super().__init__(lambda: "")
        self._node = town.nodes[0]

    async def wait(self, timeout: float) -> bool:
        """Polls in between would only cost time."""
        return await super().wait(4 * timeout)

    async def run(self) -> None:
        stop = self._node.on_block(lambda _: None if self._node.chaos.silent_websockets else self.ring())
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            stop()


class _Kube:
    async def version(self) -> str:
        return "v1.34.0"


class _Certificate:
    choose = None

    async def ensure(self) -> str:
        return ""

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()

    keep_fresh = run


@asynccontextmanager
async def _opened(what: Any) -> AsyncIterator[Any]:
    yield what
