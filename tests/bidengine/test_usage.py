from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.escrow import accrued
from bidengine.usage import Settlement, Span, Usage, per_block, told_of, usage
from manifests.coins import E18, Coin, DecCoin, parse_decimal, trunc
from manifests.ids import LeaseID


def rate(amount: str) -> DecCoin:
    return DecCoin("uact", parse_decimal(amount))


def credited(lease: LeaseID, **amounts: int) -> list[Settlement]:
    """`h4=1`: one micro-unit at height 4."""
    return [Settlement(lease, int(name[1:]), amount) for name, amount in amounts.items()]


def blocks(span: Span, settlements: list[Settlement], after: int, upto: int) -> list[tuple[int, int]]:
    return [(b.height, b.earned) for b in per_block([span], settlements, after, upto)]


def test_a_lease_is_paid_for_the_blocks_after_the_one_it_began_in(make: Any) -> None:
    span = Span(make.lease_id(1), 766, None, rate("101.5"))
    assert usage([span], [], 0, 766) == Usage()
    assert usage([span], [], 0, 767).earned == {"uact": 101}
    found = usage([span], [], 766, 829)
    assert (found.blocks, found.earned, found.accrued_e18) == (63, {"uact": 6394}, {"uact": 6394 * E18 + E18 // 2})
    assert found.forecast == found.earned, "nothing was settled"


def test_everything_used_is_counted(make: Any) -> None:
    lease = make.lease_id(1)
    spans = [
        Span(lease, 10, 20, rate("2"), 1500, 4 * make.gib, 2, "nvidia/a100", (("beta3", 7), ("", 3))),
        Span(lease, 20, None, rate("2"), 500, make.gib, 0, "", (("", 3),)),
        Span(make.lease_id(2), 5, None, DecCoin("uakt", E18), gpu_units=1, gpu_model="nvidia/t4"),
    ]
    settlements = [
        Settlement(lease, 20, 20, (Coin("uact", 20),)),
        Settlement(lease, 30, 20, (Coin("uact", 20), Coin("uakt", 3))),
    ]
    assert usage(spans, settlements, 10, 25) == Usage(
        blocks=10 + 5 + 15,
        cpu_milli_blocks=1500 * 10 + 500 * 5,
        memory_byte_blocks=(4 * 10 + 5) * make.gib,
        gpu_blocks=20 + 15,
        gpu_blocks_by_model={"nvidia/a100": 20, "nvidia/t4": 15},
        storage_byte_blocks={"beta3": 70, "": 45},
        accrued_e18={"uact": 30 * E18, "uakt": 15 * E18},
        earned={"uact": 30, "uakt": 15},
        forecast={"uakt": 15},
        paid={"uact": 20},
    )


def test_a_fraction_is_lost_at_each_settlement(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 0, None, rate("0.4"))
    assert usage([span], [], 0, 10).earned == {"uact": 4}
    assert usage([span], [Settlement(lease, h, 0) for h in range(1, 11)], 0, 10).earned == {}
    assert usage([span], credited(lease, h4=1), 0, 10).earned == {"uact": 1 + 2}


def test_a_settlement_at_the_edge_of_an_interval_or_beyond_it(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 0, None, rate("0.4"))
    for height in (10, 11, 12):
        assert usage([span], [Settlement(lease, height, 4)], 0, 10).earned == {"uact": 4}
    assert usage([span], [Settlement(lease, 0, 0)], 0, 10).earned == {"uact": 4}
    assert usage([span], credited(lease, h4=1), 4, 10).earned == {"uact": 2}
    assert usage([span], credited(lease, h10=4), 0, 10).forecast == {}
    assert usage([span], credited(lease, h10=4), 5, 15).forecast == {"uact": 2}


def test_a_lease_that_ran_dry_earned_at_its_rate_until_the_money_was_gone(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 10, 16, rate("90"))
    assert blocks(span, credited(lease, h16=200), 0, 99) == [(11, 90), (12, 90), (13, 20), (14, 0), (15, 0), (16, 0)]
    assert usage([span], credited(lease, h16=200), 10, 16).forecast == {}


def test_what_another_leases_beginning_dropped_was_not_earned(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 10, None, rate("90"))
    assert blocks(span, credited(lease, h12=0), 10, 14) == [(11, 0), (12, 0), (13, 90), (14, 90)]


def test_what_is_credited_beyond_the_rate_falls_on_the_block_of_its_settlement(make: Any) -> None:
    """As when the payment was left open, when a debt is paid, or when another deployment's settlement counted from its
    own last one."""
    lease = make.lease_id(1)
    span = Span(lease, 10, 12, rate("90"), cpu_milli=7)
    left_open = credited(lease, h11=500, h12=90, h20=720)
    assert blocks(span, left_open, 0, 99) == [(11, 500), (12, 90), (20, 720)]
    assert usage([span], left_open, 10, 20).earned == {"uact": 500 + 90 + 720}
    assert usage([span], left_open, 12, 19).earned == {}
    after = list(per_block([span], left_open, 12, 20))
    assert [(b.span.cpu_milli, b.span.rate.amount_e18) for b in after] == [(0, 0)]
    assert (told_of([span], left_open, 99), told_of([span], credited(lease, h20=0), 99)) == ((10, 20), (10, 12))


def test_of_a_lease_that_is_over_nothing_is_forecast(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 10, 14, rate("90"))
    assert blocks(span, credited(lease, h12=180), 0, 99) == [(11, 90), (12, 90), (13, 0), (14, 0)]
    found_later = credited(lease, h12=180, h30=90)
    assert blocks(span, found_later, 0, 99) == [(11, 90), (12, 90), (13, 90), (14, 0)]


def test_money_without_a_settlement_is_paid_and_ends_no_interval(make: Any) -> None:
    lease = make.lease_id(1)
    span = Span(lease, 0, None, rate("0.4"))
    found = usage([span], [Settlement(lease, 4, None, (Coin("uact", -3),))], 0, 10)
    assert (found.earned, found.paid) == ({"uact": 4}, {"uact": -3})


def test_what_was_credited_in_the_block_it_began_in_is_not_lost(make: Any) -> None:
    """Another deployment's settlement may do that (chain.md §1.9)."""
    lease = make.lease_id(1)
    span, settlements = Span(lease, 10, 12, rate("2")), credited(lease, h10=7, h12=4)
    assert blocks(span, settlements, 0, 99) == [(10, 7), (11, 2), (12, 2)]
    assert told_of([span], settlements, 99) == (9, 12)
    assert usage([span], settlements, 9, 10).earned == {"uact": 7}
    assert usage([span], settlements, 10, 12).earned == {"uact": 4}
    assert told_of([replace(span, to_height=None)], [], 99) == (10, 99)


def test_what_was_credited_in_the_block_it_began_in_is_no_forecast(make: Any) -> None:
    lease = make.lease_id(1)
    span, settled = Span(lease, 10, None, rate("100")), credited(lease, h10=700)
    for after, upto, earned, forecast in ((10, 12, 200, 200), (0, 11, 800, 100), (11, 12, 100, 100)):
        found = usage([span], settled, after, upto)
        assert (found.earned, found.forecast) == ({"uact": earned}, {"uact": forecast})
    assert usage([span], settled, 0, 10).forecast == {}


def test_a_new_span_does_not_cut_what_the_chain_does_not(make: Any) -> None:
    lease = make.lease_id(1)
    halves = [Span(lease, 0, 5, rate("0.5"), cpu_milli=1), Span(lease, 5, None, rate("0.5"), cpu_milli=2)]
    assert usage(halves, [], 0, 10).earned == {"uact": 5}
    assert [b.earned for b in per_block(halves, [], 3, 7)] == [1, 0, 1, 0]
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
def histories(draw: st.DrawFn) -> tuple[int, list[int | None], list[int], dict[int, int]]:
    """From height 5: where spans end (the last may be open), a rate for each, and what settlements credited, in one of
    two at the start alone."""
    ends = sorted(draw(st.sets(st.integers(6, 20), min_size=1, max_size=4)))
    rates = [draw(RATES) for _ in ends]
    open_end = draw(st.booleans())
    heights = draw(st.sampled_from((st.integers(5, 22), st.just(5))))
    settled = draw(st.dictionaries(heights, st.integers(0, 40), max_size=6))
    return 5, [*ends[:-1], None if open_end else ends[-1]], rates, settled


@settings(deadline=None)
@given(histories(), HEIGHTS, HEIGHTS, HEIGHTS)
def test_intervals_add_up_and_block_by_block_equals_the_sum(make: Any, history: Any, a: int, b: int, c: int) -> None:
    begin, ends, rates, settled = history
    a, b, c = sorted((a, b, c))
    lease = make.lease_id(1)
    starts = [begin, *ends[:-1]]
    spans = [Span(lease, s, e, DecCoin("uact", r), cpu_milli=7) for s, e, r in zip(starts, ends, rates, strict=True)]
    settlements = [Settlement(lease, h, amount) for h, amount in settled.items()]
    whole, first, second = (usage(spans, settlements, x, y) for x, y in ((a, c), (a, b), (b, c)))
    assert whole.blocks == first.blocks + second.blocks
    for name in ("accrued_e18", "earned", "forecast"):
        assert Counter(getattr(whole, name)) == Counter(getattr(first, name)) + Counter(getattr(second, name))
    assert whole.forecast.get("uact", 0) * E18 < whole.accrued_e18.get("uact", 0) + E18, "never more than the rate"
    told = list(per_block(spans, settlements, a, c))
    assert sum(block.span.cpu_milli for block in told) == whole.cpu_milli_blocks
    assert all(block.earned >= 0 for block in told)
    assert sum(block.earned for block in told) == whole.earned.get("uact", 0)
    ever = usage(spans, settlements, 0, 99)
    assert ever.earned.get("uact", 0) - ever.forecast.get("uact", 0) == sum(settled.values())


@settings(deadline=None)
@given(RATES, st.integers(0, 100), st.sets(st.integers(1, 300), max_size=8), st.integers(0, 100))
def test_a_lease_that_is_paid_in_full_earns_its_rate_in_every_block(
    make: Any, per: int, begin: int, settled: set[int], beyond: int
) -> None:
    lease = make.lease_id(1)
    heights = sorted(h for h in settled if h > begin)
    end = max([begin, *heights]) + beyond
    chain, since, settlements = 0, begin, []
    for height in heights:
        settlements.append(Settlement(lease, height, accrued(per, since, height)))
        chain, since = chain + accrued(per, since, height), height
    span = Span(lease, begin, None, DecCoin("uact", per))
    found = usage([span], settlements, begin, end)
    assert found.earned.get("uact", 0) == chain + accrued(per, since, end)
    assert found.forecast.get("uact", 0) == accrued(per, since, end)
    assert 0 <= trunc(found.accrued_e18.get("uact", 0)) - found.earned.get("uact", 0) <= len(heights)
    whole = per // E18
    assert {earned - whole for _, earned in blocks(span, settlements, begin, end)} <= {0, 1}
