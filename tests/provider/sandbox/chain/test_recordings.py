"""The proof: real chains, replayed block by block."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "data"

SCENARIOS: dict[str, dict[str, Any]] = {
    "S1-life": {},
    "S2-provider-side": {},
    "S3-escrow": {},
    "S4-refusals": {
        "accepted": {"ante: tx bytes garbage": "how Go's decoder describes broken bytes; it varies its own spacing"},
    },
    "S5-unordered": {},
    "S6-reclamation": {},
    "S7-authz-grants-audit": {"outside": frozenset({701, 702, 703, 710, 711, 712})},
    "S9-queries": {},
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_chain_is_repeated(
    name: str, shared: Path, replay: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    chain = shared / "conformance" / "chain"
    made = replay(chain / f"{name}.jsonl", chain / "genesis.json", **SCENARIOS[name])
    with capsys.disabled():
        print(f"\n{name}: {made.report()}")
    assert made.compared["transactions"] > 0
    assert not made.differences, f"{len(made.differences)} differences\n" + "\n".join(made.differences[:20])


def test_a_deployments_life_is_repeated_from_the_copy_in_this_repository(
    replay: Callable[..., Any], tmp_path: Path
) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_bytes(gzip.decompress((HERE / "genesis.json.gz").read_bytes()))
    made = replay(HERE / "S1-life.jsonl.gz", genesis)
    assert made.compared["transactions"] == 36
    assert made.compared["queries"] == 254
    assert not made.differences, "\n".join(made.differences[:20])


def test_a_changed_recording_is_noticed(replay: Callable[..., Any], tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_bytes(gzip.decompress((HERE / "genesis.json.gz").read_bytes()))
    recording = tmp_path / "changed.jsonl"
    text = gzip.decompress((HERE / "S1-life.jsonl.gz").read_bytes()).decode()
    recording.write_text(text.replace('"value":"700000uakt"', '"value":"700001uakt"'))
    assert replay(recording, genesis).differences
