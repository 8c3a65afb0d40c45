"""The price file as a strategy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.room import Room
from provider.market.pricing.prices import Prices
from provider.market.pricing.tariff import FromTariff

FILE = """
usdPerMonth: {cpu: 1.60, memoryGiB: 0.80, storageGiB: {ephemeral: 0.02}, endpoint: 0.05}
"""


@pytest.fixture
def pricer(tmp_path: Path) -> FromTariff:
    (tmp_path / "prices.yaml").write_text(FILE)
    return FromTariff(Prices(tmp_path / "prices.yaml"), lambda: 6000)


async def test_the_price_file_answers_with_its_lines(pricer: FromTariff, chain: Any) -> None:
    order = chain.orders_[chain.add_order(1)]
    room = Room(Commit())
    room.see(Inventory((Node("n1", 1000, 4 << 30, 64 << 30),), node_ports=10))
    placement = room.fit(order.spec)
    assert isinstance(placement, Placement)
    quote = await pricer.quote(order, placement)
    assert isinstance(quote, Quote)
    assert quote.strategy == "tariff"
    assert quote.per_block.denom == "uact"
    assert any(line.what.endswith("cpu") for line in quote.lines)
    assert pricer.denoms == {"uact"}


def test_a_changed_file_is_told_once(pricer: FromTariff, tmp_path: Path) -> None:
    assert not pricer.look()
    (tmp_path / "prices.yaml").write_text(FILE.replace("1.60", "1.7"))
    assert (pricer.look(), pricer.look()) == (True, False)
