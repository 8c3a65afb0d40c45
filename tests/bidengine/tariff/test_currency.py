"""Fixed, asked, or fallen back upon: what a coin counts for, and when there is no bid."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.quote import Conversion
from bidengine.reasons import Decline, Reason
from bidengine.tariff.currency import CoinPrice, convert, priced
from bidengine.tariff.terms import Currency
from manifests.coins import E18
from tests.bidengine.tariffs import dollars

USDC = "ibc/170C677610AC31DF0904FFE09CD3B5C657492170E7E52372E48756B71E56F2F1"
CURRENCIES = {
    "uact": Currency(),
    "uakt": Currency(None, "akt", max_age_s=300),
    "ubtc": Currency(None, "btc", fallback_usd_e18=50_000 * E18),
    USDC: Currency(haircut_e18=dollars("0.01")),
}
FRESH = {"akt": CoinPrice(dollars("2.5"), 300)}


@pytest.mark.parametrize(
    ("denom", "market", "wanted"),
    [
        pytest.param("uact", {}, Conversion("uact", E18, "fixed", 6000), id="a dollar is a dollar"),
        pytest.param(USDC, {}, Conversion(USDC, E18, "fixed", 6000, dollars("0.01")), id="with a haircut"),
        pytest.param("uakt", FRESH, Conversion("uakt", dollars("2.5"), "oracle", 6000, 0, 300), id="as old as may be"),
        pytest.param("ubtc", FRESH, Conversion("ubtc", 50_000 * E18, "fallback", 6000), id="not known, fallback"),
        pytest.param("ubtc", {"btc": CoinPrice(1, 601)}, Conversion("ubtc", 50_000 * E18, "fallback", 6000),
                     id="too old, fallback"),
    ],
)  # fmt: skip
def test_a_coin_counts_for(denom: str, market: dict[str, CoinPrice], wanted: Conversion) -> None:
    assert convert(denom, CURRENCIES, market, 6000) == wanted


@pytest.mark.parametrize(
    ("denom", "market", "reason", "told"),
    [
        ("uakt", {}, Reason.ORACLE_STALE, "the oracle's price of akt is not known"),
        ("uakt", {"akt": CoinPrice(E18, 301)}, Reason.ORACLE_STALE, "akt is 301 s old, at most 300 s are good"),
        ("uakt", {"akt": CoinPrice(0, 0)}, Reason.ORACLE_STALE, "akt"),
        ("uatom", FRESH, Reason.DENOM_UNSUPPORTED, "the price file has no price in uatom"),
        ("", FRESH, Reason.DENOM_UNSUPPORTED, "no price in no denomination"),
    ],
)
def test_no_bid_in_a_coin(denom: str, market: dict[str, CoinPrice], reason: Reason, told: str) -> None:
    found = convert(denom, CURRENCIES, market, 6000)
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == (reason, False)
    assert told in found.detail


def test_which_denominations_have_a_price_now() -> None:
    assert priced(CURRENCIES, {}) == {"uact", "ubtc", USDC}
    assert priced(CURRENCIES, FRESH) == set(CURRENCIES)


@settings(deadline=None)
@given(st.integers(1, 10**24), st.integers(0, E18 - 1))
def test_conversion_is_an_exact_fraction(usd_e18: int, haircut_e18: int) -> None:
    found = convert("u", {"u": Currency(usd_e18, haircut_e18=haircut_e18)}, {}, 6000)
    assert isinstance(found, Conversion)
    worth = Fraction(usd_e18, E18) * (1 - Fraction(haircut_e18, E18)) / 10**6
    assert found.micro_per_usd * worth == 1
