"""The scales of the settings as a strategy."""

from __future__ import annotations

from typing import Any

import pytest

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.views import Order
from manifests.coins import parse_decimal, shown
from provider.errors import ConfigError
from provider.market.pricing.scale import FromScale
from provider.pricer_settings import ScaleSettings


async def test_settings_become_scales_to_the_last_digit(order: Order, placement: Placement) -> None:
    settings = ScaleSettings(
        currency="uact", cpu=0.004, memory="0.0016", storage="0.00016,beta2=0.0002", endpoint=1, ip="60", gpu=7
    )  # type: ignore[arg-type] # as YAML and the environment give them
    pricer = FromScale(settings)
    assert pricer.scales.cpu_e18 == parse_decimal("0.004")
    assert pricer.scales.storage_e18 == {"ephemeral": parse_decimal("0.00016"), "beta2": parse_decimal("0.0002")}
    assert pricer.scales.gpu_e18 == parse_decimal("7")
    quote = await pricer.quote(order, placement)
    assert isinstance(quote, Quote)
    assert shown(quote.per_block.amount_e18) == "1.52288"  # 0.4 + 0.1024 + 0.02048 + 1
    assert pricer.denoms == {"uact"}
    assert not pricer.look()


def test_without_storage_the_ephemeral_class_is_free_as_in_the_reference() -> None:
    assert FromScale(ScaleSettings(currency="uact", cpu="1")).scales.storage_e18 == {"ephemeral": 0}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cpu": "1"}, r"bid\.scale\.currency: is not set\. .*e\.g\. uact"),
        ({"currency": "uact"}, r"bid\.scale: every scale is zero"),
    ],
    ids=["no currency", "all zero"],
)
def test_what_cannot_work_is_told_at_the_start(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        FromScale(ScaleSettings(**settings))
