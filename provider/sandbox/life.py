"""One life of a lease, watched from outside, step by step: the main job of this program, and the proof that it was
done.

Every step is an observation: of the chain, of the gateway's answer, of the cluster's objects, of the ledger's file.
Nothing is reported because it was asked for; a step that does not come in time ends the life with the reason
(`LifeEnded`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bidengine.usage import usage
from bidengine.views import Bid, EscrowPayment
from manifests.coins import Coin, format_decimal, trunc
from manifests.ids import DeploymentID, LeaseID, OrderID, lease_namespace
from manifests.render.names import lease_selector
from manifests.sdl import Compiled
from provider.chain.client import Chain
from provider.cluster.api.kinds import MANIFEST, NAMESPACE, PROVIDER_HOST
from provider.cluster.api.kube import Kube
from provider.errors import AkpError, NotFound, Refused, Retry
from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.sandbox.tenant import Gateway, Tenant

T = TypeVar("T")
STEPS = ("order", "bid", "lease", "manifest", "ready", "usage", "closed", "settled", "clean")


class LifeEnded(AkpError):
    """A step did not come; the text says which, and what was seen instead."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the watcher may look at."""

    chain: Chain
    kube: Kube
    ledger: Path
    why_no_bid: Callable[[OrderID], Awaitable[str]]
    """what the daemon's ledger says about an order without a bid"""


class Life:
    """`await Life(...).run()` -> the timeline; `on_step` is told of each step as it happens."""

    def __init__(
        self,
        tenant: Tenant,
        around: Surroundings,
        compiled: Compiled,
        *,
        dseq: int,
        deposit: Coin,
        patience_s: float = 60.0,
        paid_blocks: int = 3,
        on_step: Callable[[dict[str, Any]], Awaitable[None] | None] = lambda _: None,
    ) -> None:
        self.tenant, self.around, self.compiled = tenant, around, compiled
        self.dseq, self.deposit, self.patience_s, self.paid_blocks = dseq, deposit, patience_s, paid_blocks
        self.timeline: list[dict[str, Any]] = []
        self._on_step = on_step

    async def run(self) -> list[dict[str, Any]]:
        """The timeline. LifeEnded with the reason when a step does not come, or somebody says no."""
        try:
            return await self._run()
        except LifeEnded:
            raise
        except AkpError as bad:
            after = f"after step `{self.timeline[-1]['step']}`: " if self.timeline else ""
            raise LifeEnded(f"{after}{bad}") from None

    async def _run(self) -> list[dict[str, Any]]:
        foreign = {group.denom for group in self.compiled.groups} - {"uact"}
        if foreign:
            named = ", ".join(sorted(foreign))
            raise LifeEnded(f"the chain takes no deployments priced in {named}. Write `denom: uact` under pricing.")
        deployment = DeploymentID(self.tenant.key.address, self.dseq)
        await self.tenant.post(self.compiled, self.dseq, self.deposit)
        orders = await self._until("order", self._orders(deployment))
        await self._step("order", orders=[str(o) for o in orders])

        bids = [await self._bid(order) for order in orders]
        await self._step(
            "bid",
            price=format_decimal(sum(b.price.amount_e18 for b in bids)),
            bids=[{"id": str(b.id), "price": format_decimal(b.price.amount_e18), "denom": b.price.denom} for b in bids],
        )

        for bid in bids:
            await self.tenant.lease(bid.id)
        leases = [bid.id for bid in bids]
        for lease in leases:
            await self._until("lease", self._active(lease))
        await self._step("lease", leases=[str(lease) for lease in leases])

        async with await self._until("manifest", self._gateway(leases[0].provider)) as gateway:
            await self._until("manifest", self._accepted(gateway))
            await self._step("manifest", hash=self.compiled.version.hex())
            services = [await self._until("ready", self._ready(gateway, lease)) for lease in leases]
            await self._step("ready", services={name: s for found in services for name, s in found.items()})
            await self._usage(leases)
            await self.tenant.close(self.dseq)
            for lease in leases:
                await self._until("closed", self._over(lease))
            await self._step("closed")
            await self._settled(leases)
            for lease in leases:
                await self._until("clean", self._gone(lease))
            await self._until("clean", self._no_room_held(gateway))
            await self._step("clean", namespaces=0, held=0)
        return self.timeline

    async def _usage(self, leases: list[LeaseID]) -> None:
        """A few blocks must have been used and owed, according to the ledger on disk."""

        async def seen() -> list[dict[str, Any]] | None:
            head, reports = await self._ledger(leases)
            enough = all(r.blocks >= self.paid_blocks and any(r.earned.values()) for r in reports)
            if head is None or not enough:
                return None
            return [
                {"lease": str(lease), "blocks": r.blocks, "amount": sum(r.earned.values())}
                for lease, r in zip(leases, reports, strict=True)
            ]

        found = await self._until("usage", seen)
        await self._step(
            "usage", blocks=min(f["blocks"] for f in found), leases=found, amount=sum(f["amount"] for f in found)
        )

    async def _settled(self, leases: list[LeaseID]) -> None:
        """What the chain paid out and what the ledger says it paid must be the same number, and what the rate
        demands."""

        async def equal() -> list[dict[str, Any]] | None:
            out = []
            for lease in leases:
                payment = await self._payment(lease)
                if payment.state == "open":
                    return None
                async with Store.open(self.around.ledger, readonly=True) as store:
                    books = Books(store)
                    booked = sum(
                        coin.amount
                        for settlement in await books.settlements(lease)
                        for coin in settlement.paid
                        if coin.denom == payment.withdrawn.denom
                    )
                    spans = await books.spans(lease)
                if booked != payment.withdrawn.amount or not spans or spans[-1].to_height is None:
                    return None
                owed = sum(
                    trunc(s.rate.amount_e18 * (s.to_height - s.from_height)) for s in spans if s.to_height is not None
                )
                out.append(
                    {
                        "lease": str(lease),
                        "chain": payment.withdrawn.amount,
                        "ledger": booked,
                        "owed": owed,
                        "denom": payment.withdrawn.denom,
                    }
                )
            short = [one for one in out if one["chain"] != one["owed"]]
            # A lease created beside a running one takes that one's income with it (chain.md §5.6): alone it is exact.
            if short and len(leases) == 1:
                raise LifeEnded(f"the chain paid {short[0]['chain']}, but the rate demands {short[0]['owed']}")
            return out

        found = await self._until("settled", equal)
        await self._step(
            "settled", amount=sum(f["chain"] for f in found), ledger=sum(f["ledger"] for f in found), leases=found
        )

    async def _ledger(self, leases: list[LeaseID]) -> tuple[int | None, list[Any]]:
        async with Store.open(self.around.ledger, readonly=True) as store:
            books = Books(store)
            head = await books.head()
            if head is None:
                return None, []
            reports = []
            for lease in leases:
                spans = await books.spans(lease)
                start = spans[0].from_height if spans else head.height
                reports.append(usage(spans, await books.settlements(lease), start, head.height))
            return head.height, reports

    async def _bid(self, order: OrderID) -> Bid:
        async def cheapest() -> Bid | None:
            bids = await self.around.chain.latest.bids_on(order)
            return min((b for b in bids if b.state == "open"), key=lambda b: b.price.amount_e18, default=None)

        try:
            return await self._until("bid", cheapest)
        except LifeEnded as late:
            why = await self.around.why_no_bid(order)
            raise LifeEnded(f"no bid on order {order}: {why}" if why else str(late)) from None

    def _orders(self, deployment: DeploymentID) -> Callable[[], Awaitable[list[OrderID] | None]]:
        async def all_of_them() -> list[OrderID] | None:
            found = [
                OrderID(deployment.owner, deployment.dseq, gseq, 1) for gseq in range(1, len(self.compiled.groups) + 1)
            ]
            for order in found:
                await self.around.chain.latest.order(order)
            return found

        return all_of_them

    def _active(self, lease: LeaseID) -> Callable[[], Awaitable[bool]]:
        async def active() -> bool:
            return (await self.around.chain.latest.lease(lease)).state == "active"

        return active

    def _over(self, lease: LeaseID) -> Callable[[], Awaitable[bool]]:
        async def over() -> bool:
            return not (await self.around.chain.latest.lease(lease)).live

        return over

    def _gateway(self, provider: str) -> Callable[[], Awaitable[Gateway]]:
        async def reachable() -> Gateway:
            return await self.tenant.gateway(provider)

        return reachable

    def _accepted(self, gateway: Gateway) -> Callable[[], Awaitable[bool]]:
        async def accepted() -> bool:
            try:
                await gateway.send_manifest(self.dseq, self.compiled)
            except Refused as no:
                if "no lease for deployment" in str(no):  # the daemon has not read the lease's block yet
                    return False
                raise LifeEnded(f"the manifest was refused: {no}") from None
            return True

        return accepted

    def _ready(self, gateway: Gateway, lease: LeaseID) -> Callable[[], Awaitable[dict[str, Any] | None]]:
        async def ready() -> dict[str, Any] | None:
            found = await gateway.lease_status(lease)
            # With services standing, what is said is what they are waiting for, an address say.
            if found is not None and found.get("errors") and not found["services"]:
                raise LifeEnded(f"the cluster refused the manifest: {found['errors'][0]}")
            if found is None or not found["services"]:
                return None
            group = self.compiled.manifest[lease.gseq - 1]
            services: dict[str, Any] = found["services"]
            if any(services.get(s.name, {}).get("available", 0) < s.count for s in group.services):
                return None
            return {name: {"available": s["available"], "uris": s["uris"]} for name, s in services.items()}

        return ready

    def _gone(self, lease: LeaseID) -> Callable[[], Awaitable[bool]]:
        name = lease_namespace(lease)

        async def gone() -> bool:
            for kind, namespace in ((NAMESPACE, None), (MANIFEST, "lease")):
                try:
                    await self.around.kube.get(kind, namespace, name)
                except NotFound:
                    continue
                return False
            hosts = await self.around.kube.all(PROVIDER_HOST, "lease", lease_selector(lease))
            return not hosts

        return gone

    def _no_room_held(self, gateway: Gateway) -> Callable[[], Awaitable[bool]]:
        async def none() -> bool:
            inventory = (await gateway.status())["cluster"]["inventory"]
            return not inventory["active"] and not inventory["pending"]

        return none

    async def _payment(self, lease: LeaseID) -> EscrowPayment:
        payments = await self.around.chain.latest.escrow_payments(lease.deployment)
        return next(p for p in payments if p.lease == lease)

    async def _until(self, step: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Look until there is something to see; trouble on the way counts as nothing seen yet."""
        deadline = time.monotonic() + self.patience_s
        trouble = ""
        while True:
            try:
                found = await look()
                if found:
                    return found
            except (NotFound, Retry) as bad:
                trouble = str(bad)
            if time.monotonic() >= deadline:
                raise LifeEnded(
                    f"step `{step}` did not come within {self.patience_s:.0f} s{f': {trouble}' if trouble else ''}"
                )
            await asyncio.sleep(0.05)

    async def _step(self, step: str, **seen: Any) -> None:
        head = await self._until(step, self.around.chain.head)
        entry = {"height": head.height, "time": _iso(head.time_unix_ns), "step": step, **seen}
        self.timeline.append(entry)
        told = self._on_step(entry)
        if told is not None:
            await told


def _iso(unix_ns: int) -> str:
    return dt.datetime.fromtimestamp(unix_ns / 1e9, dt.UTC).isoformat(timespec="milliseconds")
