"""What commands about live leases stand on."""

from __future__ import annotations

import asyncio
from typing import Any

from provider.chain.messages import CloseBid, StartReclaim
from provider.cli.live import live
from provider.cli.signing import opened
from provider.settings import load


def test_all_that_lives_at_one_height(market_town: Any) -> None:
    """Leases under notice too; not those that are over."""
    plain, over, reclaiming = (market_town.leases(n, window_s=w) for n, w in ((1, None), (2, None), (3, 100_000)))
    market_town.does(market_town.owner, CloseBid(over, 10_002), StartReclaim(reclaiming, 10_001))
    settings = load(market_town.config())

    async def look() -> Any:
        async with opened(settings) as session:
            return await live(session)

    found = asyncio.run(look())
    assert list(found.leases) == [plain, reclaiming]
    assert {one.lease: one.unpaid.amount for one in found.forecasts()} == {
        lease: 100 * (found.height - found.leases[lease].created_at) for lease in found.leases
    }
