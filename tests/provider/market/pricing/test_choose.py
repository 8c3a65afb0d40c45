"""The strategy of the settings answers, and its own settings are checked before anything else is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.views import Order
from provider.errors import ConfigError
from provider.market.pricing.choose import chosen
from provider.metrics import Metrics
from provider.settings import BidSettings

PRICES = "usdPerMonth: {cpu: 1, memoryGiB: 1, storageGiB: {ephemeral: 1}, endpoint: 0}\n"


@pytest.fixture
def settings(tmp_path: Path, sh: Callable[..., Path]) -> Callable[[str], BidSettings]:
    def made(strategy: str) -> BidSettings:
        (tmp_path / "prices.yaml").write_text(PRICES)
        values: dict[str, Any] = {
            "tariff": {"prices": tmp_path / "prices.yaml"},
            "scale": {"scale": {"currency": "uact", "cpu": "1"}},
            "script": {"script": {"path": sh("echo 5")}},
        }[strategy]
        return BidSettings(strategy=strategy, **values)  # type: ignore[arg-type]

    return made


@pytest.mark.parametrize("strategy", ["tariff", "scale", "script"])
async def test_the_strategy_named_answers(
    strategy: str, settings: Callable[[str], BidSettings], order: Order, placement: Placement, metrics: Metrics
) -> None:
    async with chosen(settings(strategy), lambda: 6000, metrics) as pricing:
        quote = await pricing.quote(order, placement)
    assert isinstance(quote, Quote)
    assert quote.strategy == strategy
    assert f'akp_pricing_seconds_count{{strategy="{strategy}"}} 1.0' in metrics.text().decode()


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        ("tariff", r"nowhere\.yaml"),
        ("scale", r"bid\.scale"),
        ("script", r"bid\.script\.path"),
        ("http", r"bid\.http\.url"),
    ],
)
async def test_what_cannot_work_is_told_at_once(strategy: str, says: str, metrics: Metrics) -> None:
    with pytest.raises(ConfigError, match=says):
        async with chosen(BidSettings(strategy=strategy, prices=Path("nowhere.yaml")), lambda: 6000, metrics):  # type: ignore[arg-type]
            pass


async def test_the_price_file_is_not_needed_by_others(settings: Callable[[str], BidSettings], metrics: Metrics) -> None:
    without = settings("scale").model_copy(update={"prices": Path("nowhere.yaml")})
    async with chosen(without, lambda: 6000, metrics) as pricing:
        assert pricing.denoms == {"uact"}
