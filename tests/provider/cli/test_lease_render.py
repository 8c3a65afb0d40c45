"""`akp leases render`: the objects of a Manifest resource, without a cluster."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from manifests.digest import revision
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render import render
from manifests.render.crd import manifest_object
from manifests.render.site import Site
from manifests.sdl import compile_sdl
from provider.cli import lease_render

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
LEASE = LeaseID("akash1tenant", 7, 1, 1, "akash1us")


@pytest.fixture
def group() -> ManifestGroup:
    return compile_sdl((EXAMPLES / "10-permissions.yaml").read_bytes()).manifest[0]


@pytest.fixture
def stored(group: ManifestGroup) -> dict[str, Any]:
    return manifest_object(LEASE, group, {}, Site())


@pytest.mark.parametrize("form", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
@pytest.mark.parametrize("output", ["json", "yaml"])
def test_it_prints_what_the_daemon_would_apply(
    akp: Callable[..., Any],
    group: ManifestGroup,
    stored: dict[str, Any],
    tmp_path: Path,
    form: Callable[[Any], str],
    output: str,
) -> None:
    file = tmp_path / "manifest"
    file.write_text(form(stored))
    said = akp("leases", "render", file, "-o", output)
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out) if output == "json" else list(yaml.safe_load_all(said.out))
    assert found == json.loads(json.dumps(render(LEASE, group, {}, Site(), revision(group))))


def test_settings_shape_it(akp: Callable[..., Any], stored: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(stored))
    config = tmp_path / "akp.yaml"
    config.write_text("cluster: {network_policies: false, api_servers: [10.1.1.1:6443], ingress_domain: x.example}")
    plain = json.loads(akp("leases", "render", tmp_path / "m.json", "-o", "json").out)
    told = json.loads(akp("leases", "render", tmp_path / "m.json", "--config", config, "-o", "json").out)
    assert "NetworkPolicy" in {o["kind"] for o in plain}
    assert "NetworkPolicy" not in {o["kind"] for o in told}
    assert any(o["metadata"]["name"].endswith(".x.example") for o in told)


def test_a_list_of_one_and_standard_input_will_do(
    akp: Callable[..., Any], stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.dumps({"kind": "List", "apiVersion": "v1", "items": [stored]}).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    said = akp("leases", "render", "-")
    assert said.code == 0
    assert next(yaml.safe_load_all(said.out))["kind"] == "Namespace"


@pytest.mark.parametrize(
    ("case", "text", "told"),
    [
        ("nothing", "", "holds 0 documents. Give one Manifest at a time."),
        ("no YAML", "a: [", ":1:5: is not YAML"),
        ("no JSON", '{"a": }', ":1:7: is not JSON"),
        ("no text", b"\xff\xfe\x00", "is not text in UTF-8, at byte 0"),
        ("a date that is none", "a: 2026-99-99", "is not YAML"),
        ("several", "a: 1\n---\nb: 2\n", "holds 2 documents"),
        ("a list of two", "kind: List\nitems: [{}, {}]\n", "items: holds 2 resources"),
        ("a list of something else", "kind: List\nitems: 3\n", "items: holds 0 resources"),
        ("no object", "[1]", "an object is expected, found list"),
        ("another kind", "kind: Deployment", "kind: is of the kind 'Deployment', not a Manifest"),
        ("no kind", "spec: {}", "kind: names no kind, not a Manifest"),
        ("no lease", "kind: Manifest\nspec: {}", "spec.lease_id: '////' is not an id"),
        ("deep", "[" * 100_000, "nested too deep"),
        ("deep JSON", '{"a":' * 100_000, "nested too deep"),
    ],
)
def test_bad_input_is_told_with_its_place_and_a_cure(
    akp: Callable[..., Any], tmp_path: Path, case: str, text: str | bytes, told: str
) -> None:
    file = tmp_path / "m"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    said = akp("leases", "render", file)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"akp: {file}")
    assert told in said.err


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (
            ("resources", "cpu", "units"),
            "much",
            "services[0].resources.cpu.units: a whole number is expected",
        ),
        (("expose",), {}, "spec.group.services[0].expose: a list is expected"),
        (("name",), "w" * 64, "services[0].name: any service may have a name of at most 63 characters"),
    ],
)
def test_a_broken_field_is_named(
    akp: Callable[..., Any], stored: dict[str, Any], tmp_path: Path, path: tuple[str, ...], value: Any, told: str
) -> None:
    at = stored["spec"]["group"]["services"][0]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    (tmp_path / "m.json").write_text(json.dumps(stored))
    said = akp("leases", "render", tmp_path / "m.json")
    assert said.code == 2
    assert told in said.err
    assert "kubectl get manifest" in said.err, "and how to get a good one"


def test_a_file_that_is_not_there_or_far_too_large(
    akp: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No such file" in akp("leases", "render", tmp_path / "none").err
    monkeypatch.setattr(lease_render, "MAX_FILE_BYTES", 10)
    (tmp_path / "m").write_text("x" * 11)
    assert "is larger than" in akp("leases", "render", tmp_path / "m").err
