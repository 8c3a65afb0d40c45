"""Strategy `scale`: the settings answer, with the reference's names and units."""

from __future__ import annotations

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.scale import Scales, scale_price
from bidengine.views import Order
from manifests.coins import parse_decimal
from provider.errors import ConfigError
from provider.pricer_settings import ScaleSettings


class FromScale:
    strategy = "scale"

    def __init__(self, settings: ScaleSettings) -> None:
        """ConfigError when no bid could come of it."""
        if not settings.currency:
            raise ConfigError(
                "bid.scale.currency",
                "is not set",
                "Say which denomination the scales are in, e.g. uact: the same number in uakt is another price.",
            )
        self.scales = Scales(
            currency=settings.currency,
            cpu_e18=parse_decimal(settings.cpu),
            memory_e18=parse_decimal(settings.memory),
            storage_e18={name: parse_decimal(amount) for name, amount in settings.storage.items()} or {"ephemeral": 0},
            endpoint_e18=parse_decimal(settings.endpoint),
            ip_e18=parse_decimal(settings.ip),
            gpu_e18=parse_decimal(settings.gpu) if settings.gpu is not None else None,
        )
        s = self.scales
        if not any((s.cpu_e18, s.memory_e18, *s.storage_e18.values(), s.endpoint_e18, s.ip_e18, s.gpu_e18)):
            raise ConfigError("bid.scale", "every scale is zero", "Set at least cpu and memory (docs/pricing.md).")
        self.denoms = frozenset({settings.currency})

    def look(self) -> bool:
        return False

    async def quote(self, order: Order, placement: Placement) -> Quote | Decline:
        return scale_price(order.spec, self.scales)
