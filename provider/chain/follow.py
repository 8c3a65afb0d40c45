"""Every block of the chain, once, in order, from a height on. Nothing is lost and nothing is skipped in silence.

The tip is asked for; the heights up to it are fetched, a few at a time; then the alarm clock or a short poll says when
to ask again. Three things end it, each by name: the node no longer keeps what comes next or it cannot be read
(`GapTooWide`: the caller loads the present state instead), or this is not the chain we have been following (`Fatal`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import chain
from typing import Any, Protocol

import structlog

from provider.chain.comet import NoLonger, NotYet, RawBlock, Status
from provider.chain.events import Block, Malformed, TxResult, parse_events
from provider.chain.familiar import news
from provider.chain.money import Movement, movements
from provider.chain.ranking import LAG_BLOCKS
from provider.chain.touches import touches
from provider.errors import AkpError, Fatal, Retry
from provider.tasks import spawn

PREFETCH = 8
POLL_S = 1.5
"""longest time between two looks at the tip"""
_UNREADABLE_TRIES = 5
log = structlog.get_logger()


class GapTooWide(AkpError):
    """The blocks after `after` cannot be read any more; state at or after `first_available` must be loaded instead."""

    def __init__(self, after: int, first_available: int, why: str) -> None:
        self.after, self.first_available = after, first_available
        super().__init__(f"blocks {after + 1} to {first_available - 1} cannot be followed: {why}")


_Found = tuple[RawBlock, Block] | GapTooWide


class Source(Protocol):
    """What is needed of `comet.Comet`."""

    async def status(self) -> Status: ...
    async def block(self, height: int) -> RawBlock: ...


class Clock(Protocol):
    """What is needed of `alarm.Alarm`."""

    async def wait(self, timeout: float) -> bool: ...


async def follow(
    source: Source, clock: Clock, chain_id: str, after: int, *, after_unix_ns: int | None = None,
    most: int | None = None, poll_s: float = POLL_S,
) -> AsyncGenerator[Block, None]:  # fmt: skip
    """Blocks after+1, after+2, … for ever. `after_unix_ns` is the time of block `after`, where that is known: a node
    whose tip is older is behind, however far.

    GapTooWide when the node does not keep after+1, when more than `most` blocks are to be caught up with, or when a
    block cannot be read. Fatal when the chain was reset or forked. A node that is down, lags or is catching up is
    waited for.
    """
    cursor = after
    previous: RawBlock | None = None
    block_s: float | None = None
    told: set[str] = set()
    while True:
        status = await _status(source)
        _same_chain(status, chain_id, cursor, after_unix_ns if previous is None else previous.time_unix_ns)
        if status.earliest > cursor + 1:
            raise GapTooWide(cursor, status.earliest, "the node no longer keeps them")
        if most is not None and status.height - cursor > most:
            raise GapTooWide(cursor, status.height, f"more than {most} blocks are missing")
        tip = status.height
        while cursor < tip:
            for found in await _fetch(source, range(cursor + 1, min(cursor + PREFETCH, tip) + 1)):
                if isinstance(found, GapTooWide):
                    raise found
                raw, block = found
                _continues(previous, raw, chain_id)
                for name in sorted(_names(raw) - told):
                    told.add(name)
                    log.warning("the chain knows something this daemon does not", name=name, height=raw.height)
                if previous is not None:
                    block_s = _average(block_s, (raw.time_unix_ns - previous.time_unix_ns) / 1e9)
                cursor, previous = raw.height, raw
                yield block
        # A quarter of a block keeps up with fast chains even without the websocket; a slow chain is asked at most
        # every poll_s.
        await clock.wait(min(poll_s, max(block_s / 4, 0.02)) if block_s is not None else poll_s)


async def gap_after(source: Source, height: int) -> GapTooWide | None:
    """Why the block after `height`, which the chain has, cannot be read; None when it can. A node is waited for."""
    (found,) = await _fetch(source, range(height + 1, height + 2))
    return found if isinstance(found, GapTooWide) else None


async def _status(source: Source) -> Status:
    failures = 0
    while True:
        try:
            return await source.status()
        except Retry as trouble:
            failures = await _pause("the chain's tip", trouble, failures)


async def _fetch(source: Source, heights: range) -> list[_Found]:
    if len(heights) == 1:
        return [await _fetch_one(source, heights[0])]
    async with asyncio.TaskGroup() as group:
        tasks = [spawn(group, f"block {h}", _fetch_one(source, h)) for h in heights]
    return [t.result() for t in tasks]


async def _fetch_one(source: Source, height: int) -> _Found:
    """The block, however long that takes, or why it will never come. Not raised: the blocks below it are still to be
    handed out."""
    failures = 0
    while True:
        try:
            raw = await source.block(height)
            return raw, read(raw)
        except NotYet:
            # The tip is announced a moment before its results are stored (chain-probes.md §1.9).
            await asyncio.sleep(min(0.02 * 2.0 ** min(failures, 10), 1.0))
            failures += 1
        except NoLonger as gone:
            lowest = gone.lowest or (await _status(source)).earliest
            return GapTooWide(height - 1, max(lowest, height + 1), str(gone))
        except Malformed as bad:
            failures += 1
            log.error("block cannot be read", height=height, why=str(bad), attempt=failures)
            if failures >= _UNREADABLE_TRIES:
                return GapTooWide(height - 1, height + 1, f"block {height} holds an event that cannot be read: {bad}")
            await asyncio.sleep(1.0)
        except Retry as trouble:
            failures = await _pause(f"block {height}", trouble, failures)


async def _pause(what: str, trouble: Retry, failures: int) -> int:
    delay = min(0.25 * 2.0 ** min(failures, 6), 10.0)
    log.warning("waiting for a node", asked=what, why=str(trouble), again_in_s=delay)
    await asyncio.sleep(delay)
    return failures + 1


def _names(raw: RawBlock) -> set[str]:
    return news(chain((e for result in raw.tx_results for e in result.get("events") or ()), raw.events))


def read(raw: RawBlock) -> Block:
    txs = []
    for at, (tx_hash, result) in enumerate(zip(raw.tx_hashes, raw.tx_results, strict=True)):
        code, events = int(result.get("code") or 0), _once(result.get("events") or ())
        txs.append(
            TxResult(
                hash=tx_hash,
                code=code,
                codespace=result.get("codespace") or "",
                log=result.get("log") or "",
                gas_used=int(result.get("gas_used") or 0),
                events=parse_events(events) if code == 0 else (),
                money=_moved(events),  # a failed transaction keeps the events of its fee
                touches=touches(raw.txs[at]) if code == 0 and raw.txs else (),
            )
        )
    events = _once(raw.events)
    return Block(raw.height, raw.time_unix_ns, tuple(txs), parse_events(events), _moved(events, of_block=True))


def _once(events: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """A node that tells every event twice in a row (chain.md §7.3) would double the money that moved. No real list is
    all pairs: whatever a transaction or a block does begins with events that come once."""
    return events[::2] if len(events) % 2 == 0 and events[::2] == events[1::2] else events


def _moved(events: Sequence[dict[str, Any]], *, of_block: bool = False) -> tuple[Movement, ...]:
    try:
        return movements(events, of_block=of_block)
    except (KeyError, ValueError, TypeError, AttributeError) as bad:
        raise Malformed(f"a bank event cannot be read: {bad!r}") from bad


def _same_chain(status: Status, chain_id: str, cursor: int, time_unix_ns: int | None) -> None:
    """A tip behind the cursor is a lagging node, unless its clock says otherwise; or, where the cursor's time is not
    known, its distance."""
    if status.chain_id != chain_id:
        raise Fatal(f"the node now serves chain {status.chain_id!r} instead of {chain_id!r}")
    if status.height >= cursor or status.catching_up:
        return
    other = status.height + LAG_BLOCKS < cursor if time_unix_ns is None else status.time_unix_ns > time_unix_ns
    if other:
        raise Fatal(
            f"the chain was reset: its tip is {status.height}, but block {cursor} was already handled. "
            "Point chain.nodes at nodes of the chain that the ledger is of."
        )


def _continues(previous: RawBlock | None, raw: RawBlock, chain_id: str) -> None:
    if raw.chain_id != chain_id:
        raise Fatal(f"block {raw.height} is of chain {raw.chain_id!r} instead of {chain_id!r}")
    if previous is None:
        return
    linked = not (previous.hash and raw.previous_hash) or previous.hash == raw.previous_hash
    if not linked or raw.time_unix_ns < previous.time_unix_ns:
        raise Fatal(
            f"block {raw.height} does not follow block {previous.height}, which we have handled: "
            "the chain was reset or forked"
        )


def _average(so_far: float | None, seconds: float) -> float:
    return seconds if so_far is None else so_far + (seconds - so_far) / 8
