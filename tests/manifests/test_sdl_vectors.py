"""The micro vectors of the reference, read where they are written down (sdl-manifest.md Appendix B): one value changed
in one small file, and what the network's compiler makes of it."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from manifests.coins import shown
from manifests.errors import SdlInvalid
from manifests.sdl import Compiled, compile_sdl
from manifests.wire import groups_json

NOTES = Path(__file__).resolve().parents[3] / "shared" / "reference" / "sdl-manifest.md"
_DEFAULT = re.compile(r"(\w+)='([^']*)'")


@dataclass(frozen=True)
class Vector:
    name: str
    sdl: str
    expected: str
    """`ERR`, `ok`, a plain number, or the beginnings of version hash and hash of the groups, `H/G`."""


def vectors() -> list[Any]:
    if not NOTES.is_file():
        reason = "the protocol notes (../shared/reference/sdl-manifest.md) are not beside this checkout"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="vectors")]
    appendix = NOTES.read_text().partition("## Appendix B.")[2]
    units, template, micro = appendix.split("```\n")[1:6:2]
    defaults = dict(_DEFAULT.findall(template.splitlines()[0]))
    body = template.partition("\n")[2]
    found = [*_units(units, body, defaults), *_micro(micro, body, defaults)]
    return [pytest.param(v, id=v.name) for v in found]


def _units(text: str, body: str, defaults: dict[str, str]) -> list[Vector]:
    found = []
    for line in re.sub(r"\n\s+", " ", text).splitlines():
        key, _, pairs = line.partition(": ")
        for pair in pairs.split(";"):
            if "→" in pair:
                written, _, expected = pair.removeprefix(" ").removeprefix(" ").partition("→")
                found.append(Vector(f"{key} {written}", _filled(body, defaults, {key: written}), expected.strip()))
    return found


def _micro(text: str, body: str, defaults: dict[str, str]) -> list[Vector]:
    found = []
    for line in text.splitlines():
        head, _, results = line.partition("  →  ")
        name, _, changes = head.partition("  ")
        changed = {
            key: ast.literal_eval(f"'{value}'")
            for key, value in re.findall(r"(\w+)='((?:[^'\\]|\\.|'(?! |$))*)'", changes)
        }
        results = results.removesuffix("  =")
        first, other, second = results.partition("  | 2.1: ")
        for version, expected in (("2.0", first), ("2.1", second if other else first)):
            sdl = _filled(body, defaults | {"VER": version}, changed)
            found.append(Vector(f"{name} {version}", sdl, expected))
    return found


def _filled(body: str, defaults: dict[str, str], changed: dict[str, str]) -> str:
    values = defaults | changed
    return re.sub(r"@(\w+)@", lambda m: values.get(m[1], ""), body)


def _number(name: str, compiled: Compiled) -> str:
    (unit,) = compiled.groups[0].resources
    match name.split(" ")[0]:
        case "CPU":
            return str(unit.resources.cpu.milli)
        case "MEM":
            return str(unit.resources.memory.quantity_bytes)
        case "CNT":
            return str(unit.count)
    return shown(unit.price.amount_e18)


def test_all_vectors_are_read() -> None:
    if not NOTES.is_file():
        pytest.skip("the protocol notes (../shared/reference/sdl-manifest.md) are not beside this checkout")
    assert len(vectors()) == 485


@pytest.mark.parametrize("vector", vectors())
def test_the_reference_makes_the_same_of_it(vector: Vector) -> None:
    if vector.expected.startswith(("ERR", "PANIC")):
        with pytest.raises(SdlInvalid):
            compile_sdl(vector.sdl)
        return
    compiled = compile_sdl(vector.sdl)
    if "/" in vector.expected:
        groups = json.dumps(groups_json(compiled.groups), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        found = f"{compiled.version.hex()[:16]}/{hashlib.sha256(groups.encode()).hexdigest()[:8]}"
        assert found == vector.expected
    elif vector.expected != "ok":
        assert _number(vector.name, compiled) == vector.expected
