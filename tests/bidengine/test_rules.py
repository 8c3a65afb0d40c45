"""How single opinions become one answer; the opinions themselves are tested file by file."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidengine.owners import Entry
from bidengine.policy import Amount, Policy, Range
from bidengine.reasons import Decline, Reason
from bidengine.rules import RULES, opinions, screen
from bidengine.us import Us
from bidengine.views import MarketParams, Order, Provider, Wallet
from manifests.coins import Coin, DecCoin
from manifests.ids import OrderID
from manifests.resources import (
    Attribute,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    SignedBy,
    Storage,
)


def test_an_order_nobody_objects_to_is_let_through(make: Any) -> None:
    assert screen(make.order(), make.us()) is None


def test_the_most_telling_reason_is_reported_and_all_can_be_read(make: Any) -> None:
    order = make.order(make.group(make.unit(), attributes={"region": "eu"}))
    us = make.us(maintenance=True, denoms=["uakt"])
    assert [d.reason for d in opinions(order, us)] == [
        Reason.MAINTENANCE,
        Reason.DENOM_UNSUPPORTED,
        Reason.ATTRIBUTES_MISMATCH,
    ]
    told = screen(order, us)
    assert told is not None
    assert (told.reason, told.final) == (Reason.ATTRIBUTES_MISMATCH, False)


def test_one_final_objection_makes_the_answer_final(make: Any) -> None:
    order = make.order(make.group(make.unit(), attributes={"region": "eu"}), state="closed")
    told = screen(order, make.us())
    assert told is not None
    assert (told.reason, told.final) == (Reason.ATTRIBUTES_MISMATCH, True)


def test_each_rule_has_a_file_and_a_name_of_its_own() -> None:
    assert [r.__module__ for r in RULES] == [f"bidengine.rules.{r.__name__}" for r in RULES]
    assert len(set(RULES)) == len(RULES)


WORDS = (
    "", "*", "[", "[^", "\\", "a/", "\0", "é", "true", "false", "persistent", "class", "ram", "beta3", "uact",
    "capabilities/storage/1/class", "capabilities/gpu/vendor/nvidia/model/*", "capabilities/gpu/", "vendor/x/model/*",
    "vendor/nvidia/model/a100/ram/80Gi", "vendor//model/", "vendor/nvidia", "a" * 300 + "*", "[a-", "[]-a]*?",
)  # fmt: skip
ODD_TEXT = st.sampled_from(WORDS) | st.text(max_size=5)
ODD_NUMBER = st.one_of(st.integers(-3, 3), st.sampled_from([-(10**40), 10**40, 1 << 64]), st.integers())
FEW = {"max_size": 2}
ATTRIBUTES = st.lists(st.builds(Attribute, ODD_TEXT, ODD_TEXT), **FEW).map(tuple)
OWNER = st.sampled_from(["akash1us", "akash1tenant", "", "é"])
RESOURCES = st.builds(
    Resources,
    ODD_NUMBER,
    st.builds(Cpu, ODD_NUMBER, ATTRIBUTES),
    st.builds(Memory, ODD_NUMBER, ATTRIBUTES),
    st.lists(st.builds(Storage, ODD_TEXT, ODD_NUMBER, ATTRIBUTES), **FEW).map(tuple),
    st.builds(Gpu, ODD_NUMBER, ATTRIBUTES),
    st.lists(st.builds(Endpoint, st.sampled_from(EndpointKind), ODD_NUMBER), **FEW).map(tuple),
)
NAMES = st.lists(ODD_TEXT, **FEW).map(tuple)
UNIT = st.builds(ResourceUnit, RESOURCES, ODD_NUMBER, st.builds(DecCoin, ODD_TEXT, ODD_NUMBER))
REQUIREMENTS = st.builds(Requirements, st.builds(SignedBy, NAMES, NAMES), ATTRIBUTES)
ORDERS = st.builds(
    Order,
    st.builds(OrderID, OWNER, ODD_NUMBER, ODD_NUMBER, ODD_NUMBER),
    ODD_TEXT | st.just("open"),
    st.builds(GroupSpec, ODD_TEXT, REQUIREMENTS, st.lists(UNIT, **FEW).map(tuple)),
    ODD_NUMBER,
    st.none() | ODD_NUMBER,
)
LIMITS = st.dictionaries(st.sampled_from(Amount), st.builds(Range, st.none() | ODD_NUMBER, st.none() | ODD_NUMBER))
OWNERS = st.dictionaries(OWNER, st.builds(Entry, OWNER, st.none() | st.integers(0, 10**10)))
MAYBE = st.none() | st.integers(0, 10**9)
POLICIES = st.builds(
    Policy, OWNERS, st.none() | OWNERS, NAMES, MAYBE, ATTRIBUTES, MAYBE, MAYBE, unit=LIMITS, group=LIMITS
)
COINS = st.builds(Coin, ODD_TEXT, ODD_NUMBER)
PROVIDERS = st.builds(
    Provider, st.just("akash1us"), st.just("https://us"), ATTRIBUTES, st.dictionaries(ODD_TEXT, ATTRIBUTES)
)
WALLETS = st.builds(Wallet, ODD_TEXT, st.dictionaries(ODD_TEXT, ODD_NUMBER), COINS, st.tuples(COINS))
SELVES = st.builds(
    Us,
    PROVIDERS,
    st.builds(MarketParams, st.just(()), ODD_NUMBER, ODD_NUMBER, ODD_NUMBER),
    st.integers(1, 9),
    st.frozensets(ODD_TEXT),
    ODD_NUMBER,
    st.integers(0, 99),
    st.booleans(),
    st.integers(0, 10**9),
    now_unix_s=st.integers(0, 10**10),
    policy=POLICIES,
    promised_to_owner=st.integers(0, 99),
    wallet=st.none() | WALLETS,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(order=ORDERS, us=SELVES)
def test_d20_no_order_however_odd_makes_a_rule_raise(order: Order, us: Us) -> None:
    """The chain checks little of what a tenant writes (chain-probes.md 16); each rule still answers, in words."""
    for rule in RULES:
        found = rule(order, us)
        assert found is None or (isinstance(found, Decline) and found.detail and found.code.startswith("skip."))
    told = screen(order, us)
    assert told == screen(order, us), "asked twice it says the same"
