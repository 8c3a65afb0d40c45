"""Where ledger and chain say different things of the same height, and what would make them equal.

Both the daemon's start and `akp reconcile` ask here: what happened while nobody wrote is the commonest drift. Every
finding holds the entries that cure it; rows are only ever added. Income of before an account's books were opened
belongs to its lease, but is no part of the balance, which the opening tells.

Keys of cures say what they start from, so that two who find the same at once book it once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from bidengine.usage import Span
from bidengine.views import BidDeposit, EscrowAccount, EscrowPayment, Lease, Order
from manifests.coins import Coin
from manifests.ids import DeploymentID, LeaseID, OrderID
from provider.chain.money import ESCROW
from provider.errors import NotFound, Refused
from provider.ledger.books import FOUND, Books, Ended, Entry, Opened, Paid
from provider.ledger.journal import Kind, Posting
from provider.market.money import payments
from provider.market.money.income import credited
from provider.market.money.payments import payments_of
from provider.tasks import each

log = structlog.get_logger()
OVER = ("closed", "insufficient_funds")
_WITH_DEPOSIT = ("open", "active")
"""states of bids whose deposit the chain still has"""


class Chain(payments.Chain, Protocol):
    """provider.chain.query.Query, bound to the height that is compared."""

    async def escrow_account(self, deployment: DeploymentID) -> EscrowAccount: ...
    async def lease(self, lease: LeaseID) -> Lease: ...
    async def leases(self, provider: str = "", state: str = "") -> list[Lease]: ...
    async def order(self, order: OrderID) -> Order: ...
    async def balances(self, address: str) -> dict[str, int]: ...
    async def bid_deposits(self, provider: str, state: str) -> list[BidDeposit]: ...


@dataclass(frozen=True, slots=True)
class Drift:
    what: str
    """lease, income, credit (settled and not paid out), payment (left open), deposit, balance"""
    name: str
    chain: str
    ledger: str
    cure: str
    entries: tuple[Entry, ...] = ()
    """what makes the ledger equal; () where it cannot be"""


@dataclass(frozen=True, slots=True)
class Compare:
    """`async for drift in Compare(…).all()`; nothing is written."""

    chain: Chain
    height: int
    owner: str
    accounts: frozenset[str]
    books: Books
    live: Mapping[LeaseID, Lease]
    """ours on chain"""
    span: Callable[[Lease, Order], Span]
    since_height: int | None = None
    """Leases that ended unseen are looked for if they began after it; None where the ledger has followed every block:
    looks for none, and not for what became of those that were over"""
    _moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    """what the findings so far add to an account, by denomination"""

    async def all(self) -> AsyncIterator[Drift]:
        async for drift in self._leases():
            yield self._note(drift)
        async for drift in self._deposits():
            yield self._note(drift)
        async for drift in self._balances():
            yield drift

    def _note(self, drift: Drift) -> Drift:
        for entry in drift.entries:
            if isinstance(entry, Posting):
                self._moved[entry.account, entry.coin.denom] += entry.coin.amount
        return drift

    async def _leases(self) -> AsyncIterator[Drift]:
        opened_at = await self.books.journal.opened_at(self.owner)
        known = await self.books.open_leases()
        for drift in await self._missing(one for lease, one in self.live.items() if lease not in known):
            yield drift
        gone = await each(sorted(known - self.live.keys()), self._lease, what="leases")
        for lease, found in sorted(gone.items()):
            if found is None:
                log.error("a lease of the ledger is unknown to the chain", lease=str(lease))
                yield Drift(
                    "lease", str(lease), "unknown", "live", "None: is this the chain the ledger was written for?"
                )
                continue
            if not found.live:
                cure = Ended(lease, found.closed_on, found.reason)
                yield Drift("lease", str(lease), f"ended at {found.closed_on}", "live", "Its end is booked.", (cure,))
        missed = {lease.id: lease for lease in await self._ended_unseen()}
        for drift in await self._missing(missed.values()):
            yield drift
        uncollected = {*await self.books.journal.uncollected()}
        # What becomes of the others that are over, debts for the most part, every block tells: where none was skipped,
        # nothing can have. They grow more for ever, and a start waits for each.
        over = uncollected if self.since_height is None else {*await self.books.journal.unclosed()}
        done_with = {*self.live, *over} - uncollected
        pays = await payments_of(self.chain, {*self.live, *known, *missed, *over})
        paid = await self.books.journal.paid_of(pays)
        credit = await self.books.journal.credited_of(pays)
        for lease, payment in sorted(pays.items()):
            before = opened_at is None or (lease in missed and missed[lease].closed_on <= opened_at)
            had = paid.get(lease, {}).get(payment.withdrawn.denom, 0)
            for drift in self._income(payment, had, credit.get(lease, 0), before=before):
                yield drift
            if payment.state == "open" and lease not in done_with and await self._pays(lease.deployment):
                says = "The daemon withdraws what it has earned once. Only the end of the deployment closes it."
                yield Drift("payment", str(lease), "open", "its lease is over", says)

    async def _lease(self, lease: LeaseID) -> Lease | None:
        try:
            return await self.chain.lease(lease)
        except NotFound:
            return None

    async def _ended_unseen(self) -> list[Lease]:
        if self.since_height is None:
            return []
        known = {row.lease for row in await self.books.leases()}
        found = [lease for state in OVER for lease in await self.chain.leases(self.owner, state)]
        return [lease for lease in found if lease.created_at > self.since_height and lease.id not in known]

    async def _missing(self, leases: Iterable[Lease]) -> list[Drift]:
        found = await each(leases, self._missed, what="orders")
        return [drift for _, drift in sorted(found.items(), key=lambda one: one[0].id)]

    async def _missed(self, lease: Lease) -> Drift:
        state = "live" if lease.live else f"ended at {lease.closed_on}"
        try:
            order = await self.chain.order(lease.id.order)
        except Refused as odd:
            log.error("a lease was missed and cannot be booked", lease=str(lease.id), why=str(odd))
            return Drift("lease", str(lease.id), state, "unknown", f"None: its order cannot be read ({odd}).")
        cure: list[Entry] = [Opened(self.span(lease, order))]
        if not lease.live:
            cure.append(Ended(lease.id, lease.closed_on, lease.reason))
        return Drift("lease", str(lease.id), state, "unknown", "It is booked as the chain tells it.", tuple(cure))

    def _income(self, payment: EscrowPayment, had: int, credit: int, *, before: bool) -> Iterator[Drift]:
        """`had` is what the ledger knows to be paid, `credit` what it knows to be settled."""
        lease, total, now = payment.lease, payment.withdrawn, replace(credited(payment, self.height), found=True)
        if total.amount > had:
            if not before:
                self._moved[self.owner, total.denom] += total.amount - had
            cure = (now, Paid(lease, self.height, total, FOUND, before=before))
            yield Drift("income", str(lease), f"{total}", f"{Coin(total.denom, had)}", "What is new is booked.", cure)
        elif total.amount < had:
            # What is too much cannot have come from the chain's totals, which only grow.
            key = f"{Kind.INCOME}/{lease}/{total.denom}/{had} to {total.amount}"
            coin = Coin(total.denom, total.amount - had)
            less = Posting(
                Kind.INCOME, self.height, key, coin, self.owner, ESCROW, lease, detail="correction", found=True
            )
            yield Drift("income", str(lease), f"{total}", f"{Coin(total.denom, had)}", "It is taken back.", (less,))
        elif now.credited_total.amount > credit:
            told = str(Coin(total.denom, credit))
            yield Drift("credit", str(lease), f"{now.credited_total}", told, "What is new is booked.", (now,))

    async def _pays(self, deployment: DeploymentID) -> bool:
        """Once it is closed, what was left open is never paid (chain.md §5.6)."""
        try:
            account = await self.chain.escrow_account(deployment)
        except NotFound:
            return False
        return account.state == "open" and not account.wedged

    async def _deposits(self) -> AsyncIterator[Drift]:
        there: Counter[tuple[LeaseID, str, str]] = Counter()
        for state in _WITH_DEPOSIT:
            for found in await self.chain.bid_deposits(self.owner, state):
                there[found.bid, found.account, found.coin.denom] += found.coin.amount
        booked = await self.books.journal.deposits()
        for bid, account, denom in sorted(there.keys() | booked.keys()):
            has, had = there[bid, account, denom], booked.get((bid, account, denom), 0)
            if has != had:
                kind, coin = (Kind.DEPOSIT if has > had else Kind.REFUND), Coin(denom, had - has)
                key = f"{kind}/{bid}/{account}/{denom}/{had} to {has}"
                cure = Posting(kind, self.height, key, coin, account, ESCROW, bid, detail="found", found=True)
                says = "It is booked as paid." if has > had else "It is booked as returned."
                yield Drift("deposit", str(bid), str(Coin(denom, has)), str(Coin(denom, had)), says, (cure,))

    async def _balances(self) -> AsyncIterator[Drift]:
        booked = await self.books.journal.balances()
        for account in sorted(self.accounts):
            there, had = await self.chain.balances(account), booked.get(account)
            have = Counter(had or {})
            have.update({denom: n for (who, denom), n in self._moved.items() if who == account})
            for denom in sorted({"uakt", *there, *have}):
                coin = Coin(denom, there.get(denom, 0) - have[denom])
                if had is None:
                    key = f"{Kind.OPENING}/{account}/{denom}"
                    if coin.amount or denom == "uakt":
                        cure = Posting(Kind.OPENING, self.height, key, coin, account)
                        yield _balance(
                            account, there, denom, "not opened", "The books of the account are opened.", cure
                        )
                elif coin.amount:
                    number = await self.books.journal.corrections(account, denom) + 1
                    key = f"{Kind.CORRECTION}/{account}/{denom}/{number}"
                    cure = Posting(Kind.CORRECTION, self.height, key, coin, account, found=True)
                    known = str(Coin(denom, have[denom]))
                    yield _balance(account, there, denom, known, "The difference is booked as a correction.", cure)


def _balance(account: str, there: Mapping[str, int], denom: str, ledger: str, cure: str, entry: Entry) -> Drift:
    return Drift("balance", account, str(Coin(denom, there.get(denom, 0))), ledger, cure, (entry,))


def entries(drifts: Iterable[Drift]) -> list[Entry]:
    return [entry for drift in drifts for entry in drift.entries]
