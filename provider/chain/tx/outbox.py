"""What waits to be sent, and what of it may travel together. Pure.

The one subtlety: two messages that settle one deployment's escrow must not meet in one block. The second one panics,
or closes a lease and leaves its payment open (chain.md §5.6). So a deployment is held from the moment such a message
leaves until the block after the one it was seen in: a simulation on the very block of a settlement fails as well
(chain-probes.md §4).
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from manifests.ids import DeploymentID
from provider.chain import messages as ask
from provider.chain.tx.priority import Priority
from provider.intents import Intent

PATIENCE = 4
"""transactions that may overtake a message before it counts as one degree more urgent"""


@dataclass(slots=True, eq=False)
class Item:
    """One message on its way."""

    msg: ask.Msg
    box: Any
    """the packed message"""
    key: str = ""
    """business_key.py"""
    waiters: list[Future[str]] = field(default_factory=list)
    """of its senders; empty once they were told that it left"""
    left: bool = False
    """some sender was told that it left, or that nobody knows: its failure is for the next look"""
    tx_hash: str = ""
    """of the transaction that a node has accepted it in"""
    not_before: int = 0
    """height; and, should no block be seen for long, ..."""
    not_before_s: float = 0.0
    """... the loop's time"""
    priority: Priority = Priority.ROUTINE
    overtaken: int = 0
    """transactions with messages that came later and left before it, although it might have gone"""
    gas_times: int = 1
    tries: int = 0
    at_most: int = 0
    """messages that its transaction may hold; 0: as many as any. It shares one only with its like"""
    stored: bool = False
    """in the journal"""
    signed: bool = False
    """at least once"""
    inherited: bool = False
    """an earlier process asked for it"""

    @property
    def rank(self) -> int:
        """Urgency with age: whatever goes on arriving, nothing waits for ever."""
        return max(Priority.CLOSE, self.priority - self.overtaken // PATIENCE)


class Outbox:
    """Messages in order of urgency, then of arrival.

    - `take` gives the next transaction's messages; bids travel with bids only, since a bid is what most often fails in
      a block, and what was in one that came to nothing not with what was not.
    - No two messages that settle one deployment are out at the same time, or taken before the block after.
    - Nobody waits for ever: each transaction that overtakes a message makes it a little more urgent.
    - `sweep` drops the items whose senders have gone, as long as they have not left.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: list[Item] = []
        self._out: dict[DeploymentID, list[bool]] = {}
        self._settled: dict[DeploymentID, int] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def put(self, item: Item) -> None:
        self._items.append(item)

    def put_back(self, items: Iterable[Item]) -> None:
        """To the front, in their order."""
        self._items[:0] = items

    def drain(self) -> list[Item]:
        items, self._items = self._items, []
        return items

    def sweep(self) -> list[Item]:
        """Drop the items whose senders have gone; which."""
        gone = [i for i in self._items if not i.left and all(w.cancelled() for w in i.waiters)]
        self._remove(gone)
        return gone

    def take(self, height: int, now_s: float) -> list[Item]:
        """At most `most` items for one transaction; [] when nothing may go now. `height` is the last block seen, 0 for
        none."""
        self._settled = {d: h for d, h in self._settled.items() if h >= height}
        batch: list[Item] = []
        passed: list[Item] = []
        busy: dict[DeploymentID, list[bool]] = {}
        for item in sorted(self._items, key=lambda i: i.rank):
            if item.not_before > height and item.not_before_s > now_s:
                continue
            full = len(batch) == ((batch[0].at_most if batch else 0) or self._most)
            if full or (batch and _class(item) != _class(batch[0])):
                passed.append(item)
                continue
            settles = settled_by(item.msg)
            if settles is not None:
                deployment, shared = settles
                others = (*self._out.get(deployment, ()), *busy.get(deployment, ()))
                if deployment in self._settled or not all(shared and other for other in others):
                    continue
                busy.setdefault(deployment, []).append(shared)
            batch.append(item)
        places = {id(item): n for n, item in enumerate(self._items)}
        last = max((places[id(item)] for item in batch), default=0)
        for item in passed:
            item.overtaken += places[id(item)] < last
        self._remove(batch)
        return batch

    def hold(self, items: Iterable[Item]) -> None:
        """Their transaction is about to leave."""
        for item in items:
            settles = settled_by(item.msg)
            if settles is not None:
                self._out.setdefault(settles[0], []).append(settles[1])

    def release(self, items: Iterable[Item], settled_at: int | None = None) -> None:
        """Their transaction came to an end; `settled_at` is the height it was included at, None when it settled
        nothing."""
        for item in items:
            settles = settled_by(item.msg)
            if settles is None:
                continue
            deployment, shared = settles
            self._out[deployment].remove(shared)
            if not self._out[deployment]:
                del self._out[deployment]
            if settled_at is not None:
                self._settled[deployment] = settled_at

    def _remove(self, items: list[Item]) -> None:
        gone = set(map(id, items))
        self._items = [i for i in self._items if id(i) not in gone]


def settled_by(msg: ask.Msg) -> tuple[DeploymentID, bool] | None:
    """Whose escrow the message settles, and whether others of its kind may do so in the same block: several leases of
    one deployment may be made at once. An open bid's CloseBid settles nothing, but from the message alone nobody can
    tell."""
    match msg:
        case ask.CreateLease(id=lease):
            return lease.deployment, True
        case ask.CloseBid(id=lease) | ask.WithdrawLease(id=lease) | ask.CloseLease(id=lease):
            return lease.deployment, False
        case ask.CloseDeployment(id=deployment):
            return deployment, False
        case ask.CloseGroup(id=group):
            return group.deployment, False
    return None


def intent_of(item: Item) -> Intent:
    """What is asked, for the journal."""
    box = item.box.SerializeToString(deterministic=True)
    return Intent(item.key, type(item.msg).__name__, box, item.priority)


def settles(items: Iterable[Item]) -> tuple[tuple[str, str], ...]:
    """(key, deployment) of those that settle an escrow, for the journal."""
    found = ((item.key, settled_by(item.msg)) for item in items)
    return tuple((key, str(settled[0])) for key, settled in found if settled is not None)


def _class(item: Item) -> tuple[bool, int]:
    """Only what is alike in this travels together."""
    return isinstance(item.msg, ask.CreateBid), item.at_most
