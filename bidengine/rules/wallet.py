"""A bid needs its deposit, and what was set aside for fees stays: without fees a provider can neither close a lease nor
collect its income (chain.md §2.2). Which account pays is part of the answer.
"""

from __future__ import annotations

from bidengine.reasons import Decline, Reason
from bidengine.us import Us
from bidengine.views import Order


def wallet(order: Order, us: Us) -> Decline | None:
    if us.wallet is None or not (lacking := us.wallet.lacking()):
        return None
    kept = " + ".join(str(coin) for coin in us.wallet.kept if coin.amount)
    detail = (
        f"{us.wallet.account} pays deposits and lacks {', '.join(map(str, lacking))} for one of {us.wallet.deposit}"
        + (f" with {kept} kept back" if kept else "")
    )
    return Decline(Reason.WALLET_TOO_LOW, detail, final=False)
