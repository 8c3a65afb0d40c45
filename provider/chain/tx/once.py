"""One transaction outside the daemon: made ready to be looked at, and, if it is wanted, sent and seen in a block.

For commands an operator types. It is unordered like the daemon's own (chain.md §4.3), so both may use one key at the
same time; where the chain takes no unordered ones it carries the account's sequence.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Protocol

from manifests.coins import Coin, parse_decimal
from provider.chain import messages as ask
from provider.chain.client import Chain
from provider.chain.comet import Head
from provider.chain.keys import SigningKey
from provider.chain.tx import build, classify, gas
from provider.chain.tx.classify import Verdict
from provider.chain.tx.flights import PUSH_EVERY
from provider.errors import AkpError, Fatal, NotFound, Retry, TxRefused
from provider.intents import Moment, TxEnd, TxState
from provider.settings import ChainSettings

MOST_WAITS = 3
"""blocks; right after a settlement of the same account one is enough (chain-probes.md §4)"""


@dataclass(frozen=True, slots=True)
class Draft:
    """All but the signature."""

    body: bytes
    auth_info: bytes
    document: bytes
    """what is signed"""
    gas_limit: int
    fee: Coin
    timeout_unix_ns: int
    sequence: int | None = None
    """None for an unordered one"""


class Notes(Protocol):
    """Where such a transaction is noted, for others who sign with the same key."""

    async def leaves(self, tx_hash: str, tx: bytes, now: Moment) -> None:
        """Before a byte of it leaves; what is raised here keeps it from leaving. `now` is the last block."""

    async def ended(self, end: TxEnd) -> None:
        """What became of it, before anybody else is told."""


@dataclass(frozen=True, slots=True)
class Landed:
    hash: str
    height: int
    gas_used: int


async def draft(
    chain: Chain, key: SigningKey, msgs: Sequence[ask.Msg], settings: ChainSettings, fee_granter: str = ""
) -> Draft:
    """Tried out on the chain's last block, and on later ones while it says that it would only be too early. TxRefused
    when it would fail there; NotFound when the account is not on chain yet."""
    account = await chain.account(key.address)
    if account is None:
        raise NotFound(f"the account {key.address} is not on chain yet: send it some uakt")
    price = max(parse_decimal(settings.gas_price_uakt), await chain.minimum_gas_price())
    timeout = (await chain.head()).time_unix_ns + settings.tx_timeout_s * 10**9 + secrets.randbelow(10**9)
    boxes = [build.box(msg, key.address) for msg in msgs]

    def signed_over(limit: int, unordered: bool) -> tuple[bytes, bytes]:
        body = build.body(boxes, timeout_unix_ns=timeout, unordered=unordered)
        sequence = 0 if unordered else account.sequence
        return body, build.auth_info(key.public_key, sequence, limit, [gas.fee(limit, price)], fee_granter)

    rough, belief, unordered, waited = gas.guess(msgs), gas.belief(msgs, settings.max_gas_multiple), True, 0
    while True:
        tried = await chain.simulate(build.raw(*signed_over(rough, unordered), b""), belief)
        verdict = _verdict(tried.error) if tried.error else None
        if verdict is Verdict.ORDERED_ONLY and unordered:
            unordered = False
        elif verdict is Verdict.NEXT_BLOCK and waited < MOST_WAITS:
            waited += 1
            await _next_block(chain)
        else:
            break
    if tried.error:
        raise TxRefused(*classify.simulated(tried.error), told(tried.error))
    used = tried.gas_used if tried.offered else rough
    limit = gas.limit(used, settings.gas_adjustment, unordered=unordered)
    body, auth_info = signed_over(limit, unordered)
    document = build.sign_doc(body, auth_info, chain.id, account.number)
    sequence = None if unordered else account.sequence
    return Draft(body, auth_info, document, limit, gas.fee(limit, price), timeout, sequence)


async def send(chain: Chain, key: SigningKey, ready: Draft, notes: Notes | None = None) -> Landed:
    """Until a block holds it. TxRefused when a node or that block refuses it; Retry when its time passes first, after
    which it is void, and when no node says whether it has taken it. Fatal when its end cannot be noted; that tells the
    end as well."""
    tx = build.raw(ready.body, ready.auth_info, await key.signature(ready.document))
    tx_hash = build.tx_hash(tx)
    head = await chain.head()  # while nothing is noted yet: nodes may be away
    if notes is not None:
        await notes.leaves(tx_hash, tx, Moment(head.height, head.time_unix_ns))
    end = await _sent(chain, tx, tx_hash, ready.timeout_unix_ns, head)
    if notes is not None:
        try:
            await notes.ended(end)
        except AkpError as bad:
            raise Fatal(f"{_in_words(end)}. That could not be noted: {bad}") from None
    return _landed(end)


def _landed(end: TxEnd) -> Landed:
    if end.state == "expired":
        raise Retry(f"transaction {end.hash} was not included before its timeout: it is void, send it again")
    if end.height is None:
        raise TxRefused(end.codespace, end.code, told(end.why))
    if end.code:
        raise TxRefused(end.codespace, end.code, f"included at height {end.height} and void: {told(end.why)}")
    return Landed(end.hash, end.height, end.gas_used or 0)


def _in_words(end: TxEnd) -> str:
    try:
        landed = _landed(end)
    except AkpError as no:
        return str(no)
    return f"done at height {landed.height}, transaction {landed.hash}: do not repeat it"


async def _sent(chain: Chain, tx: bytes, tx_hash: str, timeout_unix_ns: int, head: Head) -> TxEnd:
    try:
        answer = await chain.broadcast(tx)
    except Retry as trouble:
        left_s = max(0, timeout_unix_ns - head.time_unix_ns) // 10**9 + 1
        raise Retry(
            f"{trouble}. Transaction {tx_hash} may have been taken all the same: within {left_s} s it is in a block or"
            f" void, do not repeat it before"
        ) from None
    if not answer.accepted:
        return TxEnd(tx_hash, "refused", None, None, answer.codespace, answer.code, answer.log)
    async with aclosing(chain.follow(after=head.height)) as blocks:
        async for block in blocks:
            for result in block.txs:
                if result.hash == tx_hash:
                    state: TxState = "failed" if result.code else "included"
                    why = (result.codespace, result.code, result.log)
                    return TxEnd(tx_hash, state, block.height, result.gas_used, *why)
            if block.time_unix_ns > timeout_unix_ns:
                return TxEnd(tx_hash, "expired")
            if (block.height - head.height) % PUSH_EVERY == 0:
                await _push(chain, tx)
    raise AssertionError("blocks never end")


def told(text: str) -> str:
    """A refusal in words, with the cure where the cure is a grant."""
    words = classify.readable(classify.told(text)).partition("\nstack:")[0].rstrip()  # of a panic the first line tells
    if _verdict(text) is Verdict.GRANT:
        words += ". A grant is missing, expired or used up: akp chain grants show"
    if _verdict(text) is Verdict.NEXT_BLOCK:
        words += ". It passes with another block: try again"
    return words


def _verdict(text: str) -> Verdict:
    return classify.classify(*classify.simulated(text), text)


async def _next_block(chain: Chain) -> None:
    """Until there is one."""
    async with aclosing(chain.follow(after=(await chain.head()).height)) as blocks:
        await anext(blocks)


async def _push(chain: Chain, tx: bytes) -> None:
    """Mempools forget; a node that does not answer now changes nothing."""
    with suppress(Retry):
        await chain.broadcast(tx)
