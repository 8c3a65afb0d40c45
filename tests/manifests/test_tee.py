"""Who asks for a trusted execution environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.errors import ManifestInvalid
from manifests.resources import Attribute
from manifests.sdl import compile_sdl
from manifests.tee import check_no_tee, tee_required

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(
    ("key", "type_"),
    [("tee/type", "cpu"), ("tee/*", "cpu"), ("tee/typ?", "cpu"), ("tee", ""), ("my/tee/type", ""), ("*", "")],
)
def test_a_placement_demands_one_by_its_key(key: str, type_: str) -> None:
    assert tee_required((Attribute("region", "eu"), Attribute(key, "cpu"))) == type_


def test_a_manifest_that_wants_one_is_told_where() -> None:
    compiled = compile_sdl((EXAMPLES / "13-confidential.yaml").read_bytes())
    assert tee_required(compiled.groups[0].requirements.attributes) == "cpu-gpu"
    assert tee_required(compiled.groups[1].requirements.attributes) == "cpu"
    with pytest.raises(ManifestInvalid) as refused:
        check_no_tee(compiled.manifest, {"anywhere"})
    assert (refused.value.path, refused.value.value) == ("[0].services[0].params.tee", "cpu-gpu")


@pytest.mark.parametrize("name", ["01-web.yaml", "10-permissions.yaml"])
def test_others_do_not(name: str) -> None:
    check_no_tee(compile_sdl((EXAMPLES / name).read_bytes()).manifest, {"anywhere"})


def test_a_group_that_another_provider_has_is_no_matter() -> None:
    check_no_tee(compile_sdl((EXAMPLES / "13-confidential.yaml").read_bytes()).manifest, {"a third"})
