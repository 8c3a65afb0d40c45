"""What is taken for a price, from a script and from a service; everything else says what was found."""

from __future__ import annotations

from typing import Any

import pytest

from bidengine.answer import printed, replied, within_ceiling
from bidengine.quote import Quote
from bidengine.reasons import Decline
from manifests.coins import E18, DecCoin
from manifests.errors import Invalid


@pytest.fixture
def spec(make: Any) -> Any:
    return make.group(make.unit(price="1000"))


@pytest.mark.parametrize(
    ("stdout", "e18"),
    [
        (b"1.5\n", 1_500_000_000_000_000_000),
        (b"  12 \r\n", 12 * E18),
        (b"+3", 3 * E18),
        (b"0.000000000000000001", 1),
        (b"1000", 1000 * E18),
    ],
    ids=["fraction", "spaces around", "a sign", "all 18 digits", "all the tenant pays"],
)
def test_a_printed_number_is_the_price_as_it_is(spec: Any, stdout: bytes, e18: int) -> None:
    assert printed(spec, stdout) == Quote(DecCoin("uact", e18), strategy="script")


@pytest.mark.parametrize(
    ("stdout", "says"),
    [
        (b"", "printed no price"),
        (b" \n\n", "printed no price"),
        (b"0", "answered 0, and a bid must be more than zero"),
        (b"-1", "answered -1, and a bid must be more than zero"),
        (b"1.0000000000000000001", "at most 18 after the point"),
        (b"NaN", "'NaN'"),
        (b"Infinity", "'Infinity'"),
        (b"1e3", "'1e3'"),
        (b".5", "e.g. 0.5"),
        (b"5.", "'5.'"),
        (b"12.5uact", "'12.5uact'"),
        (b"DEBUG: cpu 1\n12.5", "'DEBUG: cpu 1 12.5'"),
        (b"1 2", "'1 2'"),
        (b"\xff\xfe", "answered"),
        ("１２".encode(), "answered"),
        (b"9" * 5000, "answered '9999"),
    ],
    ids=["nothing", "blank", "zero", "negative", "19 digits", "NaN", "infinity", "exponent", "as bc writes it",
         "no digit", "a unit", "debug lines", "two", "not text", "other digits", "very long"],
)  # fmt: skip
def test_anything_else_is_no_price(spec: Any, stdout: bytes, says: str) -> None:
    with pytest.raises(Invalid) as bad:
        printed(spec, stdout)
    assert says in bad.value.message
    assert len(bad.value.message) < 300


def test_a_price_above_the_tenants_is_declined_and_not_lowered(spec: Any) -> None:
    found = printed(spec, b"1000.000000000000000001")
    assert isinstance(found, Decline)
    assert found.reason == "skip.price.above_max"
    assert "1000.000000000000000001uact" in found.detail
    assert within_ceiling(spec, 1000 * E18, "x") == Quote(DecCoin("uact", 1000 * E18), strategy="x")


def test_the_ceiling_is_that_of_the_whole_group(make: Any) -> None:
    spec = make.group(make.unit(1, count=3, price="10"), make.unit(2, price="5"))
    assert isinstance(printed(spec, b"35"), Quote)
    assert isinstance(printed(spec, b"35.1"), Decline)


@pytest.mark.parametrize("body", [b'{"price": "12.34"}', b'{"price": "12.34", "denom": "uact", "note": 1}'])
def test_a_service_replies_with_a_price(spec: Any, body: bytes) -> None:
    assert replied(spec, body) == Quote(DecCoin("uact", 12_340_000_000_000_000_000), strategy="http")


def test_a_service_declines_with_its_reason(spec: Any) -> None:
    found = replied(spec, b'{"decline": "no miners"}')
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == ("skip.price.pricer_declined", False)
    assert found.detail.endswith("no miners")


def test_a_reason_is_one_short_line(spec: Any) -> None:
    found = replied(spec, b'{"decline": "\\u001b[31mred\\n and %s"}' % (b"long " * 1000))
    assert isinstance(found, Decline)
    assert found.detail.isprintable()
    assert len(found.detail) < 150


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"<html>", "<html>"),
        (b"[" * 100_000, "not JSON"),
        (b"12.5", "must be an object"),
        (b"{}", 'either "price" or "decline"'),
        (b'{"price": "1", "decline": "x"}', 'either "price" or "decline"'),
        (b'{"price": 12.5}', "in quotes"),
        (b'{"price": null}', "in quotes"),
        (b'{"price": "0"}', "more than zero"),
        (b'{"price": "NaN"}', "NaN"),
        (b'{"price": "1", "denom": "uakt"}', '"uakt", the order pays in uact'),
        (b'{"decline": 5}', "in words"),
    ],
    ids=[
        "nothing",
        "a page",
        "deep",
        "bare",
        "empty",
        "both",
        "a float",
        "null",
        "zero",
        "NaN",
        "other money",
        "no words",
    ],
)
def test_any_other_reply_is_no_price(spec: Any, body: bytes, says: str) -> None:
    with pytest.raises(Invalid) as bad:
        replied(spec, body)
    assert says in bad.value.message
