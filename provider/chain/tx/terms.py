"""All of a transaction but its messages: whose it is, until when it is good, its place in line, what it pays.

Block time, not ours, decides when a transaction is void. An unordered one is known by that time, so each value is used
once; an ordered one has the account's sequence, which is asked of the chain each time, because only one of them is in
the air (chain.md §4.3).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from manifests.coins import Coin, parse_decimal, shown
from provider.chain import messages as ask
from provider.chain.comet import Head
from provider.chain.convert.records import Account
from provider.chain.keys import SigningKey
from provider.chain.tx import build, gas
from provider.chain.tx.answers import FUNDS_S
from provider.chain.tx.budget import HOUR_NS
from provider.chain.tx.outbox import Item
from provider.chain.tx.sign import sign
from provider.errors import Retry
from provider.intents import Moment
from provider.settings import ChainSettings

_HEAD_FRESH_S = 10.0
log = structlog.get_logger()


class Chain(Protocol):
    @property
    def id(self) -> str: ...
    async def head(self) -> Head: ...
    async def account(self, address: str) -> Account | None: ...
    async def minimum_gas_price(self) -> int:
        """×10^18. Retry when every node wants more than may be paid."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction whose gas is not known yet."""

    body: bytes
    account_number: int
    sequence: int | None
    """None for an unordered one"""
    timeout_unix_ns: int
    rough_gas: int


class Terms:
    def __init__(
        self, chain: Chain, key: SigningKey, settings: ChainSettings, fee_granter: str, salt_ns: int | None = None
    ) -> None:
        self._chain, self._key, self._settings, self._fee_granter = chain, key, settings, fee_granter
        # Within one block two processes of one account would else choose the same timeout, which is an unordered
        # transaction's nonce.
        self._salt_ns = secrets.randbelow(10**9) if salt_ns is None else salt_ns
        self._ordered_until_ns = 0
        self.head = Moment(0, 0)
        """the last block seen; its time may be of a later one, when none was seen for long"""
        self._head_s = float("-inf")
        self._nonce = 0
        self._usual_price_e18 = parse_decimal(settings.gas_price_uakt)
        self._raised_e18, self._raised_until_ns = 0, 0
        self._account: Account | None = None
        self._expected: int | None = None

    def saw(self, head: Moment) -> None:
        self.head, self._head_s = head, asyncio.get_running_loop().time()

    @property
    def ordered(self) -> bool:
        """An unordered transaction was refused for being one within the last hour. Perhaps by one old node: then they
        are tried again, which costs no more than a simulation."""
        return self.head.time_unix_ns < self._ordered_until_ns

    def go_in_order(self) -> None:
        """For an hour."""
        self._ordered_until_ns = self.head.time_unix_ns + HOUR_NS

    def distrust_clock(self) -> None:
        """The next draft asks the chain for its time."""
        self._head_s = float("-inf")

    def distrust_account(self) -> None:
        self._account = self._expected = None

    def expect(self, sequence: int | None) -> None:
        """What a node says the account's next sequence is."""
        self._expected = sequence

    def not_before(self, timeout_unix_ns: int) -> None:
        """Timeouts up to this one are used."""
        self._nonce = max(self._nonce, timeout_unix_ns)

    async def pay_more(self, wanted_e18: int = 0) -> bool:
        """Whether the node wants a higher gas price than ours, which is then paid for an hour: one that has wanted it
        once must not make it dear for ever. `wanted_e18` is what it has told; without it any node is asked."""
        wanted = wanted_e18 or await self._chain.minimum_gas_price()
        if wanted <= self._price_e18:
            return False
        log.warning("the node wants a higher gas price", until_now=shown(self._price_e18), now=shown(wanted))
        self._raised_e18, self._raised_until_ns = wanted, self.head.time_unix_ns + HOUR_NS
        return True

    @property
    def _price_e18(self) -> int:
        return self._raised_e18 if self.head.time_unix_ns < self._raised_until_ns else self._usual_price_e18

    async def draft(self, items: Sequence[Item]) -> Draft:
        account = await self._who()
        sequence = await self._sequence() if self.ordered else None
        timeout = await self._timeout()
        body = build.body([i.box for i in items], timeout_unix_ns=timeout, unordered=sequence is None)
        return Draft(body, account.number, sequence, timeout, gas.guess(i.msg for i in items))

    def to_simulate(self, draft: Draft) -> bytes:
        return build.raw(draft.body, self._auth_info(draft, draft.rough_gas), b"")

    def belief(self, items: Sequence[Item]) -> gas.Belief:
        """What a simulation of these is believed. More than the usual is so of a single one only: several are tried in
        halves then."""
        found = gas.belief([i.msg for i in items], self._settings.max_gas_multiple)
        return found if len(items) == 1 else gas.Belief(found.usual)

    def gas_limit(self, draft: Draft, simulated: int | None, items: Sequence[Item]) -> int:
        """`simulated` is None where the node does not simulate."""
        return gas.limit(
            draft.rough_gas if simulated is None else simulated,
            self._settings.gas_adjustment,
            unordered=draft.sequence is None,
            times=max(i.gas_times for i in items),
        )

    def fee(self, gas_limit: int) -> Coin:
        return gas.fee(gas_limit, self._price_e18)

    async def signed(self, draft: Draft, gas_limit: int) -> bytes:
        auth_info = self._auth_info(draft, gas_limit)
        return await sign(self._key, draft.body, auth_info, self._chain.id, draft.account_number)

    def payer(self, items: Sequence[Item], at: int | None) -> str:
        """Whose money was short: that of message `at` when it was a deposit, else who pays the fees."""
        if at is not None and at < len(items):
            return ask.signer_of(items[at].msg)
        return self._fee_granter or self._key.address

    def _auth_info(self, draft: Draft, limit: int) -> bytes:
        fee = [self.fee(limit)]
        return build.auth_info(self._key.public_key, draft.sequence or 0, limit, fee, self._fee_granter)

    async def _who(self) -> Account:
        if self._account is None:
            self._account = await self._chain.account(self._key.address)
        if self._account is None:
            raise Retry(f"the account {self._key.address} is not on chain yet: send it some uakt", after_s=FUNDS_S)
        return self._account

    async def _sequence(self) -> int:
        expected, self._expected = self._expected, None
        if expected is not None:
            return expected
        account = await self._chain.account(self._key.address)
        return account.sequence if account is not None else 0

    async def _timeout(self) -> int:
        now = asyncio.get_running_loop().time()
        if now - self._head_s > _HEAD_FRESH_S:
            head = await self._chain.head()
            self._head_s = now
            if head.height >= self.head.height:
                # The height stays that of the last block *seen*: what settles waits for looks.
                self.head = Moment(self.head.height, max(head.time_unix_ns, self.head.time_unix_ns))
        wanted = self.head.time_unix_ns + self._settings.tx_timeout_s * 10**9 + self._salt_ns
        self._nonce = max(wanted, self._nonce + 1)
        return self._nonce
