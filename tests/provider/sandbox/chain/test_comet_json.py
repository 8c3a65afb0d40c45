"""Small rules of CometBFT's JSON; whole answers are compared with recorded ones in test_recordings.py."""

from __future__ import annotations

import pytest

from provider.sandbox.chain.app import TxAnswer
from provider.sandbox.chain.blockstore import Block, BlockStore
from provider.sandbox.chain.comet_json import block_results_json, header_json, time_text, tx_result_json


@pytest.mark.parametrize(
    ("unix_ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_795_221_434_965_051_123, "2026-11-21T00:37:14.965051123Z"),
        (1_795_221_434_960_000_000, "2026-11-21T00:37:14.96Z"),
        (1_795_221_434_000_000_001, "2026-11-21T00:37:14.000000001Z"),
    ],
)
def test_times(unix_ns, text) -> None:
    assert time_text(unix_ns) == text


def test_nothing_is_null() -> None:
    found = block_results_json(Block(7, 0), BlockStore("c"))
    assert (found["height"], found["txs_results"], found["finalize_block_events"]) == ("7", None, None)
    assert tx_result_json(TxAnswer(5, "sdk", "no", b"", 10, 3))["data"] is None


def test_each_header_names_the_block_before() -> None:
    store = BlockStore("c")
    before, after = header_json(Block(7, 0), store), header_json(Block(8, 0), store)
    assert after["last_block_id"]["hash"] == store.digest(7).hex().upper()
    assert before["last_block_id"] != after["last_block_id"]
    assert before["validators_hash"] == after["validators_hash"]
    assert header_json(Block(1, 0), store)["last_block_id"]["hash"] == ""
