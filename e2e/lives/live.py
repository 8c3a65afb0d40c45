"""Plans to lives: one network and one daemon for all, one deployment for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from e2e.cluster import Cluster
from e2e.lives.visit import Visit
from manifests.coins import Coin
from manifests.ids import LeaseID, lease_namespace
from manifests.sdl import compile_sdl
from provider.cluster.api.kinds import NAMESPACE
from provider.daemon import Running
from provider.errors import AkpError, NotFound, Retry
from provider.sandbox.life import STEPS, Life, Surroundings
from provider.sandbox.network import Network, network
from provider.sandbox.town import living

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATIENCE_S = 900.0
"""The last step of a life is that nobody has any room, so each waits for the slowest of all."""
FIRST_DSEQ = 101
"""All have three digits: the chain settles the leases of deployment 10 with those of 1, its text beginning alike."""
DEPOSIT = Coin("uact", 50_000_000)


@dataclass(frozen=True, slots=True)
class Plan:
    """`begin` is awaited before the order is posted, `leased` between lease and manifest."""

    sdl: bytes
    visit: Callable[[Visit], Awaitable[dict[str, Any]]]
    begin: Callable[[Network], Awaitable[None]] | None = None
    leased: Callable[[Network, LeaseID], Awaitable[None]] | None = None


@dataclass(slots=True)
class Lived:
    """Ask `seen` or `timeline`; both raise what ended the life early."""

    _timeline: list[dict[str, Any]] = field(default_factory=list)
    _seen: dict[str, Any] = field(default_factory=dict)
    trouble: Exception | None = None

    @property
    def seen(self) -> dict[str, Any]:
        if self.trouble is not None:
            raise self.trouble
        return self._seen

    @property
    def timeline(self) -> dict[str, dict[str, Any]]:
        """By step, all of them."""
        if self.trouble is not None:
            raise self.trouble
        assert tuple(step["step"] for step in self._timeline) == STEPS
        return {step["step"]: step for step in self._timeline}


def example(number: str) -> bytes:
    (file,) = EXAMPLES.glob(f"{number}-*.yaml")
    return file.read_bytes()


async def live(
    cluster: Cluster,
    work: Path,
    plans: Mapping[str, Plan],
    site: Mapping[str, Any] | None = None,
    lease: Mapping[str, Any] | None = None,
) -> dict[str, Lived]:
    """`site`: settings of the daemon's cluster; `lease`: of its patience with leases, in the chain's time."""
    asked = [group for plan in plans.values() for group in compile_sdl(plan.sdl).groups]
    async with network(work, where=cluster.kubeconfig, block_s=0.5, asked=asked, site=site) as made:
        patience = made.settings.lease.model_copy(update=dict(lease or {}))
        net = replace(made, settings=made.settings.model_copy(update={"lease": patience}))
        async with living(net) as daemon:
            lives = [_one(net, daemon, cluster, plan, dseq) for dseq, plan in enumerate(plans.values(), FIRST_DSEQ)]
            return dict(zip(plans, await asyncio.gather(*lives), strict=True))


async def _one(net: Network, daemon: Running, cluster: Cluster, plan: Plan, dseq: int) -> Lived:
    lived, leases = Lived(), list[LeaseID]()

    async def look(step: dict[str, Any]) -> None:
        if step["step"] == "lease":
            leases.extend(map(LeaseID.parse, step["leases"]))
            if plan.leased is not None:
                await plan.leased(net, leases[0])
        if step["step"] == "ready":
            async with await net.tenant.gateway(leases[0].provider) as gateway:
                lived._seen |= await plan.visit(Visit(net, daemon, cluster, gateway, leases[0]))

    around = Surroundings(net.chain, net.kube, net.ledger, net.why_no_bid)
    compiled = net.played(compile_sdl(plan.sdl))
    life = Life(net.tenant, around, compiled, dseq=dseq, deposit=DEPOSIT, patience_s=PATIENCE_S, on_step=look)
    try:
        if plan.begin is not None:
            await plan.begin(net)
        lived._timeline = await life.run()
    except Exception as trouble:  # whatever a visit stumbles over
        for lease in leases:
            namespace = lease_namespace(lease)
            around_it = cluster.kubectl("get", "pods,events", "-o", "wide", "-n", namespace, check=False)
            with suppress(AkpError):
                trouble.add_note(str(await net.chain.latest.lease(lease)))
            trouble.add_note(f"{namespace}:\n{around_it}")
        lived.trouble = trouble
        await _leave(net, dseq, leases)
    return lived


async def _leave(net: Network, dseq: int, leases: Sequence[LeaseID]) -> None:
    """Nobody else shall wait for its room, nor find its pods."""
    with suppress(AkpError):  # it may be closed already
        await net.tenant.close(dseq)
    deadline = time.monotonic() + PATIENCE_S
    for lease in leases:
        with suppress(NotFound):
            while time.monotonic() < deadline:
                with suppress(Retry):
                    await net.kube.get(NAMESPACE, None, lease_namespace(lease))
                await asyncio.sleep(0.2)
