"""What a hot key may do, read from the sandbox chain, and what is said of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from manifests.coins import Coin
from provider.chain import delegation
from provider.chain.convert.records import Allowance, Grant
from provider.chain.delegation import EXEC, NEEDED, OPTIONAL, Delegation, problems
from provider.chain.keys import Key
from provider.chain.messages import RevokeAllowance

OWNER, HOT = Key.from_hex("1" * 64), Key.from_hex("2" * 64)
NOW, YEAR = 1_800_000_000, 365 * 86_400
GOOD = Delegation(
    "akash1o", "akash1h", "", tuple(Grant(url, NOW + YEAR) for url in NEEDED), allowance=None, hot_uakt=10**6
)


async def test_what_the_owner_signs_is_what_is_needed(on_sandbox: Any) -> None:
    town = await on_sandbox({OWNER.address: {"uakt": 10**9}, HOT.address: {"uakt": 10**6}})
    query, pair = town.chain.latest, (OWNER.address, HOT.address)
    before = await delegation.read(query, *pair, OWNER.address)
    assert len(list(problems(before, NOW))) == len(NEEDED) + 1, "each grant, and the fee grant"
    until = int(time.time()) + YEAR
    limit = Coin("uakt", 5_000_000)
    signed = delegation.wanted(*pair, expires_unix_s=until, fee_granter=OWNER.address, fee_limit=limit, optional=True)
    await town.does(OWNER, *signed)
    after = await delegation.read(query, *pair, OWNER.address)
    assert list(problems(after, until - YEAR)) == []
    assert {g.type_url: g.expires_unix_s for g in after.grants} == dict.fromkeys((*NEEDED, *OPTIONAL), until)
    assert after.allowance == Allowance(OWNER.address, until, (limit,), (EXEC,))
    assert after.hot_uakt == 10**6
    again = delegation.wanted(
        *pair, expires_unix_s=until + 9, fee_granter=OWNER.address, fee_limit=limit, allowance_exists=True
    )
    assert RevokeAllowance(*pair) in again
    await town.does(OWNER, *again)
    renewed = await delegation.read(query, *pair, OWNER.address)
    assert renewed.allowance is not None
    assert renewed.allowance.expires_unix_s == until + 9
    assert {g.expires_unix_s for g in renewed.grants if g.type_url in NEEDED} == {until + 9}


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert list(problems(GOOD, NOW)) == []
    forever = replace(GOOD, grants=tuple(replace(g, expires_unix_s=None) for g in GOOD.grants))
    assert list(problems(forever, NOW)) == []


def test_no_grant_is_needed_by_the_owners_own_key() -> None:
    assert list(problems(replace(GOOD, owner="akash1h", grants=()), NOW)) == []


GRANTED = replace(GOOD, fee_granter="akash1g", hot_uakt=0, allowance=Allowance("akash1g", None, None, None))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (replace(GOOD, grants=GOOD.grants[1:]), "akash1o has not granted MsgCreateBid to akash1h"),
        (replace(GOOD, grants=(Grant(NEEDED[0], NOW - 1), *GOOD.grants[1:])), "MsgCreateBid to akash1h has expired"),
        (replace(GOOD, grants=(Grant(NEEDED[0], NOW + 3 * 86_400 + 5), *GOOD.grants[1:])), "ends in 3 days"),
        (replace(GOOD, hot_uakt=9), "akash1h pays the fees and has 9uakt"),
        (replace(GRANTED, allowance=None), "fee grant of akash1g to akash1h is missing"),
        (replace(GRANTED, allowance=Allowance("akash1g", NOW - 5, None, None)), "has expired"),
        (replace(GRANTED, allowance=Allowance("akash1g", None, (Coin("uakt", 7),), None)), "has 7uakt left"),
        (replace(GRANTED, allowance=Allowance("akash1g", None, None, NEEDED)), "does not cover MsgExec"),
    ],
    ids=[
        "missing",
        "expired",
        "soon",
        "no fees",
        "no fee grant",
        "fee grant over",
        "fee grant low",
        "other messages",
    ],
)
def test_what_is_wrong_is_told_in_one_line(found: Delegation, why: str) -> None:
    (said,) = problems(found, NOW)
    assert why in said


def test_an_empty_hot_key_is_no_trouble_when_fees_are_granted() -> None:
    assert list(problems(GRANTED, NOW)) == []
