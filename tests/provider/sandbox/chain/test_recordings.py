"""The proof: chains of a real node, recorded, and replayed block by block (e2e/replay).

All recordings beside the checkout are replayed, whatever their names; one life is in this repository too.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.replay import replay
from e2e.replay.recording import NotARecording, Recording

HERE = Path(__file__).parent / "data"
ROOT = Path(__file__).resolve().parents[4]
LIFE = HERE / "S1-life.jsonl.gz"
SHARED = ROOT.parent / "shared" / "conformance" / "chain"
NAMES = [path.name for path in sorted(SHARED.glob("*.jsonl"))] or ["none"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_recorded_chain_is_repeated(name: str, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (SHARED / name).is_file():
        pytest.skip("there are no recordings in ../shared/conformance/chain")
    outcome = await replay(SHARED / name)
    with capsys.disabled():
        print(f"\n{name}: {outcome.report()}")
    assert outcome.compared["transactions"] > 0
    assert outcome.compared["queries"] > 0
    assert not outcome.differences, "\n".join(outcome.differences[:20])


async def test_a_deployments_life_is_repeated_from_the_copy_in_this_repository() -> None:
    outcome = await replay(LIFE)
    assert outcome.compared["transactions"] == 37
    assert outcome.compared["queries"] == 262
    assert outcome.compared["blocks with events of their own"] == 52
    assert not outcome.differences, "\n".join(outcome.differences[:20])


CHANGES = {
    "an event of a tx": ('"value":"700000uakt"', '"value":"700001uakt"'),
    "a code": ('"code":0,"codespace":""', '"code":5,"codespace":"sdk"'),
    "an answer": ('"lease_closed_owner"', '"lease_closed_reason_unstable"'),
    "an event of a block": ('"mint_status_healthy', '"mint_status_warning'),
    "a question nobody knows": ("akash.cert.v1.Query/Certificates", "akash.cert.v1.Query/Others"),
    "a service nobody knows": ("akash.cert.v1.Query/Certificates", "akash.take.v1.Query/Params"),
    "a detail nobody knows of a question": ('"request":{"', '"request":{"stranger":1,"'),
    "a balance": ('"denom":"uact","amount":"1000', '"denom":"uact","amount":"2000'),
}


@pytest.mark.parametrize(("was", "becomes"), CHANGES.values(), ids=CHANGES)
async def test_a_changed_recording_is_noticed(was: str, becomes: str, tmp_path: Path) -> None:
    assert (await replay(changed(tmp_path, was, becomes))).differences


def changed(folder: Path, was: str, becomes: str) -> Path:
    """The life with one detail altered, its genesis beside it."""
    text = gzip.decompress(LIFE.read_bytes()).decode()
    assert was in text
    recording = folder / "changed.jsonl"
    recording.write_text(text.replace(was, becomes))
    (folder / "genesis.json").write_bytes(gzip.decompress((HERE / "genesis.json.gz").read_bytes()))
    return recording


def ran(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "e2e.replay", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_command_says_what_it_compared_and_ends_with_0_or_1(tmp_path: Path) -> None:
    code, said = ran(str(LIFE))
    assert code == 0
    assert "37 transactions" in said
    assert said.endswith("1 file(s), 0 item(s) differ\n")
    code, said = ran("--show", "1", str(LIFE), str(changed(tmp_path, *CHANGES["an event of a tx"])))
    assert code == 1
    assert "700001uakt" in said
    assert "more" in said


@pytest.mark.parametrize("content", ["", "rubbish", "{}", '{"meta":{"genesis":"missing.json"}}\n{"headers":[]}'])
def test_what_is_no_recording_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "no.jsonl"
    path.write_text(content)
    with pytest.raises(NotARecording):
        Recording.load(path)
    code, said = ran(str(path))
    assert code == 2
    assert "not a recording" in said


def test_late_answers_are_put_back_before_the_next_block(tmp_path: Path) -> None:
    lines = [
        {"meta": {"genesis": "genesis.json"}},
        {"height": 1, "results": [], "txs": []},
        {"height": 2, "results": [], "txs": [], "note": "\u2028 is no end of a line"},
        {"rpc": {"after_height": 1}},
        {"at": 2, "query": "q", "unpinned": True},
        {"headers": [[1, "2026-01-01T00:00:00Z"], [2, "2026-01-01T00:00:01.5Z"]]},
    ]
    path = tmp_path / "late.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    (tmp_path / "genesis.json").write_text("{}")
    recording = Recording.load(path)
    assert [line.get("height") or next(iter(line)) for line in recording.lines] == [1, "rpc", 2, "at"]
    assert recording.times[2] - recording.times[1] == 1_500_000_000
