"""Each column of a span is told, and nothing else agrees with it."""

from __future__ import annotations

import pytest

from provider.ledger.opening import agrees, told

USES = (1_500, 64 << 20, 2, "nvidia/a100", '{"beta3": 1073741824}')
RATE = ("uact", "2500000000000000000")
SAID = told(*RATE, USES)


def test_in_words() -> None:
    assert SAID == (
        '2.5uact per block for 1500m cpu, 67108864 bytes of memory, 2 gpus (nvidia/a100), storage {"beta3": 1073741824}'
    )
    assert agrees(SAID, *RATE, USES)


@pytest.mark.parametrize(("at", "other"), [(0, 1_501), (1, 1), (2, 1), (3, ""), (4, "{}")])
def test_another_figure_does_not_agree(at: int, other: int | str) -> None:
    assert not agrees(SAID, *RATE, (*USES[:at], other, *USES[at + 1 :]))  # type: ignore[arg-type]


@pytest.mark.parametrize(("denom", "rate"), [("uakt", RATE[1]), ("uact", "2500000000000000001"), ("uact", "much")])
def test_nor_does_another_rate(denom: str, rate: str) -> None:
    assert not agrees(SAID, denom, rate, USES)
    assert not agrees("2.5uact per block", denom, rate, USES)


def test_what_an_earlier_version_told_vouches_for_the_rate() -> None:
    assert agrees("2.5uact per block", *RATE, (0, 0, 0, "", "{}"))
