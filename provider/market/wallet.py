"""What the account that pays our deposits can still spend: its balance at a height, less the deposits made since.

Each bid locks a deposit until it is lost or closed, and for a lease's whole life (chain.md §2.2); our own account
pays it. The balance is read again every few blocks, pinned to the book's height, so that what is on its way is known
exactly. As long as it was never read it stops nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog

from bidengine import views
from manifests.coins import parse_coins
from provider.errors import AkpError
from provider.market.book import Book
from provider.market.promises import Promises
from provider.metrics import Sample
from provider.settings import BidSettings

log = structlog.get_logger()
REFRESH_BLOCKS = 5
_MICRO = 10**6


class Chain(Protocol):
    async def balances(self, address: str) -> dict[str, int]: ...


class Wallet:
    def __init__(self, book: Book, promises: Promises, chain_at: Callable[[int], Chain], settings: BidSettings) -> None:
        self.book, self.promises = book, promises
        self.deposit = parse_coins(settings.deposit)[0]
        self.kept = (*parse_coins(settings.fee_reserve), *parse_coins(settings.min_balance))
        self._chain_at = chain_at
        self._balances: dict[str, int] | None = None
        self._read_at = -REFRESH_BLOCKS
        self._was_low = False
        self._due = asyncio.Event()

    def seen(self) -> views.Wallet | None:
        """As a rule may see it now; None while the balance is not known."""
        if self._balances is None:
            return None
        gone = self.promises.deposits_after(self._read_at) * self.deposit.amount
        left = self._balances.get(self.deposit.denom, 0) - gone
        return views.Wallet(self.book.us.owner, {**self._balances, self.deposit.denom: left}, self.deposit, self.kept)

    def tick(self, height: int) -> bool:
        """Once a block; True when bids can be paid again that could not be before."""
        if height >= self._read_at + REFRESH_BLOCKS:
            self._due.set()
        seen = self.seen()
        low = seen is not None and bool(seen.lacking())
        if low and not self._was_low and seen is not None:
            log.error("the wallet is too low to bid", account=seen.account, lacks=list(map(str, seen.lacking())))
        was_low, self._was_low = self._was_low, low
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
        """The balance at the book's height."""
        height = self.book.height
        balances = await self._chain_at(height).balances(self.book.us.owner)
        # Both at once: a balance and the height it belongs to.
        self._balances, self._read_at = balances, height

    def gauges(self) -> Iterator[Sample]:
        for denom, amount in (self._balances or {}).items():
            yield "akp_wallet_balance_tokens", {"denom": denom}, amount / _MICRO
