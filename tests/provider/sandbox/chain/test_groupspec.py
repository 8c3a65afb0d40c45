"""The limits of a group, at their edges."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.groupspec import ceiling, check_group

MI, GI, TI = 1 << 20, 1 << 30, 1 << 40


def text_of(spec: Any) -> str:
    """What is wrong with it, or nothing; these refusals carry no registered code."""
    try:
        check_group(spec)
    except ChainError as no:
        return no.text if no.codespace == "undefined" else f"codespace {no.codespace}"
    return ""


@pytest.fixture
def spec(chain: Any) -> Any:
    return chain.deployment().groups[0]


@pytest.mark.parametrize(
    ("part", "value", "refused"),
    [
        ("cpu.units", 10, False),
        ("cpu.units", 9, True),
        ("cpu.units", 384_000, False),
        ("cpu.units", 384_001, True),
        ("memory.quantity", MI, False),
        ("memory.quantity", MI - 1, True),
        ("memory.quantity", 2 * TI, False),
        ("memory.quantity", 2 * TI + 1, True),
        ("gpu.units", 24, False),
        ("gpu.units", 25, True),
    ],
)
def test_unit_ranges_include_their_ends(spec: Any, part: str, value: int, refused: bool) -> None:
    where = spec.resources[0].resource
    for name in part.split("."):
        where = getattr(where, name)
    where.val = str(value).encode()
    assert text_of(spec).startswith("error: invalid unit ") is refused


@pytest.mark.parametrize(
    ("value", "refused"), [(5 * MI, False), (5 * MI - 1, True), (32 * TI, False), (32 * TI + 1, True)]
)
def test_volume_ranges_include_their_ends(spec: Any, value: int, refused: bool) -> None:
    spec.resources[0].resource.storage[0].quantity.val = str(value).encode()
    assert bool(text_of(spec)) is refused


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: setattr(s, "name", ""), "empty group spec name denomination"),
        (lambda s: setattr(s.resources[0], "count", 0), "invalid total CPU (19200000 > 0 > 0 fails)"),
        (lambda s: s.resources.extend([s.resources[0]]), "duplicate resources ID (1) within group"),
        (lambda s: s.resources[0].resource.ClearField("gpu"), "error: invalid unit GPU, cannot be nil"),
        (lambda s: setattr(s.resources[0].price, "denom", ""), "group g: error: invalid price object"),
        (
            lambda s: setattr(s.resources[0].price, "amount", str(10_000_000 * 10**18 + 1)),
            "group g: error: invalid unit price (10000000 > 10000000.000000000000000001uact fails)",
        ),
    ],
)
def test_refusals_have_the_words_of_the_node(spec: Any, change: Any, text: str) -> None:
    assert text_of(spec) == ""
    change(spec)
    assert text_of(spec) == text


def test_the_ceiling_is_the_sum_over_units_and_replicas(spec: Any) -> None:
    spec.resources[0].count = 3
    spec.resources[0].price.amount = str(2 * 10**18)
    spec.resources.add().CopyFrom(spec.resources[0])
    spec.resources[1].count = 1
    assert ceiling(spec) == ("uact", 8 * 10**18)
