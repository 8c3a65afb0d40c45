"""What a fee allowance pays for: up to a limit, so much per period, or only for certain messages (cosmos feegrant).

An allowance is a value: `accept` says what is left of it, None when it is used up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provider.chain.wire import pack, unpack

from .coins import coins_of, coins_text, coins_wire, minus, short, well_formed
from .errors import registered
from .genesis import Coins

_PACKAGE = "cosmos.feegrant.v1beta1"
BASIC, PERIODIC, FILTERED = (
    f"/{_PACKAGE}.{name}" for name in ("BasicAllowance", "PeriodicAllowance", "AllowedMsgAllowance")
)
KNOWN = frozenset({BASIC, PERIODIC, FILTERED})


def check(box: Any) -> None:
    """Its own stateless check."""
    allowance = unpack(box)
    if box.type_url == FILTERED:
        if not allowance.HasField("allowance"):
            raise registered("feegrant", 5, "allowance should not be empty")
        if not allowance.allowed_messages:
            raise registered("feegrant", 6, "allowed messages shouldn't be empty")
        check(allowance.allowance)
        return
    _check_basic(allowance.basic if box.type_url == PERIODIC else allowance)
    if box.type_url == PERIODIC:
        _check_period(allowance)


def expires_ns(box: Any) -> int | None:
    allowance = unpack(box)
    if box.type_url == FILTERED:
        return expires_ns(allowance.allowance)
    basic = allowance.basic if box.type_url == PERIODIC else allowance
    return int(basic.expiration.ToNanoseconds()) if basic.HasField("expiration") else None


def accept(box: Any, fee: Coins, urls: Sequence[str], now_unix_ns: int) -> Any:
    """The allowance (an Any) after paying this fee for messages of these types, None when nothing is left of it."""
    allowance = unpack(box)
    if box.type_url == FILTERED:
        if not set(urls) <= set(allowance.allowed_messages):
            raise registered("feegrant", 7, "message does not exist in allowed messages")
        inner = accept(allowance.allowance, fee, urls, now_unix_ns)
        if inner is None:
            return None
        allowance.allowance.CopyFrom(inner)
        return pack(allowance)
    until = expires_ns(box)
    if until is not None and until < now_unix_ns:
        raise registered("feegrant", 3, "absolute limit" if box.type_url == PERIODIC else "basic allowance")
    if box.type_url == BASIC:
        left = _spend(allowance, fee, "basic allowance")
        return None if left == () else pack(allowance)
    _next_period(allowance, now_unix_ns)
    period = minus(coins_of(allowance.period_can_spend), fee)
    if short(period):
        raise registered("feegrant", 2, "period limit")
    _set(allowance.period_can_spend, period)
    left = _spend(allowance.basic, fee, "absolute limit")
    return None if left == () else pack(allowance)


def started(box: Any, now_unix_ns: int) -> Any:
    """As it is stored when granted: its first period begins now, whatever it says."""
    allowance = unpack(box)
    if box.type_url == FILTERED:
        allowance.allowance.CopyFrom(started(allowance.allowance, now_unix_ns))
        return pack(allowance)
    if box.type_url == PERIODIC:
        allowance.period_reset.FromNanoseconds(now_unix_ns + allowance.period.ToNanoseconds())
        return pack(allowance)
    return box


def _spend(basic: Any, fee: Coins, what: str) -> Coins | None:
    """What is left of the limit, None without one."""
    if not basic.spend_limit:
        return None
    left = minus(coins_of(basic.spend_limit), fee)
    if short(left):
        raise registered("feegrant", 2, what)
    _set(basic.spend_limit, left)
    return left


def _next_period(allowance: Any, now_unix_ns: int) -> None:
    """A period that is over fills up again, never beyond the limit of the whole; after a long pause the next one
    counts from now.
    """
    if now_unix_ns < allowance.period_reset.ToNanoseconds():
        return
    whole, per_period = coins_of(allowance.basic.spend_limit), coins_of(allowance.period_spend_limit)
    _set(allowance.period_can_spend, whole if whole and short(minus(whole, per_period)) else per_period)
    ends = allowance.period_reset.ToNanoseconds() + allowance.period.ToNanoseconds()
    if now_unix_ns > ends:
        ends = now_unix_ns + allowance.period.ToNanoseconds()
    allowance.period_reset.FromNanoseconds(ends)


def _check_basic(basic: Any) -> None:
    coins = coins_of(basic.spend_limit)
    if coins and not well_formed(coins):
        raise registered("sdk", 10, f"send amount is invalid: {coins_text(coins)}")
    if basic.HasField("expiration") and basic.expiration.seconds < 0:
        raise registered("feegrant", 4, "expiration time cannot be negative")


def _check_period(allowance: Any) -> None:
    per_period, total = coins_of(allowance.period_spend_limit), coins_of(allowance.basic.spend_limit)
    if not per_period or not well_formed(per_period):
        raise registered("sdk", 10, "spend limit must be positive")
    if total and not {denom for denom, _ in per_period} <= {denom for denom, _ in total}:
        raise registered("sdk", 10, "period spend limit has different currency than basic spend limit")
    if allowance.period.seconds < 0:
        raise registered("feegrant", 4, "negative clock step")


def _set(field: Any, coins: Coins) -> None:
    del field[:]
    field.extend(coins_wire(coins))
