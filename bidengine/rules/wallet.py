"""A bid needs its deposit, and what was set aside for fees stays: without fees a provider can neither close a lease nor
collect its income (chain.md §2.2). Which account pays is part of the answer: deposits and fees may have one each.
"""

from __future__ import annotations

from collections.abc import Iterable

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order
from manifests.coins import Coin


def wallet(order: Order, us: Us) -> Decline | None:
    if us.wallet is None:
        return None
    fees, kept = us.wallet.fees, _told(us.wallet.kept)
    if lacking := us.wallet.lacking():
        detail = f"{us.wallet.account} pays deposits and lacks {_told(lacking, ', ')} for one of {us.wallet.deposit}"
        detail += f" with {kept} kept back" if kept else ""
        detail += " (and has no deposit grant for it)" if "grant" in us.wallet.sources else ""
    elif fees is not None and (lacking := fees.lacking()):
        detail = (
            f"{fees.account} pays the fees and lacks {_told(lacking, ', ')} of the {_told(fees.kept)} kept for them"
        )
    else:
        return None
    return Decline(Reason.WALLET_TOO_LOW, detail, final=False)


def _told(coins: Iterable[Coin], between: str = " + ") -> str:
    return between.join(str(coin) for coin in coins if coin.amount)
