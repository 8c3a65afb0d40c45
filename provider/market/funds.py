"""Collecting income: a withdrawal per lease and period, and one at the height where its deployment's money runs out.

On chain nothing happens by itself when an account is empty (chain.md §0.2): the lease runs on unpaid until somebody
settles it. So the height at which a deployment runs dry is forecast here and the lease settled right then, which
closes it on chain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from bidengine.decide import blocks_within
from bidengine.escrow import dry_height
from bidengine.views import EscrowAccount, EscrowPayment
from manifests.coins import E18
from manifests.ids import DeploymentID, LeaseID
from provider.chain.messages import Msg, WithdrawLease
from provider.errors import NotFound, TxRefused
from provider.market.book import Book
from provider.settings import LeaseSettings
from provider.tasks import WorkQueue, spawn, work

log = structlog.get_logger()
LOST_BLOCKS = 200
"""A transaction is void long before."""
REFRESH_BLOCKS = 100
"""A tenant's deposit emits no event (chain.md §5.4), so a forecast is asked for anew after this many blocks."""


class Chain(Protocol):
    async def escrow_account(self, deployment: DeploymentID) -> EscrowAccount: ...
    async def escrow_payments(self, deployment: DeploymentID) -> list[EscrowPayment]: ...


@dataclass(frozen=True, slots=True)
class Forecast:
    asked_at: int
    settled_at: int
    dry_at: int | None
    """the first height at which a settlement would overdraw the account; None when no rate runs"""
    owed_apart: bool = False
    """leases of ours besides the one just withdrawn have settled money waiting"""


class Funds:
    def __init__(
        self,
        book: Book,
        chain: Callable[[], Chain],
        send: Callable[[Msg], Awaitable[str]],
        settings: LeaseSettings,
        block_time_ms: Callable[[], int],
    ) -> None:
        self.book, self.settings = book, settings
        self.queue: WorkQueue[DeploymentID] = WorkQueue()
        self.forecasts: dict[DeploymentID, Forecast] = {}
        self.unbooked: dict[LeaseID, int] = {}
        """lease with a withdrawal on its way whose money the ledger has not seen -> the height of asking"""
        self._chain, self._send, self._block_time_ms = chain, send, block_time_ms

    def tick(self, height: int) -> None:
        """Once a block, in memory: who is due for a look."""
        deployments = {lease.deployment for lease in self.book.leases}
        for gone in self.forecasts.keys() - deployments:
            del self.forecasts[gone]
        for deployment in deployments:
            forecast = self.forecasts.get(deployment)
            if forecast is None or height >= forecast.asked_at + REFRESH_BLOCKS or self._due(forecast, height):
                self.queue.put(deployment)

    def booked(self, paid: Iterable[LeaseID], closed: Iterable[LeaseID], height: int) -> None:
        """These have new money in the ledger, or are over. What never arrived is not waited for for ever."""
        for lease in [*paid, *closed]:
            self.unbooked.pop(lease, None)
        self.unbooked = {lease: at for lease, at in self.unbooked.items() if height < at + LOST_BLOCKS}

    def look(self, deployments: Iterable[DeploymentID]) -> None:
        for deployment in deployments:
            self.forecasts.pop(deployment, None)
            self.queue.put(deployment)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            spawn(tasks, "funds-0", work(self.queue, self.handle, what="deployment"))

    async def handle(self, deployment: DeploymentID) -> None:
        height, chain = self.book.height, self._chain()
        if not self._ours(deployment):
            return
        try:
            account = await chain.escrow_account(deployment)
            payments = await chain.escrow_payments(deployment)
        except NotFound:
            return
        ours = self._ours(deployment)
        if not ours:  # closed while we asked
            return
        rates = [p.rate.amount_e18 for p in payments if p.state == "open"]
        funds = sum(f.amount_e18 for f in account.funds if f.denom == self.book.leases[ours[0]].price.denom)
        dry = dry_height(funds, account.settled_at, rates)
        waiting = sorted(
            (p for p in payments if p.lease in ours and p.balance_e18 >= E18), key=lambda p: -p.balance_e18
        )
        forecast = Forecast(height, account.settled_at, dry, owed_apart=bool(waiting))
        if account.state == "open" and (waiting or self._due(forecast, height)):
            # A withdrawal settles all leases of the deployment and pays one; the others' money waits (chain.md §2.4).
            # And only one settlement per deployment and block (§5.6), so the next is looked for when this one has
            # been seen.
            await self._withdraw(
                waiting[0].lease if waiting else ours[0], "dry" if dry is not None and height >= dry else "period"
            )
            forecast = Forecast(height, height, dry, owed_apart=len(ours) > 1)
        self.forecasts[deployment] = forecast

    def _ours(self, deployment: DeploymentID) -> list[LeaseID]:
        return sorted(lease for lease in self.book.leases if lease.deployment == deployment)

    def _due(self, forecast: Forecast, height: int) -> bool:
        period_blocks = blocks_within(self.settings.withdraw_period_s, self._block_time_ms())
        if forecast.owed_apart and height > forecast.asked_at + 1:
            return True
        return (
            forecast.dry_at is not None and height >= forecast.dry_at
        ) or height - forecast.settled_at >= period_blocks

    async def _withdraw(self, lease: LeaseID, why: str) -> None:
        try:
            await self._send(WithdrawLease(lease))
            self.unbooked[lease] = self.book.height
            log.info("withdrawing", lease=str(lease), why=why)
        except TxRefused as no:
            log.info("withdrawal refused", lease=str(lease), why=str(no))
