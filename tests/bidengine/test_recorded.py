"""A recorded order is one line, and the line is the order again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bidengine.recorded import Recorded, parse_line, parse_lines, to_line
from manifests.coins import DecCoin
from manifests.errors import Invalid
from manifests.resources import Endpoint, EndpointKind, SignedBy


@pytest.fixture
def record(make: Any) -> Recorded:
    unit = make.unit(
        gpu=2, models=("a100", "h100/ram/80Gi"), storage=(make.volume(10, "beta3"), make.ram(1)), count=3,
        endpoints=(Endpoint(EndpointKind.SHARED_HTTP), Endpoint(EndpointKind.LEASED_IP, 7)), price="12.345678",
    )  # fmt: skip
    spec = make.group(unit, attributes={"region": "us-west"}, signed_by=SignedBy(any_of=("akash1auditor",)))
    return Recorded(make.order(spec, window_s=3600), 1_800_000_000)


def test_a_line_is_the_order_again(record: Recorded) -> None:
    assert parse_line(to_line(record)) == record
    full = replace(
        record, outcome="lost.price", our_price=DecCoin("uact", 10**19), winner="akash1rival",
        winner_price=DecCoin("uact", 9 * 10**18 + 1), lease_blocks=0,
    )  # fmt: skip
    assert parse_line(to_line(full)) == full


def test_a_unit_without_volumes_comes_back(make: Any) -> None:
    record = Recorded(make.order(), 0)
    assert parse_line(to_line(record)) == record


def test_lines_come_by_height_and_empty_ones_are_passed_over(record: Recorded) -> None:
    later = replace(record, order=replace(record.order, created_at=200))
    assert parse_lines([to_line(later), "", "\n", to_line(record)]) == (record, later)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("order"), "order: '' is not an id of the form owner/dseq/gseq/oseq"),
        (lambda d: d.update(order="a/b/c/d"), "order: 'b' in 'a/b/c/d' is not a sequence number"),
        (lambda d: d.update(height="7"), "height: is not a whole number"),
        (lambda d: d.pop("group"), "group.resources: is missing"),
        (lambda d: d["group"]["resources"][0]["resource"].pop("cpu"), "group.resources[0].resource.cpu: is missing"),
        (lambda d: d["group"]["resources"][0]["price"].update(amount="ten"), "price.amount: 'ten' is not a decimal"),
        (lambda d: d.update(winner_price={"denom": "uact", "amount": 9}), "winner_price.amount: is not a string"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(record: Recorded, change: Any, words: str) -> None:
    line = json.loads(to_line(record))
    change(line)
    with pytest.raises(Invalid) as bad:
        parse_lines([to_line(record), json.dumps(line)])
    assert words in str(bad.value)
    assert bad.value.line == 2


@pytest.mark.parametrize("text", ["nonsense", "[]", "3", "null", '{"order": 3}', "{"])
def test_a_line_that_is_no_order(text: str) -> None:
    with pytest.raises(Invalid):
        parse_line(text)
