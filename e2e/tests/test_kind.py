"""What is asked of kind, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from e2e import kind


def test_up_creates_the_cluster_and_loads_the_image(tmp_path: Path) -> None:
    asked: list[list[str]] = []
    kind.up(asked.append, tmp_path / "config", tmp_path / "web.tar")
    create, load = asked
    assert create[:3] == ["kind", "create", "cluster"]
    assert str(kind.CONFIG) in create
    assert load == ["kind", "load", "image-archive", str(tmp_path / "web.tar"), "--name", kind.NAME]


def test_the_configuration_is_of_that_name() -> None:
    config = yaml.safe_load(kind.CONFIG.read_text())
    assert (config["kind"], config["name"]) == ("Cluster", kind.NAME)
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker"]


@pytest.mark.parametrize("missing", ["docker", "kind"])
def test_what_is_missing_is_named_with_the_cure(missing: str) -> None:
    with pytest.raises(kind.KindMissing, match=f"no `{missing}` on PATH: .*(install|go)"):
        kind.require(lambda program: None if program == missing else f"/bin/{program}")
