"""The compiler as a whole: promises that hold for any text."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifests import units
from manifests.check import check_agreement, check_groups, check_manifest
from manifests.coins import format_decimal, parse_decimal, shown
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
                [
                    *("", " []", " {}", " x", " -1", " [1, 2]", " *x", " 99999999999999999999", " {a: b}", " 1e400"),
                    *(" !!binary é", " !!int x", " !own x", " &a [*a]", ' "\\\'\\/"'),
                ]
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


@given(st.integers(1, 384_000))
def test_cpu_amounts_round_trip(milli: int) -> None:
    assert units.sdl_cpu_milli(f"{milli}m") == milli
    assert units.parse_cpu_milli(units.format_cpu_milli(milli)) == milli
    assert abs(units.sdl_cpu_milli(f"{milli // 1000}.{milli % 1000:03}") - milli) <= 1, "doubles may lose one"


@given(st.integers(0, 2**53))
def test_sizes_round_trip(size: int) -> None:
    """Up to where a double is exact, which is two hundred times the largest volume there can be."""
    assert units.sdl_bytes(str(size)) == size
    assert units.sdl_bytes(units.format_bytes(size)) == size
    assert units.parse_quantity(units.format_bytes(size)) == size


@given(st.integers(1, 10_000_000 * 10**18))
def test_prices_round_trip(amount_e18: int) -> None:
    assert parse_decimal(format_decimal(amount_e18)) == parse_decimal(shown(amount_e18)) == amount_e18


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
