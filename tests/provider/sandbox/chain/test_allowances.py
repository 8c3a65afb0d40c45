"""Fee allowances: what they pay, and what is left of them."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message, pack, unpack
from provider.sandbox.chain import allowances
from provider.sandbox.chain.coins import coins_of
from provider.sandbox.chain.errors import ChainError

NAME = "cosmos.feegrant.v1beta1"
SECOND = 10**9
FEE = (("uakt", 10),)
EXEC = "/cosmos.authz.v1beta1.MsgExec"


def uakt(amount: int) -> list[dict[str, str]]:
    return [{"denom": "uakt", "amount": str(amount)}] if amount else []


def basic(limit: int = 0, until_s: int | None = None) -> Any:
    made = message(f"{NAME}.BasicAllowance")(spend_limit=uakt(limit))
    if until_s is not None:
        made.expiration.seconds = until_s
    return made


def periodic(per_period: int, left: int, limit: int = 0, reset_s: int = 1_000, until_s: int | None = None) -> Any:
    made = message(f"{NAME}.PeriodicAllowance")(
        basic=basic(limit, until_s),
        period={"seconds": 100},
        period_spend_limit=uakt(per_period),
        period_can_spend=uakt(left),
    )
    made.period_reset.seconds = reset_s
    return made


def filtered(inner: Any, *urls: str) -> Any:
    return message(f"{NAME}.AllowedMsgAllowance")(allowance=pack(inner), allowed_messages=urls)


PAID: dict[str, tuple[Any, int, Any]] = {
    # allowance, second -> what is left (limit, or of the period), None when used up, or a refusal
    "without a limit": (basic(), 0, ()),
    "within the limit": (basic(25), 0, (("uakt", 15),)),
    "the last of it": (basic(10), 0, None),
    "over the limit": (basic(9), 0, ("feegrant", 2)),
    "at its end": (basic(25, until_s=500), 500, (("uakt", 15),)),
    "after its end": (basic(25, until_s=500), 501, ("feegrant", 3)),
    "within the period": (periodic(50, 30), 999, (("uakt", 20),)),
    "over the period": (periodic(50, 9), 999, ("feegrant", 2)),
    "in the next period": (periodic(50, 0), 1_000, (("uakt", 40),)),
    "the whole is nearly used up": (periodic(50, 0, limit=20), 1_000, (("uakt", 10),)),
    "the last of the whole": (periodic(50, 50, limit=10), 999, None),
    "over the whole": (periodic(50, 50, limit=9), 999, ("feegrant", 2)),
    "a period after the end": (periodic(50, 50, until_s=500), 501, ("feegrant", 3)),
    "an allowed message": (filtered(basic(25), EXEC), 0, (("uakt", 15),)),
    "another message": (filtered(basic(25), "/x"), 0, ("feegrant", 7)),
    "the last of an allowed one": (filtered(basic(10), EXEC), 0, None),
}


@pytest.mark.parametrize(("allowance", "at_s", "wanted"), PAID.values(), ids=PAID)
def test_paying_a_fee_of_ten(allowance: Any, at_s: int, wanted: Any) -> None:
    if wanted and isinstance(wanted[0], str):
        with pytest.raises(ChainError) as no:
            allowances.accept(pack(allowance), FEE, [EXEC], at_s * SECOND)
        assert (no.value.codespace, no.value.code) == wanted
        return
    left = allowances.accept(pack(allowance), FEE, [EXEC], at_s * SECOND)
    assert (None if left is None else spendable(left)) == wanted


def spendable(box: Any) -> Any:
    found = unpack(box)
    if box.type_url == allowances.FILTERED:
        return spendable(found.allowance)
    return coins_of(found.period_can_spend if box.type_url == allowances.PERIODIC else found.spend_limit)


@pytest.mark.parametrize(
    ("at_s", "next_s"), [(1_000, 1_100), (1_099, 1_100), (1_100, 1_100), (1_101, 1_201), (9_000, 9_100)]
)
def test_periods_follow_each_other_unless_one_was_missed(at_s: int, next_s: int) -> None:
    left = allowances.accept(pack(periodic(50, 0)), FEE, [EXEC], at_s * SECOND)
    assert unpack(left).period_reset.seconds == next_s


def test_the_first_period_begins_with_the_grant() -> None:
    told = allowances.started(pack(filtered(periodic(5, 5, reset_s=1), EXEC)), 400 * SECOND)
    assert unpack(unpack(told).allowance).period_reset.seconds == 500
    plain = pack(basic(5))
    assert allowances.started(plain, 400 * SECOND) == plain


CHECKED: dict[str, tuple[Any, tuple[str, int] | None]] = {
    "basic": (basic(5), None),
    "without a limit": (basic(), None),
    "less than nothing": (basic(-5), ("sdk", 10)),
    "before time began": (basic(5, until_s=-1), ("feegrant", 4)),
    "periodic": (periodic(5, 5), None),
    "a period of nothing": (periodic(0, 0), ("sdk", 10)),
    "filtered": (filtered(basic(5), EXEC), None),
    "no message allowed": (filtered(basic(5)), ("feegrant", 6)),
    "filtered, and wrong inside": (filtered(basic(-5), EXEC), ("sdk", 10)),
    "filtered nothing": (message(f"{NAME}.AllowedMsgAllowance")(allowed_messages=[EXEC]), ("feegrant", 5)),
}


@pytest.mark.parametrize(("allowance", "no"), CHECKED.values(), ids=CHECKED)
def test_an_allowance_is_checked_when_it_is_granted(allowance: Any, no: Any) -> None:
    if no is None:
        allowances.check(pack(allowance))
        return
    with pytest.raises(ChainError) as refused:
        allowances.check(pack(allowance))
    assert (refused.value.codespace, refused.value.code) == no


def test_a_period_is_of_coins_that_the_whole_has_and_never_negative() -> None:
    foreign = periodic(5, 5, limit=50)
    foreign.period_spend_limit[0].denom = "uact"
    backwards = periodic(5, 5)
    backwards.period.seconds = -1
    for bad, code in ((foreign, ("sdk", 10)), (backwards, ("feegrant", 4))):
        with pytest.raises(ChainError) as refused:
            allowances.check(pack(bad))
        assert (refused.value.codespace, refused.value.code) == code


def test_each_knows_its_end() -> None:
    assert allowances.expires_ns(pack(basic(5))) is None
    assert allowances.expires_ns(pack(filtered(periodic(5, 5, until_s=7), EXEC))) == 7 * SECOND
