"""A provider that is only thought of: machines from a file or the sandbox's, a record that says what the order wants
to hear, the sandbox's prices. For questions about room and price where no cluster and no chain is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from bidengine.node import Inventory, Node
from bidengine.views import MarketParams, Provider
from manifests.coins import Coin
from manifests.resources import GroupSpec
from provider.cluster.inventory import gputable
from provider.cluster.inventory.nodes import node_facts
from provider.market.book import Book
from provider.sandbox import network as sandbox
from provider.settings import BidSettings, ClusterSettings

BLOCK_MS = 6_000
"""length of a block where no chain is asked"""
PRICES = sandbox.PRICES
BID = BidSettings(reclamation_window_s=sandbox.RECLAMATION_WINDOW_S)
_CLASS_BYTES = 10 << 40


def sandbox_inventory() -> Inventory:
    """What the sandbox's daemon finds on its embedded cluster."""
    classes, table = frozenset(sandbox.CLASSES), gputable.bundled()
    nodes = []
    for spec in sorted(sandbox.NODES, key=lambda spec: spec.name):
        facts = node_facts(spec.object())
        gpus = {found.model: facts.gpus[name] for name, found in facts.cards(table).items() if found.model is not None}
        nodes.append(
            Node(
                spec.name, spec.cpu_milli, spec.memory_bytes, spec.ephemeral_bytes, spec.pods, gpus, classes
            )
        )  # fmt: skip
    return Inventory(
        tuple(nodes), dict.fromkeys(classes, _CLASS_BYTES), node_ports=ClusterSettings().node_ports,
        leased_ips=len(sandbox.ADDRESSES),
    )  # fmt: skip


def imagined(inventory: Inventory, asked: Sequence[GroupSpec], *, time_unix_ns: int = 0) -> Book:
    """A book without orders, whose provider has the attributes and audits that these groups ask for, and publishes
    what its nodes can serve. By its time entries on the policy's lists end."""
    cards = sorted({card for node in inventory.nodes for card in node.gpus})
    attributes = sandbox.spoken(asked, cards, sorted(inventory.storage_bytes))
    signed = [group.requirements.signed_by for group in asked]
    auditors = sorted({auditor for by in signed for auditor in (*by.all_of, *by.any_of)})
    us = Provider("akash1us", "https://akp.invalid:8443", attributes, dict.fromkeys(auditors, attributes))
    market = MarketParams((Coin("uakt", 500_000),), 20, sandbox.MIN_RECLAMATION_WINDOW_S, 30 * 86_400)
    return Book(us, market, height=1, time_unix_ns=time_unix_ns)
