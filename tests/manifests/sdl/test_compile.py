"""The compiler as a whole: promises that hold for any text."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifests.check import check_agreement, check_groups, check_manifest
from manifests.errors import SdlInvalid
from manifests.sdl import Compiled, compile_sdl
from manifests.wire import manifest_json, parse_manifest

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*.yaml"))
WORDS = [
    "version",
    "services",
    "profiles",
    "compute",
    "placement",
    "pricing",
    "app",
    "small",
    "here",
    "deployment",
    "expose",
    "port",
    "to",
    "global",
    "resources",
    "cpu",
    "units",
    "memory",
    "size",
    "storage",
    "gpu",
    "attributes",
    "vendor",
    "nvidia",
    "endpoints",
    "kind",
    "ip",
    "params",
    "credentials",
    "count",
    "profile",
    "denom",
    "amount",
    "uact",
    "2.0",
    "2.1",
    "1",
    "0.5",
    "64Mi",
    "true",
    "~",
    "<<",
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_compile_and_agree_with_themselves(path: Path) -> None:
    compiled = compile_sdl(path.read_bytes())
    again = parse_manifest(json.dumps(manifest_json(compiled.manifest)).encode())
    assert again == compiled.manifest
    check_groups(compiled.groups)
    check_manifest(again)
    check_agreement(again, compiled.groups)
    assert path.read_text().startswith("# ")
    assert {g.denom for g in compiled.groups} == {"uact"}
    assert not [w for w in compiled.warnings if "not read" in w.message]


@settings(max_examples=60, deadline=None)
@given(text=st.one_of(st.text(), st.binary(), st.text(alphabet=" \n-:{}[]&*!|>'\"%@`~ab1<?,#\t")))
def test_any_text_compiles_or_is_refused(text: str | bytes) -> None:
    compile_or_refuse(text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tree=st.recursive(
        st.sampled_from([*WORDS, None]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
        ),
        max_leaves=25,
    )
)
def test_any_tree_of_familiar_words_compiles_or_is_refused(tree: Any) -> None:
    compile_or_refuse(yaml.safe_dump({"version": "2.1", "services": tree, "profiles": tree, "deployment": tree}))


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_damaged_example_compiles_or_is_refused(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(EXAMPLES)).read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[at].partition(":")
        value = data.draw(
            st.sampled_from(
                ["", " []", " {}", " x", " -1", " [1, 2]", " *x", " 99999999999999999999", " {a: b}", " 1e400"]
            )
        )
        lines[at] = data.draw(st.sampled_from(["", key, key + colon + value, "  " + lines[at], lines[at] * 2]))
    compile_or_refuse("\n".join(lines))


@settings(max_examples=40, deadline=None)
@given(path=st.sampled_from(EXAMPLES), seed=st.integers(0, 2**32), flow=st.booleans())
def test_the_hash_knows_no_key_order_and_no_style(path: Path, seed: int, flow: bool) -> None:
    original = compile_sdl(path.read_bytes())
    shuffled = reordered(yaml.load(path.read_bytes(), Loader=yaml.BaseLoader), random.Random(seed))
    text = plain(shuffled) if flow else yaml.dump(shuffled, sort_keys=False, Dumper=Plain)
    again = compile_sdl(text)
    assert (again.version, again.groups, again.manifest) == (original.version, original.groups, original.manifest)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "services:\n" + "".join(f"  s{i}: {{}}\n" for i in range(10_000)) + "version: '2.0'",
            id="10,000 services",
        ),
        pytest.param(
            "version: '2.0'\nservices:\n  a: &a {image: x}\n" + "".join(f"  s{i}: *a\n" for i in range(9_999)),
            id="... by alias",
        ),
        pytest.param("version: '2.0'\n#" + "x" * 1_000_000, id="one megabyte"),
        pytest.param(
            "version: '2.0'\nservices: {a: {env: [" + "x," * 100_000 + "]}}", id="100,000 variables and no deployment"
        ),
        pytest.param(
            "version: '2.0'\nservices: {a: {expose: [{port: 1, to: [" + "{}," * 80_000 + "]}]}}",
            id="80,000 receivers",
        ),
    ],
)
def test_large_files_are_refused_soon(text: str) -> None:
    began = time.process_time()
    with pytest.raises(SdlInvalid):
        compile_sdl(text)
    assert time.process_time() - began < 10


def test_many_receivers_and_many_placements_are_bounded(sdl: Any) -> None:
    receivers = sdl().replace("- global: true", "- global: true\n" + "          - {}\n" * 10_001, 1)
    with pytest.raises(SdlInvalid, match="exposes"):
        compile_sdl(receivers)
    placements = "".join(f"    p{i}: {{pricing: {{small: {{denom: uact, amount: 1}}}}}}\n" for i in range(900))
    spread = "".join(f"    p{i}: {{profile: small, count: 1}}\n" for i in range(900))
    env = "env: [" + ", ".join(f"V{i}=x" for i in range(2_000)) + "]"
    text = (
        sdl(service=env)
        .replace("  placement:\n", "  placement:\n" + placements)
        .replace("  app:\n    here", "  app:\n" + spread + "    here")
    )
    with pytest.raises(SdlInvalid, match="characters"):
        compile_sdl(text)


def test_thousands_of_warnings_take_no_time(sdl: Any) -> None:
    began = time.process_time()
    compiled = compile_sdl(sdl(service="env: [" + ", ".join(f"KEY{i}=1" for i in range(10_000)) + "]"))
    assert len(compiled.warnings) == 10_000
    assert time.process_time() - began < 10


def compile_or_refuse(text: str | bytes) -> Compiled | None:
    try:
        return compile_sdl(text)
    except SdlInvalid:
        return None


def reordered(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: reordered(value[key], dice) for key in keys}
    if isinstance(value, list):
        return [reordered(inner, dice) for inner in value]
    return value or None  # the only empty texts of the examples are nulls


class Plain(yaml.SafeDumper):
    """Writes every text plain where it can be, so that numbers stay unquoted; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


Plain.yaml_implicit_resolvers = {}


def plain(value: Any) -> str:
    """One line of flow YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(plain(inner) for inner in value) + "]"
    if value is None:
        return "~"
    return json.dumps(value) if any(c in value for c in "{}[],:#*&!|>%@` ") else str(value)
