"""Strict reading, and JSON as events print it."""

from __future__ import annotations

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.codec import complete, enum_json, go_json, strict
from provider.sandbox.chain.errors import ChainError

BODY, PRICE = "cosmos.tx.v1beta1.TxBody", "cosmos.base.v1beta1.DecCoin"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        (BODY, b"\x9a\x06\x01x", 'errUnknownField "*tx.TxBody": {TagNum: 99, WireType:"bytes"}'),
        (PRICE, b"\x12\x03abc", 'math/big: cannot unmarshal "abc" into a *big.Int'),
        (PRICE, b"\x12\x7f", "invalid length"),
    ],
)
def test_what_cannot_be_read_is_refused(name: str, data: bytes, text: str) -> None:
    with pytest.raises(ChainError) as no:
        strict(name, data, lenient=True)
    assert (no.value.codespace, no.value.code) == ("sdk", 2)
    assert no.value.text == f"{text}: tx parse error: tx parse error"


def test_a_number_beyond_any_limit_is_refused() -> None:
    with pytest.raises(ChainError):
        strict(PRICE, message(PRICE)(denom="uact", amount="9" * 5000).SerializeToString())


def test_a_non_critical_body_field_passes_when_allowed() -> None:
    data = b"\xba\x40\x01x"  # field 1031
    strict(BODY, data, lenient=True)
    with pytest.raises(ChainError):
        strict(BODY, data)


def test_event_json_has_names_zeros_quoted_64_bit_numbers_and_decimal_points() -> None:
    bid = message("akash.market.v1.BidID")(owner="T", dseq=7, gseq=1)
    assert go_json(bid) == '{"owner":"T","dseq":"7","gseq":1,"oseq":0,"provider":"","bseq":0}'
    assert go_json(message(PRICE)(denom="uact", amount="1")) == '{"denom":"uact","amount":"0.000000000000000001"}'
    assert go_json(b"\x00\xff") == '"AP8="'
    assert go_json(message("akash.market.v1beta5.QueryLeaseResponse")()) == '{"lease":null,"escrow_payment":null}'


def test_an_unnamed_enum_number_is_bare() -> None:
    assert enum_json(1, {1: "one"}) == '"one"'
    assert enum_json(2, {1: "one"}) == "2"


def test_a_stored_record_has_its_non_nullable_parts_and_plain_numbers() -> None:
    spec = message("akash.deployment.v1beta4.GroupSpec")(
        resources=[{"resource": {"cpu": {"units": {"val": b"0100"}}}, "price": {"amount": ""}}]
    )
    whole = complete(spec)
    assert whole.requirements.HasField("signed_by")
    assert whole.resources[0].resource.cpu.units.val == b"100"
    assert whole.resources[0].price.amount == "0"
    assert not whole.resources[0].resource.HasField("gpu")
