"""The pricer that the settings name, ready to be asked. What cannot work is told at once, not at the first order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from provider.market.pricing import Pricing
from provider.market.pricing.asked import Asked
from provider.market.pricing.autoprice import AutoPrice
from provider.market.pricing.http import Http
from provider.market.pricing.oracle import Oracle
from provider.market.pricing.prices import Prices
from provider.market.pricing.scale import FromScale
from provider.market.pricing.script import Script
from provider.market.pricing.tariff import FromTariff
from provider.metrics import Metrics
from provider.settings import BidSettings


@asynccontextmanager
async def chosen(
    settings: BidSettings,
    block_time_ms: Callable[[], int],
    metrics: Metrics,
    oracle: Oracle | None = None,
    auto: AutoPrice | None = None,
) -> AsyncIterator[Pricing]:
    """ConfigError when the strategy's own settings, or the files they name, cannot work. The price file alone looks at
    the oracle and at auto-pricing."""
    match settings.strategy:
        case "tariff":
            yield Pricing(FromTariff(Prices(settings.prices, oracle, auto), block_time_ms), metrics)
        case "scale":
            yield Pricing(FromScale(settings.scale), metrics)
        case "script":
            script = Script(settings.script, os.environ)
            yield Pricing(Asked(script, at_once=settings.script.processes), metrics)
        case "http":
            async with Http.connect(settings.http) as service:
                yield Pricing(Asked(service, at_once=settings.http.at_once), metrics)
