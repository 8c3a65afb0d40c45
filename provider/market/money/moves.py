"""What a block moved in our accounts, as rows of the journal; what escrow paid us is handed back to be told by lease.

`movements` (provider/chain/money.py) know what for; here is decided whose they are. Together the rows and the receipts
of an account are everything that changed its balance in that block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from manifests.coins import Coin
from manifests.ids import DeploymentID, LeaseID
from provider.chain.events import Block, DeploymentClosed, Event, LeaseClosed, LeaseCreated, TxResult
from provider.chain.money import BME, ESCROW, Movement, Purpose
from provider.ledger.journal import Kind, Posting

Locked = tuple[LeaseID, str, str]
"""a deposit: bid, account that paid it, denomination"""


@dataclass(frozen=True, slots=True)
class Us:
    owner: str
    """the provider's account, to which leases pay"""
    accounts: frozenset[str]
    """all whose balance we keep: the owner, and a hot key that works for it"""
    locked: Mapping[Locked, int] = field(default_factory=dict)
    """micro-units of deposits not yet back, as of the block before: at least of the bids of `refunded`"""
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
    locked: Counter[Locked] = field(default_factory=Counter)
    """as of this block, where it moved them"""


def moves(block: Block, us: Us) -> Moves:
    out = Moves(locked=Counter(us.locked))
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


def refunded(block: Block, owner: str) -> set[LeaseID]:
    """Bids of this provider for which something may have come back in the block."""
    every = (move for moved in (*(tx.money for tx in block.txs), block.block_money) for move in moved)
    return {
        move.order.bid_of(owner)
        for move in every
        if move.purpose == Purpose.REFUND and move.order is not None and move.provider in ("", owner)
    }


def _take(
    move: Movement, key: str, tx: TxResult | None, named: frozenset[DeploymentID], block: Block, us: Us, out: Moves
) -> None:
    bid = move.order.bid_of(us.owner) if move.order is not None and move.provider in ("", us.owner) else None
    deposit = (bid, move.account, move.coin.denom) if bid is not None else None
    kind = _kind(move, us, out.locked[deposit] if deposit is not None else 0)
    if kind is None:
        return
    if deposit is not None and kind in _OF_BIDS:
        out.locked[deposit] -= move.coin.amount
    hash_ = tx.hash if tx is not None else ""
    if kind is Kind.INCOME:
        out.receipts.append(Receipt(hash_, move.coin, named))
        return
    failed = f"the transaction failed: {tx.codespace} {tx.code}" if tx is not None and tx.code else ""
    whose = f"for {move.grantee}" if move.grantee and move.grantee != move.account else ""
    out.postings.append(
        Posting(
            kind, block.height, f"{kind}/{key}", move.coin, move.account, move.other,
            lease=bid if kind in _OF_BIDS else None,
            tx=hash_, detail="; ".join(filter(None, (whose, failed))),
        )
    )  # fmt: skip


_OF_BIDS = (Kind.DEPOSIT, Kind.REFUND)


def _kind(move: Movement, us: Us, locked: int) -> Kind | None:
    """None when it concerns neither our balances nor our bids. So much is `locked` of this account for this bid."""
    ours, spent = move.account in us.accounts, move.coin.amount < 0
    if move.purpose == Purpose.FEE and spent:
        return Kind.FEE if ours or move.grantee in us.accounts else None
    if move.purpose == Purpose.DEPOSIT and move.provider == us.owner:
        return Kind.DEPOSIT
    # The loser of an order is not named: he is the one who had paid the deposit. What comes back to others, or more
    # than was paid, somebody has paid into the bid's escrow without bidding (chain-probes.md "Escrow" 12).
    if move.purpose == Purpose.REFUND and locked >= move.coin.amount:
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
