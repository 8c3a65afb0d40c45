"""What a block moved in our accounts, as rows of the journal; what escrow paid us is handed back to be told by lease.

`movements` (provider/chain/money.py) know what for; here is decided whose they are. Together the rows and the receipts
of an account are everything that changed its balance in that block.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from manifests.coins import Coin
from manifests.ids import DeploymentID, OrderID
from provider.chain.events import BidCreated, Block, DeploymentClosed, Event, LeaseClosed, LeaseCreated, TxResult
from provider.chain.money import BME, ESCROW, Movement, Purpose
from provider.ledger.journal import Kind, Posting


@dataclass(frozen=True, slots=True)
class Us:
    owner: str
    """the provider's account, to which leases pay"""
    accounts: frozenset[str]
    """all whose balance we keep: the owner, and a hot key that works for it"""
    bids: Collection[OrderID] = frozenset()
    """orders we have a bid on, as of the block before"""
    depositors: Collection[str] = frozenset()
    """accounts that have paid deposits of our bids, besides our own"""
    own: Collection[str] = frozenset()
    """the operator's own accounts elsewhere: what goes there is swept"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Escrow paid the owner for something other than a bid's deposit: in general, income."""

    tx: str
    coin: Coin
    deployments: frozenset[DeploymentID]
    """those that the transaction names; the money is of one of them"""


@dataclass(slots=True)
class Moves:
    postings: list[Posting] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    settled: dict[DeploymentID, str] = field(default_factory=dict)
    """deployments whose escrow was settled -> the transaction; "" when the chain did it by itself"""


def moves(block: Block, us: Us) -> Moves:
    out = Moves()
    # Another may win an order in the very block of our bid.
    placed = {e.id.order for e in block.events if isinstance(e, BidCreated) and e.id.provider == us.owner}
    us = replace(us, bids=frozenset(us.bids) | placed)
    for tx in block.txs:
        named = frozenset({*_named(tx.events), *(touch.deployment for touch in tx.touches)})
        settled = {*_named(tx.events), *(touch.deployment for touch in tx.touches if touch.settles)}
        out.settled.update(dict.fromkeys(settled, tx.hash))
        for at, move in enumerate(tx.money):
            _take(move, f"{tx.hash}/{at}", tx, named, block, us, out)
    out.settled.update({d: "" for d in _named(block.block_events) if d not in out.settled})
    named = frozenset(_named(block.block_events))
    for at, move in enumerate(block.block_money):
        _take(move, f"block {block.height}/{at}", None, named, block, us, out)
    return out


def _take(
    move: Movement, key: str, tx: TxResult | None, named: frozenset[DeploymentID], block: Block, us: Us, out: Moves
) -> None:
    kind = _kind(move, us)
    if kind is None:
        return
    hash_ = tx.hash if tx is not None else ""
    if kind is Kind.INCOME:
        out.receipts.append(Receipt(hash_, move.coin, named))
        return
    failed = f"the transaction failed: {tx.codespace} {tx.code}" if tx is not None and tx.code else ""
    whose = f"for {move.grantee}" if move.grantee and move.grantee != move.account else ""
    out.postings.append(
        Posting(
            kind, block.height, f"{kind}/{key}", move.coin, move.account, move.other,
            lease=move.order.bid_of(us.owner) if move.order is not None and kind in _OF_BIDS else None,
            tx=hash_, detail="; ".join(filter(None, (whose, failed))),
        )
    )  # fmt: skip


_OF_BIDS = (Kind.DEPOSIT, Kind.REFUND)


def _kind(move: Movement, us: Us) -> Kind | None:
    """None when it concerns neither our balances nor our bids."""
    ours, spent = move.account in us.accounts, move.coin.amount < 0
    if move.purpose == Purpose.FEE and spent:
        return Kind.FEE if ours or move.grantee in us.accounts else None
    if move.purpose == Purpose.DEPOSIT and move.provider == us.owner:
        return Kind.DEPOSIT
    if move.purpose == Purpose.REFUND and move.order is not None:
        # The loser of an order is not named: he is the one who had paid the deposit.
        unnamed = not move.provider and move.order in us.bids and (ours or move.account in us.depositors)
        if move.provider == us.owner or unnamed:
            return Kind.REFUND
    if not ours:
        return None
    if move.other == ESCROW and move.account == us.owner and not spent and move.purpose == Purpose.OTHER:
        return Kind.INCOME
    if move.other == BME:
        return Kind.CONVERSION
    return Kind.SWEEP if spent and move.other in us.own else Kind.TRANSFER


def _named(events: tuple[Event, ...]) -> Iterator[DeploymentID]:
    """Every lease that begins or ends settles its deployment, and so does the deployment's end (chain.md §5.2)."""
    for event in events:
        match event:
            case DeploymentClosed(deployment):
                yield deployment
            case LeaseClosed(lease, _) | LeaseCreated(lease, _):
                yield lease.deployment
