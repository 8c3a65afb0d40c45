"""What a pricer outside of us has answered, as a price or as a no. Whoever answers is not trusted to count: what is not
a plain positive number is no price, and what the tenant would not pay is no bid.
"""

from __future__ import annotations

import json

from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from manifests.coins import DecCoin, parse_decimal, shown
from manifests.errors import Invalid
from manifests.resources import GroupSpec

_LONGEST = 100
"""characters of an answer that are looked at, and of a reason that are kept"""


def printed(spec: GroupSpec, stdout: bytes) -> Quote | Decline:
    """A script's output: one decimal, the price per block in the order's denomination, as it is and not rounded
    (bidengine-inventory.md §4.3). Raises `Invalid` when it is anything else."""
    text = stdout.decode("utf-8", "replace").strip()
    if not text:
        raise Invalid("", "it printed no price")
    return _priced(spec, text, "script")


def replied(spec: GroupSpec, body: bytes) -> Quote | Decline:
    """A service's reply: `{"price": "12.34", "denom": "uact"}`, the denomination being optional, or
    `{"decline": "reason"}`. Raises `Invalid` when it is anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid("", f"its reply is not JSON: {_short(body.decode('utf-8', 'replace'))}") from None
    if not isinstance(found, dict) or ("price" in found) == ("decline" in found):
        raise Invalid("", 'its reply must be an object with either "price" or "decline"')
    no, price, denom = found.get("decline"), found.get("price"), found.get("denom", spec.denom)
    if "decline" in found:
        if not isinstance(no, str):
            raise Invalid("", f'"decline" must be a reason in words, found {_short(json.dumps(no))}')
        return Decline(Reason.PRICER_DECLINED, f"the pricing service declines: {_short(no) or 'no reason'}", False)
    if not isinstance(price, str):
        raise Invalid("", f'"price" must be a decimal in quotes, e.g. "12.34", found {_short(json.dumps(price))}')
    if denom != spec.denom:
        raise Invalid("", f"it priced in {_short(json.dumps(denom))}, the order pays in {spec.denom}")
    return _priced(spec, price, "http")


def within_ceiling(spec: GroupSpec, amount_e18: int, strategy: str) -> Quote | Decline:
    """A price above what the tenant would pay is not lowered: it is no bid."""
    if amount_e18 > spec.ceiling_e18:
        most = f"{shown(spec.ceiling_e18)}{spec.denom}"
        detail = f"costs {shown(amount_e18)}{spec.denom} a block, the tenant pays at most {most}"
        return Decline(Reason.PRICE_TOO_HIGH, detail, final=False)
    return Quote(DecCoin(spec.denom, amount_e18), strategy=strategy)


def _priced(spec: GroupSpec, text: str, strategy: str) -> Quote | Decline:
    try:
        amount_e18 = parse_decimal(text if len(text) <= _LONGEST else "")
    except ValueError:
        cure = "a price is digits with at most 18 after the point, e.g. 0.5"
        raise Invalid("", f"it answered {_short(text)!r}; {cure}") from None
    if amount_e18 <= 0:
        raise Invalid("", f"it answered {text}, and a bid must be more than zero")
    return within_ceiling(spec, amount_e18, strategy)


def _short(text: str) -> str:
    """One line, nothing that a terminal would obey."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
