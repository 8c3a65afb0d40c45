from __future__ import annotations

from dataclasses import replace

from manifests.ids import LeaseID
from provider.mending import MOST_S, QUIET_S, Mending

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")


def test_what_was_never_mended_is_mended_at_once() -> None:
    assert Mending[LeaseID]().wait_s(LEASE, 0.0) is None


def test_each_time_soon_after_the_last_waits_twice_as_long_up_to_an_hour() -> None:
    mending, now, waits = Mending[LeaseID](), 0.0, []
    for _ in range(12):
        mending.mended(LEASE, now)
        wait = mending.wait_s(LEASE, now)
        assert wait is not None
        waits.append(wait)
        now += wait
        assert mending.wait_s(LEASE, now) is None
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, MOST_S, MOST_S, MOST_S]
    assert mending.times(LEASE) == 12
    assert mending.wait_s(replace(LEASE, dseq=2), 0.0) is None, "another lease is not made to wait"


def test_it_is_said_once_when_to_look_again() -> None:
    mending = Mending[LeaseID]()
    mending.mended(LEASE, 100.0)
    assert mending.wait_s(LEASE, 104.0) == 6
    assert mending.wait_s(LEASE, 105.0) == 0
    assert mending.wait_s(LEASE, 110.0) is None


def test_what_has_stood_for_a_while_or_is_over_begins_anew() -> None:
    mending = Mending[LeaseID]()
    for now in (0.0, 10.0, 30.0):
        mending.mended(LEASE, now)
    assert mending.times(LEASE) == 3
    mending.mended(LEASE, 30.0 + QUIET_S + 1)
    assert mending.times(LEASE) == 1
    mending.forget(LEASE)
    assert mending.times(LEASE) == 0
