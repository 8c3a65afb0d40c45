"""What a node demands per unit of gas, as far as that is believed.

Each node sets its own price (chain.md §4.4), and any one could make us pay what it likes. Above
`chain.max_gas_price_uakt` it is passed over.
"""

from __future__ import annotations

import re
from typing import Any

from manifests.coins import parse_decimal, shown
from provider.chain.endpoints import Endpoint
from provider.chain.nodes import Nodes
from provider.chain.tx.gas import FEE_DENOM
from provider.chain.wire import message


async def demanded(nodes: Nodes, most_e18: int, *, of: Endpoint | None = None) -> int:
    """In uakt, ×10^18; 0 when it demands nothing. The first node's whose price is not above `most_e18`; Doubted when
    no node is left, or the one of `of` is not believed."""

    def doubt(answer: Any) -> str:
        said = answer.minimum_gas_price[:60]
        price = _read(answer)
        if price is None:
            return f"its gas price cannot be read: {said!r}"
        if price > most_e18:
            return f"it wants {said} for a unit of gas, above {shown(most_e18)}{FEE_DENOM} (chain.max_gas_price_uakt)"
        return ""

    request = message("cosmos.base.node.v1beta1.ConfigRequest")()
    answer, _ = await nodes.call("cosmos.base.node.v1beta1.Service", "Config", request, of=of, doubt=doubt)
    return _read(answer) or 0


def _read(answer: Any) -> int | None:
    """None when it is no price at all."""
    for part in filter(None, answer.minimum_gas_price.split(",")):
        found = re.fullmatch(r"([0-9.]+)(.+)", part.strip())
        if found is not None and found.group(2) == FEE_DENOM:
            try:
                return parse_decimal(found.group(1))
            except ValueError:
                return None
    return 0
