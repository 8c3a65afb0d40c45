"""What is new in a block or in a node's version list: nothing in all that was recorded, and what a test makes up."""

from __future__ import annotations

from itertools import chain
from typing import Any

from provider.chain.familiar import SPOKEN, gone, new_modules, news


def event(kind: str, **attributes: str) -> dict[str, Any]:
    return {"type": kind, "attributes": [{"key": k, "value": v} for k, v in attributes.items()]}


def test_nothing_a_real_node_said_is_new(lines: Any) -> None:
    found: set[str] = set()
    for block in lines(None, "finalize_block_events"):
        results = (e for r in block["results"] or () for e in r.get("events") or ())
        found |= news(chain(results, block["finalize_block_events"]))
    assert found == set()
    for line in lines(None, "meta"):
        modules: dict[str, set[str]] = {}
        for offered in line["meta"]["discovery"]["supported_versions"]:
            for one in offered["modules"]:
                modules.setdefault(one["module"], set()).add(one["version"])
        assert (gone(modules), new_modules(modules)) == ([], [])


def test_new_events_and_messages_of_akash_are_named_and_others_are_not() -> None:
    assert news(
        [
            event("akash.market.v1.EventOrderCreated", id="{}"),
            event("akash.market.v2.EventOrderCreated", id="{}"),
            event("message", action="/akash.market.v1beta5.MsgCreateBid", sender="akash1x"),
            event("message", action="/akash.market.v1beta5.MsgExtendLease"),
            event("message", action="/cosmos.gov.v1.MsgVote"),
            event("message", sender="akash.1"),
            event("wasm", action="akash.is.not.here"),
            {},
        ]
    ) == {"akash.market.v2.EventOrderCreated", "akash.market.v1beta5.MsgExtendLease"}


def test_a_version_we_speak_that_is_gone_and_a_module_that_is_new() -> None:
    modules = {m: {v} for m, v in SPOKEN.items()} | {"market": {"v1beta6"}, "storage": {"v1"}, "bme": {"v9"}}
    assert gone(modules) == ["market v1beta5"]
    assert new_modules(modules) == ["storage"]
    assert gone({}) == [f"{m} {v}" for m, v in SPOKEN.items()]
