from __future__ import annotations

import pytest

from provider.cli import periods
from provider.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "found"), [("90s", 90), ("90m", 5400), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)]
)
def test_what_an_operator_types(text: str, found: int) -> None:
    assert periods.seconds(text, "--within") == found


@pytest.mark.parametrize("text", ["", "24", "h", "1.5h", "-1h", "24 h", "1y", "12345678h", "٣h"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ConfigError, match="--within"):
        periods.seconds(text, "--within")


@pytest.mark.parametrize(
    ("period_s", "text"), [(0, "0s"), (40, "40s"), (125 * 60 + 3, "2h 5m"), (86_400, "1d"), (16 * 86_400 + 7, "16d 7s")]
)
def test_what_is_shown(period_s: int, text: str) -> None:
    assert periods.shown(period_s) == text
