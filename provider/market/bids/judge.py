"""What an order would get: screened, placed and priced, with nothing held and nothing sent.

The daemon bids by this, and `akp price explain` shows it; so what is explained is what would be bid. Asking for a price
may take a while, and the world goes on meanwhile: the rules are asked once more before the answer is yes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bidengine.explain import Judged, verdicts
from bidengine.reasons import Decline
from bidengine.room import Room
from bidengine.rules import opinions, told
from bidengine.us import Us
from bidengine.views import Order
from manifests.ids import OrderID
from provider.market.bids.wallet import Wallet
from provider.market.book import Book
from provider.market.policy.policy import Policies
from provider.market.pricing import Pricing
from provider.settings import BidSettings


@dataclass(frozen=True, slots=True)
class Judge:
    book: Book
    room: Room
    pricing: Pricing
    policies: Policies
    wallet: Wallet
    settings: BidSettings
    block_time_ms: Callable[[], int]

    async def answer(self, order: Order, *, through: bool = False) -> Judged:
        """Screen, fit, price, in this order: what costs most to find out comes last. `through` goes on after a no, for
        a person who wants to know everything."""
        us = self.us(order.id)
        objections = opinions(order, us)
        no = told(objections)
        if no is not None and not through:
            return Judged(no, objections)
        all_rules = verdicts(order, us) if through else ()
        placement = self.room.fit(order.spec)
        if isinstance(placement, Decline):
            return Judged(no or placement, objections, verdicts=all_rules)
        quote = await self.pricing.quote(order, placement)
        if isinstance(quote, Decline):
            return Judged(no or quote, objections, placement, verdicts=all_rules)
        if no is None:
            # The order may be over by now, others may have spent the last deposit or the quota.
            now, us = self.book.orders.get(order.id, replace(order, state="gone")), self.us(order.id)
            objections = opinions(now, us)
            no = told(objections)
        return Judged(no, objections, placement, quote, all_rules)

    def us(self, order: OrderID) -> Us:
        """What we are and offer at this moment, as the rules may see it."""
        return Us(
            provider=self.book.us,
            max_volumes=self.settings.max_volumes,
            offered_denoms=self.pricing.denoms,
            reclamation_window_s=self.settings.reclamation_window_s,
            market=self.book.params,
            bids_on_order=len(self.book.bids_on.get(order, ())),
            maintenance=self.policies.maintenance.on,
            maintenance_why=self.policies.maintenance.why,
            height=self.book.height,
            now_unix_s=self.book.time_unix_ns // 10**9,
            block_time_ms=self.block_time_ms(),
            policy=self.policies.current,
            promised_to_owner=self.wallet.promises.to(order.owner),
            wallet=self.wallet.seen(),
        )
