"""A provider that is only thought of grants whatever record an order asks for, so that room and price decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from bidengine.rules import opinions
from bidengine.us import Us
from bidengine.views import Order
from manifests.ids import OrderID
from manifests.sdl import compile_sdl
from provider.cli.imagined import BID, imagined, sandbox_inventory

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*.yaml"))


DECLINED = {"13-confidential": "skip.tee"}
"""Examples of what is not served; the rule that says so."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_rule_objects_to_an_example_that_is_served(path: Path) -> None:
    compiled = compile_sdl(path.read_bytes())
    book = imagined(sandbox_inventory(), compiled.groups)
    us = Us(book.us, book.params, 4, frozenset({"uact"}), BID.reclamation_window_s, 0, False, book.height)
    for number, spec in enumerate(compiled.groups, 1):
        order = Order(OrderID("akash1t", 1, number, 1), "open", spec, 1, compiled.reclamation_min_window_s)
        codes = [no.code for no in opinions(order, us)]
        assert DECLINED[path.stem] in codes if path.stem in DECLINED else not codes


def test_it_publishes_only_what_its_nodes_have() -> None:
    inventory = sandbox_inventory()
    keys = {a.key for a in imagined(inventory, ()).us.attributes}
    assert "capabilities/gpu/vendor/nvidia/model/t4" in keys
    assert not any("v100" in key for key in keys)
