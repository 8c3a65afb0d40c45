"""Addresses: known vectors, round trips, and a reason for each text that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import bech32


@given(st.binary(max_size=40))
def test_decoding_gives_back_what_was_encoded(data: bytes) -> None:
    assert bech32.decode(bech32.encode("akash", data)) == ("akash", data)


def test_a_known_address() -> None:
    prefix, data = bech32.decode("akash14pphss726thpwws3yc458hggufynm9x77l4l2u")  # the escrow module's account
    assert prefix == "akash"
    assert len(data) == 20
    assert bech32.encode(prefix, data) == "akash14pphss726thpwws3yc458hggufynm9x77l4l2u"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a bech32"),
        ("akash", "not a bech32"),
        ("akash1", "not a bech32"),
        ("1qqqqqqqq", "not a bech32"),
        ("akash14pphss726thpwws3yc458hggufynm9x77l4l2v", "checksum"),
        ("akash14pphss726thpwws3yc458hggufynm9x77l4l2b", "does not use"),
        ("akash14PPHss726thpwws3yc458hggufynm9x77l4l2u", "mixes"),
    ],
)
def test_a_text_that_is_no_address_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bech32.decode(text)
