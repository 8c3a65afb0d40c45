from __future__ import annotations

from fractions import Fraction

from bidengine.quote import PriceLine
from manifests.coins import E18


def test_a_line_reads_as_a_bill_does() -> None:
    line = PriceLine("unit 1 cpu", Fraction(3, 2), "core", 2 * E18, Fraction(3))
    assert str(line) == "unit 1 cpu: 1.5 core × 2 = 3 USD/month"
