"""Every example that a provider here serves lives its whole life in the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.sdl import compile_sdl
from provider.sandbox.life import STEPS
from provider.sandbox.town import one_life

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.yaml"))
COMPILED = {path.stem: compile_sdl(path.read_bytes()) for path in EXAMPLES}
UNSERVED = "13-confidential"
"""Trusted execution environments; test_answers.py sees them declined."""


@pytest.mark.parametrize("path", [p for p in EXAMPLES if p.stem != UNSERVED], ids=lambda p: p.stem)
async def test_an_example_lives_its_whole_life(path: Path, tmp_path: Path) -> None:
    compiled = COMPILED[path.stem]
    timeline = await one_life(tmp_path, compiled, block_s=0.15, patience_s=300)
    assert tuple(step["step"] for step in timeline) == STEPS
    by_step = {step["step"]: step for step in timeline}
    wanted = {s.name for group in compiled.manifest for s in group.services}
    assert set(by_step["ready"]["services"]) == wanted
    assert by_step["manifest"]["hash"] == compiled.version.hex()
    settled = by_step["settled"]
    owed = sum(one["owed"] for one in settled["leases"])
    assert 0 < settled["amount"] == settled["ledger"] <= owed
    # On chain a lease that begins beside a running one swallows what that one has earned so far (chain.md §5.6).
    assert settled["amount"] == owed or len(settled["leases"]) > 1


def test_the_examples_are_numbered_without_a_gap() -> None:
    assert [p.name[:2] for p in EXAMPLES] == [f"{n:02}" for n in range(1, len(EXAMPLES) + 1)]
