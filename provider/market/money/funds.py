"""Collecting income: as soon as it is worth it, once a period, and when a deployment's money ends.

On chain nothing happens by itself when an account is empty (chain.md §0.2): the lease runs on unpaid until somebody
settles it. So the height of the end is forecast: shortly before it what is there is collected, and at it a withdrawal
closes the lease on chain. When one is due is known in heights (bidengine/withdrawal.py), so that a block in which none
is costs no question.

The subtlety is the account that uakt has wedged: it looks open, withdrawals succeed, and nothing is paid for good.
Such a lease is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from bidengine.agenda import Agenda
from bidengine.decide import blocks_within
from bidengine.forecast import DAY_MS, Forecast
from bidengine.tariff.currency import CoinPrice
from bidengine.views import CloseReason
from bidengine.withdrawal import Due, Terms, Why, next_due
from manifests.coins import Coin, parse_decimal
from manifests.ids import DeploymentID, LeaseID, OrderID
from provider.chain.messages import Msg, WithdrawLease
from provider.chain.tx import gas
from provider.chain.tx.priority import Priority
from provider.errors import AkpError, Fatal, Retry, TxRefused
from provider.market.book import Book
from provider.market.leases.closing import Closing
from provider.market.money.escrows import Chain, Escrows
from provider.metrics import Sample
from provider.settings import ChainSettings, LeaseSettings
from provider.tasks import WorkQueue, spawn, work

log = structlog.get_logger()
LOST_BLOCKS = 200
"""A transaction is void long before."""
WITHDRAWAL_GAS = 91_000
"""chain-probes.md §5"""
SEEN_BLOCKS = 10
"""What was sent so long ago and has not been booked may have landed and paid nothing: the account tells."""
MOST_PUT_OFF_BLOCKS = 10_000
"""between two tries for a lease that is over: less than a day"""
NO_JUDGEMENT_S = 60
"""A refusal that is not the chain's, a signer's or a proxy's, stands for so long only."""
READERS = 4
LINGER_S = 0.05
"""Withdrawals due at the same time share transactions: while others are being read, those that can wait do, ..."""
MOST_LINGER_S = 5.0
"""... but not longer than this."""


@dataclass(slots=True)
class _Over:
    """A lease that is over, whose payment may not be."""

    look_after: int
    """height"""
    told: bool = False
    """that its payment was left open; it has been tried to collect it since"""
    in_vain: int = 0
    """times that came to nothing"""

    def put_off(self, height: int) -> None:
        """Ever longer: what the chain refuses again and again, only the end of the deployment may end."""
        self.look_after = height + min(SEEN_BLOCKS << self.in_vain, MOST_PUT_OFF_BLOCKS)
        self.in_vain += 1


@dataclass(slots=True)
class _Sent:
    """A withdrawal under way, or just refused."""

    at: int
    """height of sending it"""
    until: int
    """height from which on it keeps no other from being sent"""
    refused: bool = False


class Send(Protocol):
    def __call__(self, *msgs: Msg, priority: Priority | None = None) -> Awaitable[str]: ...


class Funds:
    """- A block in which nothing is due costs no question and no loop over what the chain said.
    - One withdrawal at a time is under way for a deployment, and none for one that pays no more.
    - What is due at the same time goes out together; one that has to wait, as for a command beside us, keeps nobody.
    """

    def __init__(
        self,
        book: Book,
        chain_at: Callable[[int], Chain],
        confirmed_wedge: Callable[[DeploymentID], Awaitable[bool]],
        send: Send,
        closing: Closing,
        settings: LeaseSettings,
        fee: Coin,
        block_time_ms: Callable[[], int],
        prices: Callable[[], Mapping[str, CoinPrice]] = dict,
    ) -> None:
        self.book, self.settings, self.closing = book, settings, closing
        self.escrows = Escrows(chain_at)
        self.queue: WorkQueue[str] = WorkQueue()
        """tenants whose accounts are to be read"""
        self.wedged: dict[DeploymentID, int] = {}
        """account that pays no more though it is open -> the height it was first seen so"""
        self._confirmed_wedge = confirmed_wedge
        self._send, self._fee, self._block_time_ms, self._prices = send, fee, block_time_ms, prices
        self._due: Agenda[DeploymentID] = Agenda()
        """when a withdrawal is"""
        self._sent: dict[DeploymentID, _Sent] = {}
        self._ready: dict[DeploymentID, Due] = {}
        self._guarded: set[DeploymentID] = set()
        self._ended: dict[LeaseID, _Over] = {}
        """to look whether their payment has ended too"""
        self._live: dict[str, dict[DeploymentID, set[LeaseID]]] = {}
        """tenant -> live leases by deployment"""
        self._wake = asyncio.Event()
        self.opened(book.leases)

    def tick(self, height: int) -> None:
        """Once a block, in memory: whose accounts are to be read, because they are old or something is due."""
        self._sent = {one: sent for one, sent in self._sent.items() if height < sent.until}
        owners = self.escrows.old(height)
        ages = ((one.owner, height - sent.at) for one, sent in self._sent.items())
        owners |= {owner for owner, blocks in ages if blocks > 0 and blocks % SEEN_BLOCKS == 0}
        owners |= {one.owner for one in self._due.due(height) if not self._kept(one, height)}
        owners |= {lease.owner for lease in self._ended if self._may_be_left(lease, height)}
        for owner in owners:
            self.queue.put(owner)

    def booked(self, paid: Iterable[LeaseID], closed: Iterable[LeaseID], height: int) -> None:
        """These have new money in the ledger, or are over: in this block, or, at a start, long ago and were not
        collected (`Journal.uncollected`)."""
        for lease in paid:
            self._seen(lease.deployment)
            self._ended.pop(lease, None)
        for lease in closed:
            self._ended[lease] = _Over(height)
            self._over(lease)

    def opened(self, leases: Iterable[LeaseID]) -> None:
        """These have begun, unless they are over already."""
        for lease in leases:
            if lease in self.book.leases:
                self._live.setdefault(lease.owner, {}).setdefault(lease.deployment, set()).add(lease)
                self.escrows.keep(lease.deployment)
                self.queue.put(lease.owner)

    def failed(self, msg: Msg) -> None:
        """A message that had left came to nothing."""
        if isinstance(msg, WithdrawLease):
            self._in_vain(msg.id)
            self._seen(msg.id.deployment)

    def guard(self, orders: Iterable[OrderID]) -> None:
        """New orders: a lease made on a deployment that runs already drops what its other leases have earned since
        the last settlement (chain.md §5.6). That is collected first."""
        opened = {o.deployment for o in orders if (found := self.book.orders.get(o)) and found.state == "open"}
        for deployment in opened:
            if deployment in self._live.get(deployment.owner, ()):
                self._guarded.add(deployment)
                self.queue.put(deployment.owner)

    def forecast(self) -> list[Forecast]:
        """Of each live lease whose account is known, at the book's height."""
        out = []
        for lease in self.book.leases:
            escrow = self.escrows.get(lease.deployment)
            found = escrow.forecast(lease, self.book.height) if escrow is not None else None
            if found is not None:
                out.append(found)
        return out

    def gauges(self) -> Iterator[Sample]:
        unpaid: dict[str, int] = {}
        lost: dict[str, int] = {}
        soon, block_ms = 0, self._block_time_ms()
        for one in self.forecast():
            unpaid[one.unpaid.denom] = unpaid.get(one.unpaid.denom, 0) + one.unpaid.amount
            left_s = one.seconds_left(block_ms)
            if left_s is not None and left_s * 1000 < DAY_MS:
                soon += 1
                lost[one.rate.denom] = lost.get(one.rate.denom, 0) + one.per_day_e18(block_ms)
        for denom, amount in unpaid.items():
            yield "akp_income_unpaid_utokens", {"denom": denom}, amount
        yield "akp_leases_dry_soon", {}, soon
        for denom, e18 in lost.items():
            yield "akp_leases_dry_soon_utokens_per_day", {"denom": denom}, e18 / 1e18
        yield "akp_accounts_wedged", {}, len(self.wedged)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for n in range(READERS):
                spawn(tasks, f"funds-{n}", work(self.queue, self.handle, what="tenant"))
            spawn(tasks, "funds-collect", self._collect(tasks))

    async def handle(self, owner: str) -> None:
        height = self.book.height
        ended = [lease for lease in self._ended if lease.owner == owner and self._may_be_left(lease, height)]
        wanted = {*self._live.get(owner, ()), *(lease.deployment for lease in ended)}
        if not wanted:
            return
        await self.escrows.read(owner, wanted, height)
        for deployment in sorted(wanted):
            if ours := sorted(self._live.get(owner, {}).get(deployment, ())):  # others were closed while we asked
                await self._look(deployment, ours, height)
        for lease in ended:
            if lease in self._ended and lease.deployment not in self._ready:
                self._left_open(lease, height)
        for deployment in wanted - self._live.get(owner, {}).keys():
            self.escrows.forget(deployment)

    async def flush(self) -> None:
        """Send all that is ready, together."""
        ready, self._ready = self._ready, {}
        height = self.book.height
        self._sent |= {deployment: _Sent(height, height + LOST_BLOCKS) for deployment in ready}
        await asyncio.gather(*(self._withdraw(deployment, due) for deployment, due in ready.items()))

    async def _look(self, deployment: DeploymentID, ours: list[LeaseID], height: int) -> None:
        escrow = self.escrows.get(deployment)
        guarded = deployment in self._guarded
        self._guarded.discard(deployment)
        self._due.drop(deployment)
        if escrow is None:
            return  # closed or overdrawn: its block is on its way
        if (sent := self._sent.get(deployment)) is not None and escrow.account.settled_at > sent.at:
            del self._sent[deployment]
        if escrow.account.wedged:
            await self._is_wedged(deployment, ours, height)
            return
        self.wedged.pop(deployment, None)
        due = next_due(escrow, ours, height, self._terms())
        if due is None:
            return
        if guarded and escrow.unpaid(due.lease, height).amount:
            due = Due(height, due.lease, Why.WORTH)
        self._due.put(deployment, due.at)
        if due.at <= height and not self._kept(deployment, height):
            self._ready[deployment] = due
            self._wake.set()

    async def _is_wedged(self, deployment: DeploymentID, ours: list[LeaseID], height: int) -> None:
        """Told at once, and closed when a later block still shows it, and a second node where there is one."""
        if deployment not in self.wedged:
            self.wedged[deployment] = height
            log.error("an account pays no more though it is open, its lease will be closed", deployment=str(deployment))
        first = self.wedged[deployment] == height
        self._due.put(deployment, height + (1 if first else SEEN_BLOCKS))
        if first or not await self._confirmed_wedge(deployment):
            return
        for lease in ours:
            live = self.book.leases.get(lease)
            if live is not None:
                await self.closing.end(live, CloseReason.UNSPECIFIED)

    def _left_open(self, lease: LeaseID, height: int) -> None:
        """A lease that is over, whose payment another settlement in the same block has kept from ending (chain.md
        §5.6): what it had earned is collected once. Only the end of the deployment ends it."""
        escrow = self.escrows.get(lease.deployment)
        payment = escrow.payment(lease) if escrow is not None else None
        if escrow is None or payment is None or payment.state != "open" or escrow.account.wedged:
            del self._ended[lease]
            return
        over = self._ended[lease]
        over.look_after = height + SEEN_BLOCKS  # looked at again until a block has shown that it was paid
        if escrow.unpaid(lease, height).amount:  # a lease made in this block has dropped it (§5.6): later there is more
            if not over.told:
                log.warning("the payment of a closed lease was left open on chain", lease=str(lease))
            over.told = True
            self._ready[lease.deployment] = Due(height, lease, Why.WORTH)
            self._wake.set()
        elif payment.rate.amount_e18 <= 0 or (escrow.dry_at is not None and escrow.dry_at <= height):
            del self._ended[lease]

    def _may_be_left(self, lease: LeaseID, height: int) -> bool:
        return self._ended[lease].look_after < height and lease.deployment not in self._sent

    async def _collect(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            waited_s = 0.0
            while not any(due.urgent for due in self._ready.values()) and waited_s < MOST_LINGER_S:
                await asyncio.sleep(LINGER_S)
                waited_s += LINGER_S
                if not len(self.queue):
                    break
            spawn(tasks, "funds-send", self.flush())

    async def _withdraw(self, deployment: DeploymentID, due: Due) -> None:
        try:
            await self._send(WithdrawLease(due.lease), priority=Priority.DRY if due.urgent else None)
            log.info("withdrawing", lease=str(due.lease), why=due.why.value)
        except Fatal:
            raise
        except AkpError as no:
            log.info("withdrawal not sent", lease=str(due.lease), why=str(no))
            if isinstance(no, Retry):
                self._sent.pop(deployment, None)
                self.queue.put_after(deployment.owner, no.after_s or 1.0)
            elif isinstance(no, TxRefused) and due.lease not in self.book.leases:
                self._sent.pop(deployment, None)  # it is over, which says nothing of its neighbours
                self._in_vain(due.lease)
            elif (sent := self._sent.get(deployment)) is not None:
                # The chain's stands for a while: it is over, or something is wrong that another try would not mend.
                sent.refused = True
                if not isinstance(no, TxRefused):
                    sent.until = self.book.height + blocks_within(NO_JUDGEMENT_S, self._block_time_ms())

    def _kept(self, deployment: DeploymentID, height: int) -> bool:
        """A withdrawal is under way, or was refused lately; that says less once nobody pays any more."""
        sent, escrow = self._sent.get(deployment), self.escrows.get(deployment)
        if sent is None:
            return False
        dry = escrow is not None and escrow.dry_at is not None and escrow.dry_at <= height
        return height < (sent.at + SEEN_BLOCKS if dry and sent.refused else sent.until)

    def _in_vain(self, lease: LeaseID) -> None:
        over = self._ended.get(lease)
        if over is not None and over.told:
            over.put_off(self.book.height)

    def _seen(self, deployment: DeploymentID) -> None:
        """Its withdrawal has landed or failed: it is read anew, and may be due again."""
        if self._sent.pop(deployment, None) is not None:
            self.queue.put(deployment.owner)

    def _over(self, lease: LeaseID) -> None:
        deployments = self._live.get(lease.owner, {})
        leases = deployments.get(lease.deployment)
        if leases is None:
            return
        leases.discard(lease)
        if leases:
            return
        del deployments[lease.deployment]
        if not deployments:
            del self._live[lease.owner]
        self.escrows.forget(lease.deployment)
        self._due.drop(lease.deployment)
        self._guarded.discard(lease.deployment)
        self.wedged.pop(lease.deployment, None)

    def _terms(self) -> Terms:
        period_blocks = blocks_within(self.settings.withdraw_period_s, self._block_time_ms())
        return Terms(period_blocks, self._fee, self.settings.withdraw_fee_multiple, self._prices())


def fee_of_one(settings: ChainSettings) -> Coin:
    """What a withdrawal costs, by its measured gas."""
    limit = gas.limit(WITHDRAWAL_GAS, settings.gas_adjustment, unordered=True)
    return gas.fee(limit, parse_decimal(settings.gas_price_uakt))
