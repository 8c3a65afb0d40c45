"""The one place where the account signs: messages go in, transactions go out, blocks tell what became of them.

`send` waits only until a node has taken the transaction; whether it did what it should is seen in blocks, like
everything else. Transactions are unordered: any number may be in the air, and one that is not included in time is
void. What is subtle is blame. A transaction is all or nothing, so a refusal must find the one message it is about, and
everybody else's message goes out again: in halves when a block held it, since each such failure costs the fees of all,
and a tenant may bring about as many as he has orders.

It survives being killed: what is asked is in the journal before it is signed, what is signed before it leaves, and
`recover` takes up what has left. What was never signed is dropped then. That loses nothing: no bytes of it are
anywhere, and whoever asked decides from the chain and the cluster, hence asks again at a start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

import structlog

from provider.chain import messages as ask
from provider.chain.events import Block, TxResult
from provider.chain.keys import SigningKey
from provider.chain.nodes import Doubted
from provider.chain.tx import build, classify, terms
from provider.chain.tx.abandoned import note_ends
from provider.chain.tx.answers import Answers, Failed, culprits, without
from provider.chain.tx.broadcast import Answer, Found, Simulation
from provider.chain.tx.business_key import key_of, terms_count
from provider.chain.tx.classify import FINAL, Verdict
from provider.chain.tx.flights import Flight, Flights
from provider.chain.tx.gas import Belief
from provider.chain.tx.inherited import inherit
from provider.chain.tx.journal import Forgetful, Journal
from provider.chain.tx.outbox import Item, Outbox, intent_of, settles
from provider.chain.tx.priority import Priority, usual
from provider.chain.tx.spending import Spending
from provider.chain.tx.terms import Terms
from provider.errors import Fatal, Refused, Retry, TxRefused, Unreachable
from provider.intents import InTheWay, Moment, Signed, TxEnd, TxState
from provider.metrics import Metrics, Sample
from provider.settings import ChainSettings

LINGER_S = 0.02
"""the first message waits this long for company"""
FORGET_EVERY_BLOCKS = 50
_PUSH_S = 2.0
_NEXT_BLOCK_S = 10.0
log = structlog.get_logger()


class Carrier(terms.Chain, Protocol):
    """What is needed of `client.Chain`."""

    async def simulate(self, tx: bytes, belief: Belief) -> Simulation:
        """Doubted when every node says more than is believed."""

    async def broadcast(self, tx: bytes) -> Answer: ...
    async def find(self, tx_hash: str) -> Found | None: ...


class Signer:
    """- `send` is answered per message: one that is refused does not stop those it would have travelled with.
    - What is asked while the same is open joins it: there is no second message (business_key.py).
    - At most `bids_per_tx` messages share a transaction; one simulation prices and checks them all.
    - Two messages that settle one deployment never meet in a block (outbox.py).
    - Fees keep within their budget; only what ends a wrong or saves money may exceed it (spending.py). What a node
      says of gas and its price is believed within bounds, whatever is sent (broadcast.py, price.py).
    - Every message sent is answered to its sender or, once it has left, in what `look` returns; success alone is
      silent.
    """

    def __init__(
        self, chain: Carrier, key: SigningKey, settings: ChainSettings, *, fee_granter: str = "",
        salt_ns: int | None = None, journal: Journal | None = None, metrics: Metrics | None = None,
    ) -> None:  # fmt: skip
        self._chain, self._key, self._settings = chain, key, settings
        self._journal, self._metrics = journal or Forgetful(), metrics or Metrics()
        self._terms = Terms(chain, key, settings, fee_granter, salt_ns)
        self._outbox = Outbox(settings.bids_per_tx)
        self._flights = Flights()
        self._answers = Answers(self._journal, lambda: self._terms.head)
        self._spending = Spending(settings.fee_budget_per_hour)
        self._wake = asyncio.Event()
        self._tidied = True
        self._unauthorised_at: int | None = None

    @property
    def address(self) -> str:
        return self._key.address

    @property
    def pending(self) -> int:
        """Messages waiting, being sent, or in the air."""
        return self._answers.open

    @property
    def under_way(self) -> Iterator[ask.Msg]:
        """What is waiting, being sent, or in the air."""
        return (item.msg for item in self._answers)

    @property
    def ordered(self) -> bool:
        """The chain has refused unordered transactions within the last hour."""
        return self._terms.ordered

    async def recover(self, seen: Moment) -> None:
        """Once, before `run`: take up what an earlier process has sent. `seen` is the last block whose effects the
        senders know; what later blocks hold, `look` will be told."""
        self._terms.head = seen
        self._spending.remember(await self._journal.fees_since(self._spending.since(seen)))
        for left in await self._journal.left(seen):
            flight = inherit(left)
            found = await self._found(flight)
            self._terms.not_before(flight.timeout_unix_ns)
            for item in flight.items:
                self._answers.admit(item)
            self._outbox.hold(flight.items)
            if found is not None and found.height <= seen.height:
                result = TxResult(flight.hash, found.code, found.codespace, found.log, found.gas_used, ())
                self._landed(flight, result, found.height)
            elif flight.timeout_unix_ns < seen.time_unix_ns:
                self._expired(flight)
            else:
                self._flights.add(flight)
        self._answers.collect()  # nobody here has asked for those that came to nothing
        if len(self._flights):
            log.info("taking up transactions sent before", transactions=len(self._flights), messages=self.pending)

    async def send(self, *msgs: ask.Msg, priority: Priority | None = None) -> str:
        """Wait until a node has accepted the transaction with each of the messages; the hash of the last one's. Without
        `priority` each message has its usual one.

        TxRefused: the chain's clear no to one of them. Retry: trouble that passes. The other messages are sent all the
        same.
        """
        if not msgs:
            raise ValueError("nothing to send")
        waiters = [self._ask(msg, usual(msg) if priority is None else priority) for msg in msgs]
        self._wake.set()
        answers = await asyncio.gather(*waiters, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return str(answers[-1])

    def look(self, block: Block) -> tuple[Failed, ...]:
        """To be called with every block, before the ledger's cursor moves there. What came to nothing since the last
        look."""
        self._terms.saw(Moment(block.height, block.time_unix_ns))
        for flight, result in self._flights.land(block):
            if result is None:
                self._expired(flight)
            else:
                self._landed(flight, result, block.height)
        if block.height % FORGET_EVERY_BLOCKS == 0:
            self._journal.forget(self._terms.head)
            self._tidied = False
        self._wake.set()
        return self._answers.collect()

    async def run(self) -> None:
        """Send what waits, for ever. Fatal when the signature does not fit the chain."""
        try:
            while True:
                await self._rest()
                now = asyncio.get_running_loop().time()
                self._answers.gone(self._outbox.sweep())
                while self._may_leave and (batch := self._outbox.take(self._terms.head.height, now)):
                    await self._carry(batch)
                await self._push_again()
                if not self._tidied:
                    self._tidied = True
                    await note_ends(self._chain, self._journal, self._terms.head)
        except Fatal as error:
            self._answers.end([*self._outbox.drain(), *(i for f in self._flights for i in f.items)], error)
            raise

    def gauges(self) -> Iterator[Sample]:
        in_air = [(len(f.items), f.accepted) for f in self._flights]
        yield "akp_outbox", {"state": "waiting"}, len(self._outbox)
        yield "akp_outbox", {"state": "signed"}, sum(n for n, accepted in in_air if not accepted)
        yield "akp_outbox", {"state": "accepted"}, sum(n for n, accepted in in_air if accepted)
        yield from self._spending.gauges(self._terms.head)

    # -- sending ------------------------------------------------------------------------------------------------------

    def _ask(self, msg: ask.Msg, priority: Priority) -> asyncio.Future[str]:
        waiter: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        box = build.box(msg, self._key.address)
        key = key_of(msg, box)
        item = self._answers.find(key)
        if item is not None and terms_count(msg) and item.box != box:
            waiter.set_exception(Retry(f"{key} is under way on other terms"))
        elif item is not None:
            item.priority = min(item.priority, priority)
            if item.tx_hash:
                waiter.set_result(item.tx_hash)
            else:
                item.waiters.append(waiter)
        elif (no := self._spending.shut(priority, self._terms.head)) is not None:
            waiter.set_exception(no)
        else:
            item = Item(msg, box, key, [waiter], priority=priority)
            self._answers.admit(item)
            self._outbox.put(item)
        return waiter

    @property
    def _may_leave(self) -> bool:
        """Ordered transactions go one after the other: a second one would be void if the first were."""
        return not (self._terms.ordered and len(self._flights))

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
        await self._store([*items, *self._outbox])
        while items:
            if not self._may_leave:
                self._outbox.put_back(items)
                return
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

    async def _store(self, items: list[Item]) -> None:
        """Everything that waits, in one write."""
        new = [i for i in items if not i.stored]
        if new:
            await self._journal.store([intent_of(i) for i in new], self._terms.head)
            for item in new:
                item.stored = True

    async def _try(self, items: list[Item]) -> list[Item]:
        """One attempt; what is left to be tried at once."""
        if others := await self._journal.in_the_way(settles(items), self._terms.head):
            return self._held_up(items, others)
        draft = await self._terms.draft(items)
        try:
            tried = await self._chain.simulate(self._terms.to_simulate(draft), self._terms.belief(items))
        except Doubted as doubt:
            if len(items) == 1:
                raise
            log.info("tried in halves, since no node is believed", messages=len(items), why=str(doubt))
            return await self._halved(items)
        if tried.error:
            codespace, code = classify.simulated(tried.error)
            return await self._refused(items, codespace, code, classify.told(tried.error))
        limit = self._terms.gas_limit(draft, tried.gas_used if tried.offered else None, items)
        fee = self._terms.fee(limit)
        late, why = self._spending.late(items, fee.amount, self._terms.head)
        if late:
            self._answers.end(late, why)
            return without(items, late)
        tx = await self._terms.signed(draft, limit)
        now = asyncio.get_running_loop().time()
        flight = Flight(
            build.tx_hash(tx), tx, items, draft.timeout_unix_ns, self._terms.head.height, now, fee=fee.amount
        )
        keys = tuple(i.key for i in items)
        signed = Signed(flight.hash, tx, draft.timeout_unix_ns, draft.sequence, limit, fee, keys, settles(items))
        if others := await self._journal.sign(signed, self._terms.head):
            return self._held_up(items, others)
        self._flights.add(flight)
        self._outbox.hold(items)
        self._count(flight)
        try:
            answer = await self._chain.broadcast(tx)
        except Retry as trouble:
            # It may have arrived. The same bytes are pushed again until a node takes them or they are void.
            log.warning("not sure a transaction was taken", tx=flight.hash, messages=len(items), why=str(trouble))
            return []
        if answer.accepted:
            self._unauthorised_at = None
            self._left(flight)
            return []
        if flight not in self._flights:
            return []  # a block was faster than this answer
        self._flights.remove(flight)
        self._outbox.release(items)
        self._tx_ended(flight, "refused", codespace=answer.codespace, code=answer.code, why=answer.log)
        return await self._refused(items, answer.codespace, answer.code, answer.log, answer.wanted_e18)

    def _held_up(self, items: list[Item], others: list[InTheWay]) -> list[Item]:
        """A command beside us has something in the air that settles the same escrow (outbox.py). What is left to try
        at once. Waiting is no attempt: it ends with that transaction's timeout at the latest."""
        held = {other.ours for other in others}
        late = [i for i in items if i.key in held]
        log.info("waits for a command's transaction", theirs=others[0].theirs, tx=others[0].tx, messages=len(late))
        self._not_before_next_block(late)
        return without(items, late)

    async def _refused(
        self, items: list[Item], codespace: str, code: int, text: str, wanted_e18: int = 0
    ) -> list[Item]:
        """A simulation or a node's first check said no: answer, postpone or change what it is about; what is left to
        try at once. `wanted_e18` is the gas price that the node has told."""
        verdict, at = classify.classify(codespace, code, text), classify.message_index(text)
        no = TxRefused(codespace, code, text)
        tell = log.error if verdict is Verdict.MISJUDGED else log.info
        tell("not accepted", verdict=verdict.name, messages=len(items), why=text[:300])
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
                self._terms.distrust_clock()
                return self._answers.again(items, text)
            case Verdict.SEQUENCE:
                self._terms.expect(classify.expected_sequence(text))
                return self._answers.again(items, text)
            case Verdict.ORDERED_ONLY if not self._terms.ordered:
                log.warning("a node takes no unordered transactions, sending one after the other for an hour")
                self._terms.go_in_order()
                return items
            case Verdict.FEE:
                if await self._terms.pay_more(wanted_e18):
                    return items
                self._trouble(items, Retry(f"a node wants a higher fee, but no higher gas price: {text}"))
                return []
            case Verdict.UNAUTHORISED:
                return self._unauthorised(items, text)
        if at is not None and at < len(items):
            self._answers.end([items[at]], no)
            return without(items, [items[at]])
        if len(items) == 1:
            if verdict is Verdict.REFUSED and classify.unfounded(codespace, code, text):
                self._trouble(items, Retry(f"refused by a node for no reason that is known: {text}"))
            else:
                self._answers.end(items, no)
            return []
        return await self._halved(items)

    async def _halved(self, items: list[Item]) -> list[Item]:
        """The first half has been tried; the second is to be tried at once."""
        half = len(items) // 2
        await self._carry(items[:half])
        return items[half:]

    async def _push_again(self) -> None:
        """Mempools forget; the same bytes once more do no harm. A refusal now says nothing new: the blocks will."""
        for flight in self._flights.due(self._terms.head.height):
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
            flight.pushed_at = self._terms.head.height
            if answer.accepted and not flight.accepted:
                self._left(flight)

    # -- what becomes of items ----------------------------------------------------------------------------------------

    def _left(self, flight: Flight) -> None:
        flight.accepted = True
        self._answers.left(flight.items, flight.hash)

    def _trouble(self, items: list[Item], trouble: Retry) -> None:
        """Nobody could be asked, or knew: senders decide themselves; what was sent once before is ours to send
        again."""
        ours = [i for i in items if i.left]
        self._answers.end([i for i in items if not i.left], trouble)
        self._postpone(ours, str(trouble))

    def _postpone(self, items: list[Item], why: str) -> None:
        """Until the next block is seen, if they have not been tried too often."""
        self._not_before_next_block(self._answers.again(items, why))

    def _not_before_next_block(self, items: list[Item]) -> None:
        now = asyncio.get_running_loop().time()
        for item in items:
            item.not_before, item.not_before_s = self._terms.head.height + 1, now + _NEXT_BLOCK_S
        self._outbox.put_back(items)

    def _lacks(self, verdict: Verdict, items: list[Item], at: int | None, text: str) -> str:
        if verdict is Verdict.GRANT:
            return (
                f"the account {self._key.address} lacks a grant, or what it allows is used up:"
                f" {classify.readable(text)}. akp chain grants show tells which"
            )
        return f"the account {self._terms.payer(items, at)} lacks money: {text}"

    def _unauthorised(self, items: list[Item], text: str) -> list[Item]:
        """A node that has just started says so to everybody; if it still does after another block, account or chain id
        are wrong."""
        height = self._terms.head.height
        first = self._unauthorised_at is None or self._unauthorised_at >= height
        if not first and not classify.just_started(text):
            raise Fatal(
                f"the chain does not accept the signature of {self._key.address} for {self._chain.id!r}: {text}"
            )
        if self._unauthorised_at is None:
            self._unauthorised_at = height
        self._terms.distrust_account()
        self._postpone(items, text)
        return []

    async def _found(self, flight: Flight) -> Found | None:
        try:
            return await self._chain.find(flight.hash)
        except Retry as trouble:
            log.warning("a transaction sent before could not be looked up", tx=flight.hash, why=str(trouble))
            return None  # it is sent again, and blocks tell

    # -- what blocks tell ---------------------------------------------------------------------------------------------

    def _expired(self, flight: Flight) -> None:
        self._outbox.release(flight.items)
        self._tx_ended(flight, "expired")
        log.warning("transaction not included in time", tx=flight.hash, messages=len(flight.items))
        no = Retry(f"transaction {flight.hash} was not included before its timeout")
        self._answers.end(flight.items, no, "expired")

    def _landed(self, flight: Flight, result: TxResult, height: int) -> None:
        self._outbox.release(flight.items, height if result.code == 0 else None)
        state: TxState = "included" if result.code == 0 else "failed"
        self._tx_ended(
            flight, state, height=height, gas_used=result.gas_used, codespace=result.codespace, code=result.code,
            why=result.log,
        )  # fmt: skip
        if result.code == 0:
            self._left(flight)
            self._answers.done(flight.items)
        else:
            self._failed(flight, result)

    def _failed(self, flight: Flight, result: TxResult) -> None:
        """Included, and void: the fee is lost, nothing else happened (chain.md §4.5)."""
        text, items = result.log, [i for i in flight.items if not i.inherited]
        verdict, at = classify.classify(result.codespace, result.code, text), classify.message_index(text)
        no = TxRefused(result.codespace, result.code, text)
        log.warning("transaction failed", tx=flight.hash, verdict=verdict.name, messages=len(items), why=text[:300])
        blamed = flight.blamed(at) if verdict in FINAL else []
        self._end_inherited(flight, no, blamed)
        if not items:
            return
        for item in items:
            item.at_most = max(1, len(items) // 2)
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
                late_no = Retry(f"transaction {flight.hash} was not included before its timeout: {text}")
                self._answers.end(items, late_no, "expired")
            case _ if blamed:
                self._answers.end(blamed, no, "failed")
                self._outbox.put_back(without(items, blamed))
            case _:
                # Whose fault it was is not known: each on its own will tell.
                kept = self._answers.again(items, text)
                for item in kept:
                    item.at_most = 1
                self._outbox.put_back(kept)

    def _end_inherited(self, flight: Flight, no: TxRefused, blamed: list[Item]) -> None:
        """Nobody here has asked for what an earlier process sent: who still wants it asks again, but for the one that
        the chain has judged."""
        items = [i for i in flight.items if i.inherited]
        self._answers.end([i for i in items if i in blamed], no, "failed")
        self._answers.end(without(items, blamed), Retry(f"transaction {flight.hash} failed: {no}"), "failed")

    # -- books of it --------------------------------------------------------------------------------------------------

    def _count(self, flight: Flight) -> None:
        self._spending.signed(flight.hash, flight.fee, self._terms.head)
        self._metrics.tx_retries.inc(sum(i.signed for i in flight.items))
        for item in flight.items:
            item.signed, item.tx_hash = True, ""

    def _tx_ended(
        self, flight: Flight, state: TxState, *, height: int | None = None, gas_used: int | None = None,
        codespace: str = "", code: int = 0, why: str = "",
    ) -> None:  # fmt: skip
        """Its messages' ends, or their going on, are told after this."""
        for item in flight.items:
            item.tx_hash = ""
        self._metrics.tx.labels(result=state).inc()
        # One that is included too late costs nothing (chain-probes.md, recorded scenarios 26).
        if height is not None and gas_used:
            self._metrics.tx_fees.inc(flight.fee)
        else:
            self._spending.refunded(flight.hash)
        self._journal.tx_ended(
            TxEnd(flight.hash, state, height, gas_used, codespace, code, classify.readable(why)), self._terms.head
        )
