"""What became of the transactions of commands that were killed beside the daemon: nobody else notes their end, and what
is noted as under way leads every list until then.

It is asked soon after they are void: later, a node may have dropped that part of its index, and one that was included
would be taken for expired.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from provider.chain.tx import classify
from provider.chain.tx.broadcast import Found
from provider.chain.tx.journal import Journal
from provider.errors import Retry
from provider.intents import Moment, TxEnd, TxState

SETTLED_NS = 60 * 10**9
"""A command that lives has noted the end of its own by then, and the nodes have indexed the blocks."""
log = structlog.get_logger()


class Chain(Protocol):
    async def find(self, tx_hash: str) -> Found | None: ...


async def note_ends(chain: Chain, journal: Journal, now: Moment) -> None:
    """With the ledger's next block. What no node can tell now is asked another time."""
    for tx_hash in await journal.abandoned(Moment(now.height, now.time_unix_ns - SETTLED_NS)):
        try:
            found = await chain.find(tx_hash)
        except Retry as trouble:
            log.info("a command's transaction could not be looked up", tx=tx_hash, why=str(trouble))
            return
        end = _end(tx_hash, found)
        log.info("a command has left a transaction without noting its end", tx=tx_hash, state=end.state)
        journal.end_abandoned(end, now)


def _end(tx_hash: str, found: Found | None) -> TxEnd:
    if found is None:
        return TxEnd(tx_hash, "expired")
    state: TxState = "failed" if found.code else "included"
    why = classify.readable(found.log)
    return TxEnd(tx_hash, state, found.height, found.gas_used, found.codespace, found.code, why)
