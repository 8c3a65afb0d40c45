"""Files made to be costly are refused clearly, or compiled, within bounds of work and memory.

Work is counted in calls of functions, which are the same on every machine; seconds are not."""

from __future__ import annotations

import sys
import tracemalloc
from dataclasses import dataclass
from itertools import pairwise
from types import FrameType

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl import compile_sdl
from manifests.yamlnodes import MAX_TEXT_BYTES

MOST_CALLS = 4_000_000
MOST_BYTES = 64 << 20
WEB = """\
version: "2.1"
services:
  web: {image: "x:1", expose: [{port: 80, to: [{global: true}]}]%s}
profiles:
  compute: {small: {resources: {cpu: {units: 1}, memory: {size: 1Gi}, storage: %s%s}}}
  placement: {here: {pricing: {small: {denom: uact, amount: 1}}%s}}
deployment: {web: {here: {profile: small, count: 1}}}
"""


def web(service: str = "", storage: str = "{size: 1Gi}", gpu: str = "", placement: str = "") -> str:
    return WEB % (service, storage, gpu, placement)


@dataclass(frozen=True)
class Cost:
    calls: int
    peak_bytes: int
    refusal: str | None


def cost(text: str) -> Cost:
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    refusal = None
    before = sys.getprofile()
    tracemalloc.start()
    sys.setprofile(count)
    try:
        compile_sdl(text)
    except SdlInvalid as e:
        refusal = e.message
    finally:
        sys.setprofile(before)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return Cost(calls, peak, refusal)


def bomb(opening: str, closing: str, width: int = 9, levels: int = 12) -> str:
    """Each level names the one below `width` times."""
    names = [f"a{i}" for i in range(levels)]
    lines = [f"  a0: &a0 {opening}x: 1{closing}"]
    for below, name in pairwise(names):
        inner = ", ".join(f"k{n}: *{below}" if opening == "{" else f"*{below}" for n in range(width))
        lines.append(f"  {name}: &{name} {opening}{inner}{closing}")
    return "version: '2.0'\nservices:\n" + "\n".join(lines)


def merge_bomb(levels: int = 30) -> str:
    lines = ["  a0: &a0 {x: 1}"]
    lines += [f"  a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], k{i}: 1}}" for i in range(1, levels)]
    return "version: '2.0'\nservices:\n" + "\n".join(lines)


SERVICES = "".join(f"  s{i}: {{image: x}}\n" for i in range(10_000))
LARGE: dict[str, tuple[str, str | None]] = {
    # the file -> a word of its refusal, or None where it compiles
    "one megabyte": (web() + "#" + "x" * 1_000_000, "bytes"),
    "one megabyte of service": (web(", env: [" + "A=1," * 250_000 + "]"), "bytes"),
    "10,000 services": (f"version: '2.0'\nservices:\n{SERVICES}", "at most 1000"),
    "10,000 services by alias": (
        "version: '2.0'\nservices:\n  a: &a {image: x}\n" + "".join(f"  s{i}: *a\n" for i in range(9_999)),
        "at most 1000",
    ),
    "10,000 deployments": (
        web().replace("deployment: {", "deployment: {" + "".join(f"s{i}: {{a: {{}}}}, " for i in range(10_000))),
        "at most 1000",
    ),
    "billion laughs, lists": (bomb("[", "]").replace("x: 1", "x"), "aliases written out"),
    "billion laughs, blocks": (bomb("{", "}"), "aliases written out"),
    "billion laughs, merged": (merge_bomb(), "aliases written out"),
    "deep lists": ("[" * 100_000, "levels deep"),
    "deep blocks": ("{a: " * 50_000, "levels deep"),
    "deep dashes": ("- " * 100_000, "levels deep"),
    "deep by indentation": ("".join(" " * i + "a:\n" for i in range(500)), "levels deep"),
    "a chain of merges": (
        web(", " + "".join(f"m{i}: &m{i} {{<<: *m{i - 1}, k{i}: 1}}, " for i in range(1, 3_000))).replace(
            ", m1: &m1 {<<: *m0", ", m0: &m0 {}, m1: &m1 {<<: *m0", 1
        ),
        "levels deep",
    ),
    "10,000 keys nobody reads": (web(", " + ",".join(f"k{i}: " for i in range(10_000))), None),
    "10,000 variables": (web(", env: [" + ",".join(f"KEY{i}=1" for i in range(10_000)) + "]"), None),
    "12,000 receivers": (web().replace("to: [", "to: [" + "{}," * 12_000), "exposes"),
    "5,000 receivers": (web().replace("to: [", "to: [" + "{}," * 5_000), None),
    "10,000 volumes": (web(storage="[" + ",".join(f"{{name: v{i}}}" for i in range(10_000)) + "]"), "at most 1000"),
    "1,000 volumes": (
        web(storage="[" + ",".join(f"{{name: v{i}, size: {5 + i % 3}Mi}}" for i in range(1_000)) + "]"),
        None,
    ),
    "5,000 GPU models": (
        web(
            gpu=", gpu: {units: 1, attributes: {vendor: {nvidia: ["
            + ",".join(f"{{model: m{i}}}" for i in range(5_000))
            + "]}}}"
        ),
        None,
    ),
    "5,000 attributes": (web(placement=", attributes: {" + ",".join(f"k{i}: v" for i in range(5_000)) + "}"), None),
    "a number of 200,000 digits": (web(storage="{size: " + "9" * 200_000 + "}"), "more than 1024 characters"),
    "a window of 200,000 digits": (web() + "reclamation: {min_window: " + "9" * 200_000 + "h}", "duration"),
}


@pytest.mark.parametrize(("text", "word"), LARGE.values(), ids=LARGE)
def test_a_costly_file_ends_within_bounds(text: str, word: str | None) -> None:
    spent = cost(text)
    assert spent.refusal is None if word is None else word in (spent.refusal or "compiled")
    assert spent.calls < MOST_CALLS
    assert spent.peak_bytes < MOST_BYTES


def test_a_file_of_twice_the_size_costs_about_twice() -> None:
    half, whole = (web(", env: [" + "A=1," * (n // 4 - 200) + "]") for n in (MAX_TEXT_BYTES // 8, MAX_TEXT_BYTES // 4))
    small, large = cost(half), cost(whole)
    assert small.refusal is large.refusal is None
    assert large.calls < 2.2 * small.calls


def test_one_service_in_many_placements_is_bounded_by_what_it_unfolds_to() -> None:
    places = [f"p{i}" for i in range(900)]
    text = web(", env: [" + ",".join(f"V{i}=x" for i in range(2_000)) + "]")
    text = text.replace(
        "placement: {",
        "placement: {" + "".join(f"{p}: {{pricing: {{small: {{denom: uact, amount: 1}}}}}}, " for p in places),
    )
    text = text.replace("{web: {", "{web: {" + "".join(f"{p}: {{profile: small, count: 1}}, " for p in places))
    spent = cost(text)
    assert "characters" in (spent.refusal or "")
    assert spent.peak_bytes < MOST_BYTES


def test_a_heavy_profile_in_many_placements_is_bounded_too() -> None:
    places = [f"p{i}" for i in range(900)]
    text = web(storage="[" + ",".join(f"{{name: v{i}, size: 5Mi}}" for i in range(1_000)) + "]")
    text = text.replace(
        "placement: {",
        "placement: {" + "".join(f"{p}: {{pricing: {{small: {{denom: uact, amount: 1}}}}}}, " for p in places),
    )
    text = text.replace("{web: {", "{web: {" + "".join(f"{p}: {{profile: small, count: 1}}, " for p in places))
    assert "characters" in (cost(text).refusal or "")
