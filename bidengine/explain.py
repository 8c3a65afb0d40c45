"""One look at an order as values that can be kept and shown: what the rules said, where it would go, what it costs.

The daemon notes it with every decision, and `akp price explain` prints it; both get it from the same look
(provider.market.bids.orders). The summary is plain JSON, short enough to keep thousands.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bidengine.notation import card_in_short
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.rules import RULES
from bidengine.us import Us
from bidengine.views import Order
from manifests.gpus import GpuModel


@dataclass(frozen=True, slots=True)
class Judged:
    """`no` is why there is no bid; None means a bid, and then placement and quote are there. `objections` are all that
    rules had to say, of which `no` is the most telling."""

    no: Decline | None
    objections: tuple[Decline, ...] = ()
    placement: Placement | None = None
    quote: Quote | None = None
    verdicts: tuple[tuple[str, Decline | None], ...] = ()
    """every rule by its name, with its objection or None; only where somebody asked for the whole way"""

    @property
    def answer(self) -> tuple[Placement, Quote] | Decline:
        if self.no is not None:
            return self.no
        assert self.placement is not None
        assert self.quote is not None
        return self.placement, self.quote


@dataclass(frozen=True, slots=True)
class Place:
    """So many replicas of a unit on one node, with the card chosen."""

    unit: int
    node: str
    replicas: int
    card: GpuModel | None = None

    def __str__(self) -> str:
        card = f" with {card_in_short(self.card)}" if self.card is not None else ""
        return f"unit {self.unit}: {self.replicas} on {self.node}{card}"


def places(placement: Placement) -> tuple[Place, ...]:
    """In the order of the group's units; replicas on one node together."""
    together = Counter((s.resource_id, s.node, s.gpu) for s in placement.slots)
    return tuple(Place(unit, node, replicas, card) for (unit, node, card), replicas in together.items())


def cards(placement: Placement) -> str:
    """The cards a group got, as a span of the ledger names them (`vendor/nvidia/model/h100/…`); "" for none."""
    return ",".join(sorted({s.gpu.key() for s in placement.slots if s.gpu is not None}))


def verdicts(order: Order, us: Us) -> tuple[tuple[str, Decline | None], ...]:
    """Every rule by its name, with its objection or None."""
    return tuple((rule.__name__, rule(order, us)) for rule in RULES)


def summary(judged: Judged) -> dict[str, Any]:
    """What a decision was made from; keys that would say nothing are left out."""
    out: dict[str, Any] = {}
    if len(judged.objections) > 1:  # a single one is the decision itself
        out["rules"] = [{"code": no.code, "detail": no.detail} for no in judged.objections]
    if judged.placement is not None:
        out["placement"] = [str(place) for place in places(judged.placement)]
    if judged.quote is not None:
        out["price"] = parts(judged.quote)
        out["strategy"] = judged.quote.strategy
    return out


def parts(quote: Quote) -> list[str]:
    """The lines of a price, of the floor below it, and how dollars became the order's coin."""
    found = [str(line) for line in quote.lines]
    found += [f"floor: {line}" for line in quote.floor]
    return found + ([str(quote.conversion)] if quote.conversion is not None else [])


def dearer_percent(ours_e18: int, winner_e18: int) -> Fraction | None:
    """By how much our price is above the winner's, in percent of the winner's; negative when ours was lower. None
    against a price of nothing."""
    return Fraction(100 * (ours_e18 - winner_e18), winner_e18) if winner_e18 else None


def compared(ours_e18: int, winner_e18: int) -> str:
    percent = dearer_percent(ours_e18, winner_e18)
    if percent is None or percent == 0:
        return "the same price as ours" if percent == 0 else "for nothing"
    return f"ours was {abs(float(percent)):.1f} % {'higher' if percent > 0 else 'lower'}"
