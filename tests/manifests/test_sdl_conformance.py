"""Every recorded case of the reference compiler: the same verdict, groups, canonical manifest and hash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from manifests.check import check_agreement, check_groups, check_manifest
from manifests.digest import canonical
from manifests.errors import SdlInvalid
from manifests.sdl import compile_sdl
from manifests.wire import groups_json, manifest_json, parse_manifest

CASES = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "sdl" / "cases.jsonl"


def cases() -> list[Any]:
    if not CASES.is_file():
        reason = "the recorded SDL cases (../shared/conformance/sdl/cases.jsonl) are not beside this checkout"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="cases")]
    recorded = [json.loads(line) for line in CASES.read_text().splitlines()]
    return [pytest.param(case, id=case["name"]) for case in recorded]


def test_the_recording_is_whole() -> None:
    if not CASES.is_file():
        pytest.skip("the recorded SDL cases (../shared/conformance/sdl/cases.jsonl) are not beside this checkout")
    recorded = [json.loads(line) for line in CASES.read_text().splitlines()]
    assert (len(recorded), sum(case["accept"] for case in recorded)) == (409, 209)


@pytest.mark.parametrize("case", cases())
def test_the_reference_says_the_same(case: dict[str, Any]) -> None:
    if not case["accept"]:
        with pytest.raises(SdlInvalid) as refused:
            compile_sdl(case["sdl"])
        assert refused.value.message
        return
    compiled = compile_sdl(case["sdl"])
    assert groups_json(compiled.groups) == case["groups"]
    assert canonical(compiled.manifest).decode() == case["manifest_sorted"]
    assert compiled.version.hex() == case["version_hash"]

    # ... and what a tenant would PUT comes back as the same manifest, acceptable to a provider.
    again = parse_manifest(json.dumps(manifest_json(compiled.manifest)).encode())
    assert again == compiled.manifest
    check_groups(compiled.groups)
    check_manifest(again)
    check_agreement(again, compiled.groups)
