from __future__ import annotations

from fractions import Fraction

from bidengine.quote import Conversion, PriceLine, Quote, share_line
from manifests.coins import E18, DecCoin

CORE = PriceLine("unit 1 cpu", Fraction(3, 2), "core", 2 * E18, Fraction(3))


def test_a_line_reads_as_a_bill_does() -> None:
    assert str(CORE) == "unit 1 cpu: 1.5 core × 2 = 3 USD/month"


def test_a_share_reads_as_what_it_adds_or_takes() -> None:
    line = share_line("discount", Fraction(-1, 5), Fraction(30))
    assert line == PriceLine("discount", Fraction(-20), "%", 3 * E18 // 10, Fraction(-6))
    assert str(line) == "discount: -20 % = -6 USD/month"


def test_a_quote_adds_up_its_lines_and_its_floor() -> None:
    quote = Quote(DecCoin("uact", 1), (CORE, CORE), floor=(CORE,))
    assert (quote.usd_per_month, quote.floor_usd_per_month) == (6, 3)
    assert Quote(DecCoin("uact", 1)).usd_per_month == 0


def test_a_conversion_says_where_it_comes_from() -> None:
    fixed, asked = Conversion("uact", E18, "fixed", 6000), Conversion("uakt", E18 // 2, "oracle", 6000, E18 // 50, 12)
    assert str(fixed) == "1 uact = 1/10^6 USD (fixed), a block of 6000 ms"
    assert str(asked) == "1 uakt = 0.5/10^6 USD (oracle, 12 s old, 2 % off), a block of 6000 ms"
    assert (fixed.micro_per_usd, asked.micro_per_usd) == (10**6, Fraction(10**6 * 100, 49))
