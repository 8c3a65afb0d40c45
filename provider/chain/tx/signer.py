"""The one place where the account signs: messages go in, transactions go out, blocks tell what became of them.

`send` waits only until a node has taken the transaction; whether it did what it should is seen in blocks, like
everything else. Transactions are unordered: any number may be in the air, and one that is not included in time is
void. What is subtle is blame. A transaction is all or nothing, so a refusal must find the one message it is about, and
everybody else's message goes out again.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Protocol

import structlog

from manifests.coins import parse_decimal, shown
from provider.chain import messages as ask
from provider.chain.comet import Head
from provider.chain.convert import Account
from provider.chain.events import Block, TxResult
from provider.chain.keys import SigningKey
from provider.chain.tx import build, classify, gas
from provider.chain.tx.answers import FUNDS_S, Answers, Failed, culprits, without
from provider.chain.tx.broadcast import Answer, Simulation
from provider.chain.tx.classify import Verdict
from provider.chain.tx.flights import Flight, Flights
from provider.chain.tx.outbox import Item, Outbox
from provider.chain.tx.priority import Priority, usual
from provider.chain.tx.sign import sign
from provider.errors import Fatal, Refused, Retry, TxRefused, Unreachable
from provider.settings import ChainSettings

LINGER_S = 0.02
"""the first message waits this long for company"""
_HEAD_FRESH_S = 10.0
_PUSH_S = 2.0
_NEXT_BLOCK_S = 10.0
log = structlog.get_logger()


class Carrier(Protocol):
    """What is needed of `client.Chain`."""

    @property
    def id(self) -> str: ...
    async def head(self) -> Head: ...
    async def account(self, address: str) -> Account | None: ...
    async def minimum_gas_price(self) -> int: ...
    async def simulate(self, tx: bytes) -> Simulation: ...
    async def broadcast(self, tx: bytes) -> Answer: ...


class Signer:
    """- `send` is answered per message: one that is refused does not stop those it would have travelled with.
    - At most `bids_per_tx` messages share a transaction; one simulation prices and checks them all.
    - Two messages that settle one deployment never meet in a block (outbox.py).
    - Every message sent is answered to its sender or, once it has left, in what `look` returns; success alone is
      silent.
    """

    def __init__(
        self, chain: Carrier, key: SigningKey, settings: ChainSettings, *, fee_granter: str = "",
        salt_ns: int | None = None,
    ) -> None:  # fmt: skip
        self._chain, self._key, self._settings, self._fee_granter = chain, key, settings, fee_granter
        self._outbox = Outbox(settings.bids_per_tx)
        self._flights = Flights()
        self._answers = Answers()
        self._wake = asyncio.Event()
        self._price_e18 = parse_decimal(settings.gas_price_uakt)
        # Within one block two processes of one account would else choose the same timeout, which is an unordered
        # transaction's nonce.
        self._salt_ns = secrets.randbelow(10**9) if salt_ns is None else salt_ns
        self._nonce = 0
        self._head = Head(0, 0)
        self._head_s = float("-inf")
        self._account: Account | None = None
        self._sequence: int | None = None
        self._ordered = False
        self._unauthorised_at: int | None = None

    @property
    def address(self) -> str:
        return self._key.address

    @property
    def pending(self) -> int:
        """Messages waiting, being sent, or in the air."""
        return self._answers.open

    @property
    def ordered(self) -> bool:
        """The chain has refused unordered transactions."""
        return self._ordered

    async def send(self, *msgs: ask.Msg, priority: Priority | None = None) -> str:
        """Wait until a node has accepted the transaction with each of the messages; the hash of the last one's. Without
        `priority` each message has its usual one.

        TxRefused: the chain's clear no to one of them. Retry: trouble that passes. The other messages are sent all the
        same.
        """
        if not msgs:
            raise ValueError("nothing to send")
        loop = asyncio.get_running_loop()
        boxes = [build.box(msg, self._key.address) for msg in msgs]
        waiters: list[asyncio.Future[str]] = [loop.create_future() for _ in msgs]
        for msg, box, waiter in zip(msgs, boxes, waiters, strict=True):
            self._outbox.put(Item(msg, box, waiter, priority=usual(msg) if priority is None else priority))
        self._answers.open += len(msgs)
        self._wake.set()
        answers = await asyncio.gather(*waiters, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return str(answers[-1])

    def look(self, block: Block) -> tuple[Failed, ...]:
        """To be called with every block. What came to nothing since the last look."""
        self._head = Head(block.height, block.time_unix_ns)
        self._head_s = asyncio.get_running_loop().time()
        for flight, result in self._flights.land(block):
            if result is None:
                self._expired(flight)
            elif result.code == 0:
                self._outbox.release(flight.items, block.height)
                self._left(flight)
                self._answers.open -= len(flight.items)
            else:
                self._outbox.release(flight.items)
                self._failed(flight, result)
        self._wake.set()
        return self._answers.collect()

    async def run(self) -> None:
        """Send what waits, for ever. Fatal when the signature does not fit the chain."""
        try:
            while True:
                await self._rest()
                now = asyncio.get_running_loop().time()
                self._answers.open -= self._outbox.sweep()
                while batch := self._outbox.take(self._head.height, now):
                    await self._carry(batch)
                await self._push_again()
        except Fatal as error:
            self._answers.end([*self._outbox.drain(), *(i for f in self._flights for i in f.items)], error)
            raise

    # -- sending ------------------------------------------------------------------------------------------------------

    async def _rest(self) -> None:
        waits = len(self._outbox) or self._flights.uncertain
        try:
            async with asyncio.timeout(_PUSH_S if waits else None):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
        await asyncio.sleep(LINGER_S)

    async def _carry(self, items: list[Item]) -> None:
        """Until each of the items has left, was answered, or waits again."""
        while items:
            try:
                items = await self._try(items)
            except Fatal:
                self._outbox.put_back(items)  # run() answers them
                raise
            except Retry as trouble:
                self._trouble(items, trouble)
                return
            except Refused as no:
                self._answers.end(items, no)
                return

    async def _try(self, items: list[Item]) -> list[Item]:
        """One attempt; what is left to be tried at once."""
        account = await self._who()
        sequence = await self._next_sequence() if self._ordered else 0
        timeout = await self._timeout()
        body = build.body([i.box for i in items], timeout_unix_ns=timeout, unordered=not self._ordered)
        rough = gas.guess(i.msg for i in items)
        draft = self._auth_info(sequence, rough)
        tried = await self._chain.simulate(build.raw(body, draft, b""))
        if tried.error:
            codespace, code = classify.simulated(tried.error)
            return await self._refused(items, codespace, code, classify.told(tried.error))
        limit = gas.limit(
            tried.gas_used if tried.offered else rough,
            self._settings.gas_adjustment,
            unordered=not self._ordered,
            times=max(i.gas_times for i in items),
        )
        auth = self._auth_info(sequence, limit)
        tx = await sign(self._key, body, auth, self._chain.id, account.number)
        now = asyncio.get_running_loop().time()
        flight = Flight(build.tx_hash(tx), tx, items, timeout, self._head.height, now)
        self._flights.add(flight)
        self._outbox.hold(items)
        try:
            answer = await self._chain.broadcast(tx)
        except Retry as trouble:
            # It may have arrived. The same bytes are pushed again until a node takes them or they are void.
            log.warning("not sure a transaction was taken", tx=flight.hash, messages=len(items), why=str(trouble))
            return []
        if self._sequence is not None and answer.accepted:
            self._sequence += 1
        if answer.accepted:
            self._unauthorised_at = None
            self._left(flight)
            return []
        if flight not in self._flights:
            return []  # a block was faster than this answer
        self._flights.remove(flight)
        self._outbox.release(items)
        return await self._refused(items, answer.codespace, answer.code, answer.log)

    def _auth_info(self, sequence: int, limit: int) -> bytes:
        fee = [gas.fee(limit, self._price_e18)]
        return build.auth_info(self._key.public_key, sequence, limit, fee, self._fee_granter)

    async def _refused(self, items: list[Item], codespace: str, code: int, text: str) -> list[Item]:
        """A simulation or a node's first check said no: answer, postpone or change what it is about; what is left to
        try at once."""
        verdict, at = classify.classify(codespace, code, text), classify.message_index(text)
        no = TxRefused(codespace, code, text)
        log.info("not accepted", verdict=verdict.name, messages=len(items), why=text[:300])
        match verdict:
            case Verdict.NEXT_BLOCK:
                late = culprits(items, at, text) or items
                self._postpone(late, text)
                return without(items, late)
            case Verdict.FUNDS | Verdict.GRANT:
                return self._answers.short_of_funds(items, at, self._lacks(verdict, items, at, text))
            case Verdict.OUT_OF_GAS:
                return self._answers.more_gas(items, no)
            case Verdict.NEW_NONCE:
                self._head_s = float("-inf")
                return self._answers.again(items, text)
            case Verdict.SEQUENCE:
                self._sequence = classify.expected_sequence(text)
                return self._answers.again(items, text)
            case Verdict.ORDERED_ONLY if not self._ordered:
                log.warning("the chain takes no unordered transactions, sending one after the other")
                self._ordered = True
                return items
            case Verdict.FEE if (wanted := await self._chain.minimum_gas_price()) > self._price_e18:
                log.warning("the node wants a higher gas price", configured=shown(self._price_e18), now=shown(wanted))
                self._price_e18 = wanted
                return items
            case Verdict.UNAUTHORISED:
                return self._unauthorised(items, text)
        if at is not None and at < len(items):
            self._answers.end([items[at]], no)
            return without(items, [items[at]])
        if len(items) == 1:
            self._answers.end(items, no)
            return []
        half = len(items) // 2
        await self._carry(items[:half])
        return items[half:]

    async def _push_again(self) -> None:
        """Mempools forget; the same bytes once more do no harm. A refusal now says nothing new: the blocks will."""
        for flight in self._flights.due(self._head.height):
            try:
                answer = await self._chain.broadcast(flight.tx)
            except Retry as trouble:
                if (
                    not flight.accepted
                    and asyncio.get_running_loop().time() - flight.left_s > self._settings.tx_timeout_s
                ):
                    self._answers.unsure(
                        flight.items, Unreachable(f"no node has taken transaction {flight.hash}: {trouble}")
                    )
                return
            flight.pushed_at = self._head.height
            if answer.accepted and not flight.accepted:
                self._left(flight)

    async def _who(self) -> Account:
        if self._account is None:
            self._account = await self._chain.account(self._key.address)
        if self._account is None:
            raise Retry(f"the account {self._key.address} is not on chain yet: send it some uakt", after_s=FUNDS_S)
        return self._account

    async def _next_sequence(self) -> int:
        if self._sequence is None:
            account = await self._chain.account(self._key.address)
            self._sequence = account.sequence if account is not None else 0
        return self._sequence

    async def _timeout(self) -> int:
        """Block time, not ours, decides when a transaction is void; each value is used once."""
        now = asyncio.get_running_loop().time()
        if now - self._head_s > _HEAD_FRESH_S:
            head = await self._chain.head()
            self._head_s = now
            if head.height >= self._head.height:
                # The height stays that of the last block *seen*: what settles waits for looks.
                self._head = Head(self._head.height, max(head.time_unix_ns, self._head.time_unix_ns))
        wanted = self._head.time_unix_ns + self._settings.tx_timeout_s * 10**9 + self._salt_ns
        self._nonce = max(wanted, self._nonce + 1)
        return self._nonce

    # -- what becomes of items ----------------------------------------------------------------------------------------

    def _left(self, flight: Flight) -> None:
        flight.accepted = True
        self._answers.left(flight.items, flight.hash)

    def _trouble(self, items: list[Item], trouble: Retry) -> None:
        """Nobody could be asked: senders decide themselves; what was sent once before is ours to send again."""
        ours = [i for i in items if i.waiter is None]
        self._answers.end([i for i in items if i.waiter is not None], trouble)
        self._postpone(ours, str(trouble))

    def _postpone(self, items: list[Item], why: str) -> None:
        """Until the next block is seen."""
        now = asyncio.get_running_loop().time()
        kept = self._answers.again(items, why)
        for item in kept:
            item.not_before, item.not_before_s = self._head.height + 1, now + _NEXT_BLOCK_S
        self._outbox.put_back(kept)

    def _lacks(self, verdict: Verdict, items: list[Item], at: int | None, text: str) -> str:
        if verdict is Verdict.GRANT:
            return (
                f"the account {self._key.address} lacks a grant, or what it allows is used up:"
                f" {classify.readable(text)}. akp chain grants show tells which"
            )
        who = self._fee_granter or self._key.address
        if at is not None and at < len(items):
            who = ask.signer_of(items[at].msg)  # its deposit, not the fee
        return f"the account {who} lacks money: {text}"

    def _unauthorised(self, items: list[Item], text: str) -> list[Item]:
        """A node that has just started says so to everybody; if it still does after another block, account or chain id
        are wrong."""
        first = self._unauthorised_at is None or self._unauthorised_at >= self._head.height
        if not first and not classify.just_started(text):
            raise Fatal(
                f"the chain does not accept the signature of {self._key.address} for {self._chain.id!r}: {text}"
            )
        if self._unauthorised_at is None:
            self._unauthorised_at = self._head.height
        self._account = self._sequence = None
        self._postpone(items, text)
        return []

    # -- what blocks tell ---------------------------------------------------------------------------------------------

    def _expired(self, flight: Flight) -> None:
        self._outbox.release(flight.items)
        self._sequence = None
        log.warning("transaction not included in time", tx=flight.hash, messages=len(flight.items))
        self._answers.end(flight.items, Retry(f"transaction {flight.hash} was not included before its timeout"))

    def _failed(self, flight: Flight, result: TxResult) -> None:
        """Included, and void: the fee is lost, nothing else happened (chain.md §4.5)."""
        items, text = flight.items, result.log
        verdict, at = classify.classify(result.codespace, result.code, text), classify.message_index(text)
        no = TxRefused(result.codespace, result.code, text)
        log.warning("transaction failed", tx=flight.hash, verdict=verdict.name, messages=len(items), why=text[:300])
        blamed = [items[at]] if at is not None and at < len(items) else []
        match verdict:
            case Verdict.NEXT_BLOCK:
                late = culprits(items, at, text) or items
                self._postpone(late, text)
                self._outbox.put_back(without(items, late))
            case Verdict.FUNDS | Verdict.GRANT:
                self._outbox.put_back(self._answers.short_of_funds(items, at, self._lacks(verdict, items, at, text)))
            case Verdict.OUT_OF_GAS:
                self._outbox.put_back(self._answers.more_gas(items, no))
            case Verdict.NEW_NONCE:
                self._answers.end(
                    items, Retry(f"transaction {flight.hash} was not included before its timeout: {text}")
                )
            case Verdict.REFUSED if blamed or len(items) == 1:
                self._answers.end(blamed or items, no)
                self._outbox.put_back(without(items, blamed or items))
            case _:
                # Whose fault it was is not known: each on its own will tell.
                self._sequence = None
                kept = self._answers.again(items, text)
                for item in kept:
                    item.alone = True
                self._outbox.put_back(kept)
