from __future__ import annotations

import pytest

from provider.cluster.api.times import unix_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60),
        ("2026-07-01T12:00:00.123456Z", 1782907200),
        ("2026-07-01T14:00:00+02:00", 1782907200),
        ("", 0),
        (None, 0),
        ("yesterday", 0),
    ],
)
def test_a_time_of_kubernetes_in_seconds(text: str | None, seconds: int) -> None:
    assert unix_s(text) == seconds
