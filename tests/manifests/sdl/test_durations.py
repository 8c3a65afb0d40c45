"""Go durations."""

from __future__ import annotations

import pytest

from manifests.sdl.durations import parse_duration_ns

H = 3600 * 10**9


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("24h", 24 * H),
        ("1h30m", 3 * H // 2),
        ("1.5h", 3 * H // 2),
        ("+1h", H),
        ("1us", 1000),
        ("1µs", 1000),
        (".5ns", 0),
        ("-1h", -H),
        ("0", 0),
        ("1m1ms", 60 * 10**9 + 10**6),
    ],
)
def test_durations(text: str, ns: int) -> None:
    assert parse_duration_ns(text) == ns


@pytest.mark.parametrize("text", ["", "90", "1d", "1h ", "9999999h", "h", "+", "1.h.", "1h-1m", "1" * 200 + "h"])
def test_durations_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration_ns(text)
