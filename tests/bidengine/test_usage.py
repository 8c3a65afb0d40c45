from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.escrow import accrued
from bidengine.usage import Settlement, Span, Usage, per_block, usage
from manifests.coins import E18, Coin, DecCoin, parse_decimal, trunc


def rate(amount: str) -> DecCoin:
    return DecCoin("uact", parse_decimal(amount))


def test_a_lease_is_paid_for_the_blocks_after_the_one_it_began_in(make: Any) -> None:
    span = Span(make.lease_id(1), 766, None, rate("101.5"))
    assert usage([span], [], 0, 766) == Usage()
    assert usage([span], [], 0, 767).credited == {"uact": 101}
    found = usage([span], [], 766, 829)
    assert (found.blocks, found.credited, found.accrued_e18) == (63, {"uact": 6394}, {"uact": 6394 * E18 + E18 // 2})


def test_everything_used_is_counted(make: Any) -> None:
    lease = make.lease_id(1)
    spans = [
        Span(lease, 10, 20, rate("2"), 1500, 4 * make.gib, 2, "nvidia/a100", (("beta3", 7), ("", 3))),
        Span(lease, 20, None, rate("2"), 500, make.gib, 0, "", (("", 3),)),
        Span(make.lease_id(2), 5, 12, DecCoin("uakt", E18), gpu_units=1, gpu_model="nvidia/t4"),
    ]
    settlements = [
        Settlement(lease, 20, (Coin("uact", 20),)),
        Settlement(lease, 30, (Coin("uact", 20), Coin("uakt", 3))),
    ]
    assert usage(spans, settlements, 10, 25) == Usage(
        blocks=10 + 5 + 2,
        cpu_milli_blocks=1500 * 10 + 500 * 5,
        memory_byte_blocks=(4 * 10 + 5) * make.gib,
        gpu_blocks=20 + 2,
        gpu_blocks_by_model={"nvidia/a100": 20, "nvidia/t4": 2},
        storage_byte_blocks={"beta3": 70, "": 45},
        accrued_e18={"uact": 30 * E18, "uakt": 2 * E18},
        credited={"uact": 30, "uakt": 2},
        paid={"uact": 20},
    )


def test_a_fraction_is_lost_at_each_settlement(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 0, None, rate("0.4"))
    assert usage([span], [], 0, 10).credited == {"uact": 4}
    assert usage([span], [Settlement(lease, h) for h in range(1, 11)], 0, 10).credited == {}
    assert usage([span], [Settlement(lease, 4)], 0, 10).credited == {"uact": 1 + 2}


def test_a_settlement_beyond_the_interval_or_at_its_edge_changes_nothing(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 0, None, rate("0.4"))
    for height in (0, 10, 11, 12):
        assert usage([span], [Settlement(lease, height)], 0, 10).credited == {"uact": 4}
    assert usage([span], [Settlement(lease, 4)], 4, 10).credited == {"uact": 2}


def test_a_new_span_does_not_cut_what_the_chain_does_not(make: Any) -> None:
    lease = make.lease_id(1)
    halves = [Span(lease, 0, 5, rate("0.5"), cpu_milli=1), Span(lease, 5, 10, rate("0.5"), cpu_milli=2)]
    assert usage(halves, [], 0, 10).credited == {"uact": 5}
    assert [b.credited for b in per_block(halves, [], 3, 7)] == [1, 0, 1, 0]
    assert [b.span.cpu_milli for b in per_block(halves, [], 3, 7)] == [1, 1, 2, 2]
    assert [b.height for b in per_block(halves, [], 3, 7)] == [4, 5, 6, 7]


def test_overlapping_spans_of_a_lease_are_an_error(make: Any) -> None:
    lease = make.lease_id(1)
    for first in (Span(lease, 0, 6, rate("1")), Span(lease, 0, None, rate("1"))):
        with pytest.raises(ValueError, match="overlap"):
            usage([Span(lease, 5, 9, rate("1")), first], [], 0, 10)


RATES = st.integers(0, 5 * E18)
HEIGHTS = st.integers(0, 22)


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[int | None], list[int], list[int]]:
    """From height 5: where spans end (the last may be open), a rate for each, and settlements."""
    ends = sorted(draw(st.sets(st.integers(6, 20), min_size=1, max_size=4)))
    rates = [draw(RATES) for _ in ends]
    open_end = draw(st.booleans())
    settled = sorted(draw(st.sets(st.integers(5, 20), max_size=6)))
    return 5, [*ends[:-1], None if open_end else ends[-1]], rates, settled


@settings(deadline=None)
@given(histories(), HEIGHTS, HEIGHTS, HEIGHTS)
def test_intervals_add_up_and_block_by_block_equals_the_sum(make: Any, history: Any, a: int, b: int, c: int) -> None:
    begin, ends, rates, settled = history
    a, b, c = sorted((a, b, c))
    lease = make.lease_id(1)
    starts = [begin, *ends[:-1]]
    spans = [Span(lease, s, e, DecCoin("uact", r), cpu_milli=7) for s, e, r in zip(starts, ends, rates, strict=True)]
    settlements = [Settlement(lease, h) for h in settled]
    whole, first, second = (usage(spans, settlements, x, y) for x, y in ((a, c), (a, b), (b, c)))
    assert whole.blocks == first.blocks + second.blocks
    for name in ("accrued_e18", "credited"):
        assert Counter(getattr(whole, name)) == Counter(getattr(first, name)) + Counter(getattr(second, name))
    blocks = list(per_block(spans, settlements, a, c))
    assert len(blocks) == whole.blocks
    assert sum(block.span.cpu_milli for block in blocks) == whole.cpu_milli_blocks
    assert all(block.credited >= 0 for block in blocks)
    assert sum(block.credited for block in blocks) == whole.credited.get("uact", 0)


@settings(deadline=None)
@given(RATES, st.integers(0, 100), st.sets(st.integers(1, 300), max_size=8), st.integers(0, 100))
def test_a_lease_earns_what_the_chain_truncates_at_each_settlement(
    make: Any, per: int, begin: int, settled: set[int], beyond: int
) -> None:
    lease = make.lease_id(1)
    heights = sorted(h for h in settled if h > begin)
    end = max([begin, *heights]) + beyond
    chain, since = 0, begin
    for height in heights:
        chain += accrued(per, since, height)
        since = height
    chain += accrued(per, since, end)
    span = Span(lease, begin, None, DecCoin("uact", per))
    found = usage([span], [Settlement(lease, h) for h in heights], begin, end)
    assert found.credited.get("uact", 0) == chain
    assert 0 <= trunc(found.accrued_e18.get("uact", 0)) - chain <= len(heights)
