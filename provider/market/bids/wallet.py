"""What the accounts that pay for our bids can still spend: their balances at a height, less the deposits made since.

Each bid locks a deposit until it is lost or closed, and for a lease's whole life (chain.md §2.2). The provider's own
account pays it, or others who have given it deposit authorizations; the fees may be another account's, a hot key's or a
fee granter's, and the reserve for fees is then looked for there. All is read again every few blocks, pinned to the
book's height, so that what is on its way is known exactly. As long as it was never read it stops nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from bidengine import views
from manifests.coins import parse_coins
from provider.chain.convert.records import DepositGrant
from provider.errors import AkpError
from provider.market.bids.promises import Promises
from provider.market.book import Book
from provider.metrics import Sample
from provider.settings import BidSettings

log = structlog.get_logger()
REFRESH_BLOCKS = 5
_MICRO = 10**6


class Chain(Protocol):
    async def balances(self, address: str) -> dict[str, int]: ...
    async def deposit_grants(self, grantee: str) -> list[DepositGrant]: ...


@dataclass(frozen=True, slots=True)
class _Read:
    """At one height."""

    height: int
    balances: dict[str, int]
    granted: int
    fee_balances: dict[str, int]


class Wallet:
    def __init__(
        self, book: Book, promises: Promises, chain_at: Callable[[int], Chain], settings: BidSettings,
        pays_fees: str = "",
    ) -> None:  # fmt: skip
        """`pays_fees` is the account that does; empty means the provider's own."""
        self.book, self.promises = book, promises
        self.deposit, self.sources = parse_coins(settings.deposit)[0], settings.deposit_sources
        self._reserve, self._kept = parse_coins(settings.fee_reserve), parse_coins(settings.min_balance)
        self._pays_fees = pays_fees
        self._chain_at = chain_at
        self._read: _Read | None = None
        self._was_low = False
        self._due = asyncio.Event()

    @property
    def _fees_apart(self) -> bool:
        return self._pays_fees not in ("", self.book.us.owner)

    def seen(self) -> views.Wallet | None:
        """As a rule may see it now; None while the balance is not known."""
        read = self._read
        if read is None:
            return None
        gone = self.promises.deposits_after(read.height) * self.deposit.amount
        left = {"balance": read.balances.get(self.deposit.denom, 0), "grant": read.granted}
        for source in self.sources:  # as the chain takes them
            taken = min(gone, left[source])
            left[source], gone = left[source] - taken, gone - taken
        balance = {**read.balances, self.deposit.denom: left["balance"] - gone}
        fees, kept = None, (*self._reserve, *self._kept)
        if self._fees_apart:
            fees, kept = views.FeeAccount(self._pays_fees, read.fee_balances, self._reserve), self._kept
        return views.Wallet(self.book.us.owner, balance, self.deposit, kept, self.sources, left["grant"], fees)

    def tick(self, height: int) -> bool:
        """Once a block; True when bids can be paid again that could not be before."""
        if self._read is None or height >= self._read.height + REFRESH_BLOCKS:
            self._due.set()
        seen = self.seen()
        lacks = {} if seen is None else {seen.account: seen.lacking()}
        if seen is not None and seen.fees is not None:
            lacks[seen.fees.account] = (*lacks.get(seen.fees.account, ()), *seen.fees.lacking())
        low = {account: ", ".join(map(str, coins)) for account, coins in lacks.items() if coins}
        if low and not self._was_low:
            log.error("too little money to bid", lacks=low)
        was_low, self._was_low = self._was_low, bool(low)
        return was_low and not low

    async def run(self) -> None:
        """Read the balance when it is due, for ever."""
        self._due.set()
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self.read()
            except AkpError as trouble:
                log.warning("the wallet's balance could not be read", why=str(trouble))

    async def read(self) -> None:
        """The balances at the book's height."""
        height, owner = self.book.height, self.book.us.owner
        chain = self._chain_at(height)
        balances = await chain.balances(owner)
        granted = await self._granted(chain) if "grant" in self.sources else 0
        fee_balances = await chain.balances(self._pays_fees) if self._fees_apart else balances
        # All at once: balances and the height they belong to.
        self._read = _Read(height, balances, granted, fee_balances)

    def gauges(self) -> Iterator[Sample]:
        if self._read is None:
            return
        for denom, amount in self._read.balances.items():
            yield "akp_wallet_balance_tokens", {"denom": denom}, amount / _MICRO
        if "grant" in self.sources:
            yield "akp_wallet_granted_tokens", {"denom": self.deposit.denom}, self._read.granted / _MICRO
        if self._fees_apart:
            for denom, amount in self._read.fee_balances.items():
                yield "akp_fee_payer_balance_tokens", {"denom": denom}, amount / _MICRO

    async def _granted(self, chain: Chain) -> int:
        """What deposit authorizations for bids allow and their granters have, in the deposit's denomination."""
        sums, have = 0, dict[str, int]()
        for grant in await chain.deposit_grants(self.book.us.owner):
            limit = sum(coin.amount for coin in grant.limits if coin.denom == self.deposit.denom)
            if not grant.for_bids or not limit:
                continue
            if grant.granter not in have:
                have[grant.granter] = (await chain.balances(grant.granter)).get(self.deposit.denom, 0)
            usable = min(limit, have[grant.granter])
            have[grant.granter] -= usable
            sums += usable
        return sums
