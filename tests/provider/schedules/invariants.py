"""What must be true in the end, whatever happened, and of the books at every settlement: asked of the chain's own state
and of the ledger's file, never of the daemon. Only that it holds no room for nothing is its own word."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bidengine.escrow import dry_height
from bidengine.room import HoldState
from bidengine.views import CloseReason, EscrowPayment
from manifests.ids import LeaseID
from provider.chain import follow
from provider.chain.comet import RawBlock
from provider.chain.events import BidCreated, Block, LeaseClosed
from provider.chain.tx import build
from provider.ledger.store import Store
from provider.ledger.verify import verify
from provider.sandbox.chain.comet_json import events_json, tx_result_json
from tests.provider.market.history import US, Bookkeeper
from tests.provider.schedules.mortal import Life
from tests.provider.schedules.process import Process
from tests.provider.schedules.town import Town

E = TypeVar("E")
SOON_BLOCKS = 8
"""a transaction that was sent is in a block by then, or void"""


@dataclass
class Witness:
    """Sees every block as it is, and the ledger's file from outside."""

    town: Town
    path: Path
    store: Store
    began: int = 0
    compared: int = 0
    """times the books were held against the chain"""
    _seen: int = 0
    _blocks: dict[int, Block] = field(default_factory=dict)

    async def look(self) -> None:
        """After each block: has the ledger taken in a settlement, its figures are the chain's."""
        head = await self._head()
        if head is None:
            return
        self.began = self.began or head
        blocks = [self._block(height) for height in range(max(self._seen + 1, self.began), head + 1)]
        self._seen = max(self._seen, head)
        if any(_settles(block) for block in blocks):
            await self.books_are_equal()

    async def books_are_equal(self) -> None:
        self.compared += 1
        await Bookkeeper(self.town.market, self.store, began=self.began, keys=(US,)).is_equal()

    async def all_is_well(self, process: Process) -> list[str]:
        """After quiet blocks; what is not well."""
        found = [one async for one in self._wrong(process)]
        return [*self.town.machines.wrong, *found]

    async def _wrong(self, process: Process) -> AsyncIterator[str]:
        life = self.town.fate.life
        if life is None or life.parts is None or life.dead.is_set():
            yield f"the daemon is not up: {process.ends[-3:]}"
            return
        if why := await self._busy(life):
            yield why
            return
        late = [end for end in process.ends if end[0] > self.town.healed_s + 90]
        if late:
            yield f"the daemon ended in quiet times: {late}"
        async for found in chain(
            self._outbox(),
            self._orders(),
            self._bids(life),
            self._leases(life),
            self._left_open(),
            self._closings(),
            self._ledger(),
        ):
            yield found

    async def _busy(self, life: Life) -> str:
        """Why it is too early to look."""
        head, pending = await self._head(), life.parts.signer.pending
        if head != self.town.app.height:
            return f"the ledger is at {head}, the chain at {self.town.app.height}"
        return f"{pending} messages are still on their way" if pending else ""

    async def _outbox(self) -> AsyncIterator[str]:
        for key, state in await self.store.read("SELECT key, state FROM intent WHERE state IN ('waiting', 'signed')"):
            yield f"{key} is still {state}"
        for row in await self.store.read("SELECT hash FROM tx WHERE state = 'signed'"):
            yield f"nobody has found out what became of transaction {row[0]}"
        ours = {row[0] for row in await self.store.read("SELECT hash FROM tx")}
        for block in self._all():
            for tx in block.txs:
                if tx.code and tx.hash in ours and "bid exists" in tx.log:
                    yield f"block {block.height} has a second bid of ours, refused: {tx.log}"

    async def _orders(self) -> AsyncIterator[str]:
        """None missed, and none bid on twice."""
        bids = Counter(e.id.order for e in self._events(BidCreated) if e.id.provider == US.address)
        for order, count in bids.items():
            if count > 1:
                yield f"{count} bids on {order}"
        decided = dict(await self.store.read("SELECT orderid, outcome FROM market_order"))
        for order in (found.id for found in await self.town.market.at().orders("open")):
            outcome = decided.get(str(order), "")
            if not outcome:
                yield f"order {order} is open and nothing was decided"
            elif order not in bids and not outcome.startswith(("skip.", "fail.")):
                yield f"order {order} is open, {outcome} was decided, and there is no bid"
            elif order not in bids and outcome == "fail.tx.undefined.1":
                yield f"order {order} is open and was given up for what a node in trouble had said"
        for order, count in self.town.open_for.items():
            if count > SOON_BLOCKS and not decided.get(str(order)):
                yield f"order {order} was open for {count} calm blocks and nothing was decided"

    async def _bids(self, life: Life) -> AsyncIterator[str]:
        """No deposit lies with a bid that can win no more; bids, book and room tell the same."""
        now = self.town.market.at()
        live = {lease.id for lease in await self.town.live()}
        opened = {bid.id for bid in await now.bids(US.address, "open")}
        active = {bid.id for bid in await now.bids(US.address, "active")}
        waiting = {order.id for order in await now.orders("open")}
        for bid in sorted(opened):
            if bid.order not in waiting:
                yield f"bid {bid} is open, its order is not: the deposit lies there"
        for bid in sorted(active - live):
            yield f"bid {bid} is active without a lease"
        book, room = life.parts.book, life.parts.room
        if (known := {bid.id for bid in book.bids.values()}) != opened | active:
            yield f"the book's bids {sorted(known)} are not the chain's {sorted(opened | active)}"
        held = {order for order, hold in room.holds.items() if hold.state is not HoldState.HELD}
        wanted = {bid.order for bid in opened | live}
        if held != wanted:
            yield f"room is held for {sorted(held - wanted)} without cause, and not for {sorted(wanted - held)}"

    async def _leases(self, life: Life) -> AsyncIterator[str]:
        """Those that live stand, those that are over are gone, and nobody runs on unpaid."""
        town, now = self.town, self.town.market.at()
        live = {lease.id: lease for lease in await town.live()}
        if set(life.parts.book.leases) != set(live):
            yield f"the book's leases {sorted(life.parts.book.leases)} are not the chain's {sorted(live)}"
        for lease in sorted((town.machines.spaces | town.machines.stored.keys()) - live.keys()):
            yield f"{lease} is over and still in the cluster"
        for lease in sorted(live.keys() & town.machines.stored.keys() - town.machines.spaces):
            if not town.refused:
                yield f"{lease} lives, its manifest is there, and it is not deployed"
        for lease, found in sorted(live.items()):
            account = await now.escrow_account(lease.deployment)
            rates = [p.rate.amount_e18 for p in await now.escrow_payments(lease.deployment) if p.state == "open"]
            funds = sum(f.amount_e18 for f in account.funds if f.denom == found.price.denom)
            dry = dry_height(funds, account.settled_at, rates)
            if dry is not None and dry + SOON_BLOCKS < town.app.height:
                yield f"{lease} runs on at {town.app.height} though its money ended at {dry}"

    async def _left_open(self) -> AsyncIterator[str]:
        """Of what the chain keeps open though its lease is over (chain.md §5.6), what was earned has come in."""
        now = self.town.market.at()
        for lease in await now.leases(US.address):
            if lease.live or lease.closed_on + SOON_BLOCKS > self.town.app.height:
                continue
            left, account = await self._payment(lease.id), await now.escrow_account(lease.id.deployment)
            if left is not None and left.state == account.state == "open" and not account.wedged:
                then = await self._payment(lease.id, lease.closed_on)
                if then is None or then.withdrawn == left.withdrawn:
                    yield f"the payment of {lease.id}, over at {lease.closed_on}, is open and was never collected"

    async def _payment(self, lease: LeaseID, height: int | None = None) -> EscrowPayment | None:
        found = await self.town.market.at(height).escrow_payments(lease.deployment)
        return next((payment for payment in found if payment.lease == lease), None)

    async def _closings(self) -> AsyncIterator[str]:
        began = {lease.id: lease.created_at for lease in await self.town.market.at().leases(US.address)}
        for block in self._all():
            for event in block.events:
                ours = isinstance(event, LeaseClosed) and event.id in began
                if ours and (why := self._unjust(event.id, event.reason, began[event.id], block.height)):
                    yield why

    async def _ledger(self) -> AsyncIterator[str]:
        await self.books_are_equal()
        for fault in (await verify(self.path)).faults:
            yield f"ledger: {fault}"

    def _unjust(self, lease: LeaseID, reason: int, began: int, ended: int) -> str:
        """Why a lease that we closed should not have been."""
        if not 10_000 <= reason < 20_000:
            return ""
        told = f"{lease}, won at {began}, was closed by us at {ended} for reason {reason}"
        sent = self.town.manifests.get(lease)
        match reason:
            case CloseReason.MANIFEST_TIMEOUT:
                return f"{told}; its manifest came at {sent}" if sent is not None and sent + SOON_BLOCKS < ended else ""
            case CloseReason.UNSTABLE | CloseReason.DECOMMISSION:
                return "" if lease in self.town.unwell or self.town.refused else told
            case _:  # a bid was given up, and accepted in the same moment: the chain has one message for both
                return told if ended > began + SOON_BLOCKS else ""

    async def _head(self) -> int | None:
        rows = await self.store.read("SELECT height FROM head")
        return int(rows[0][0]) if rows else None

    def _all(self) -> list[Block]:
        return [self._block(height) for height in range(1, self.town.app.height + 1)]

    def _events(self, kind: type[E]) -> Iterator[E]:
        return (event for block in self._all() for event in block.events if isinstance(event, kind))

    def _block(self, height: int) -> Block:
        if height not in self._blocks:
            self._blocks[height] = self._read(height)
        return self._blocks[height]

    def _read(self, height: int) -> Block:
        found = self.town.nodes[0].store.get(height)
        assert found is not None
        return follow.read(
            RawBlock(
                height, found.time_unix_ns, self.town.app.chain_id, "", "",
                tuple(build.tx_hash(tx) for tx in found.txs), tuple(tx_result_json(r) for r in found.results),
                tuple(events_json(found.events)), found.txs,
            )
        )  # fmt: skip


async def chain(*parts: AsyncIterator[str]) -> AsyncIterator[str]:
    for part in parts:
        async for found in part:
            yield found


def _settles(block: Block) -> bool:
    """Money moved in it."""
    return any(tx.money for tx in block.txs) or bool(block.block_money)
