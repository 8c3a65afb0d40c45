"""Where the network's two official compilers accept the same SDL file, the TypeScript one must compute our hash, or
differ in a way that is known.

Ours follows the Go one to the byte (tests/manifests/test_sdl_conformance.py). The two official ones do not agree with
each other: KNOWN lists how, most of it from sdl-manifest.md §14. A file is explained when its two manifests become
equal after known differences are taken out of both; anything left over fails."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.sdk import SdkMissing, answers, dialect
from e2e.sdk.dialect import Pair
from manifests.digest import canonical
from manifests.sdl import compile_sdl

CASES = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "sdl" / "cases.jsonl"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Known:
    source: str
    """The row of §14, or that the notes do not have it yet."""
    what: str
    """... the TypeScript SDK does."""
    level: Callable[[Pair], None]
    files: int
    """How many recorded files it takes part in."""


KNOWN = [
    Known("§14 row 1", "volumes stay in the order of the file", dialect.volume_order, 18),
    Known("§14 row 2", "GPU models stay in the order of the file", dialect.gpu_order, 1),
    Known("§14 row 3", "endpoints stay in the order of the file", dialect.endpoint_order, 22),
    Known("§14 row 4", "an expose without `to` is dropped", dialect.expose_without_receiver, 3),
    Known("§14 row 5", "services of one profile share a unit in version 2.0, too", dialect.shared_units, 5),
    Known("§14 row 6", "addresses are numbered without counting other receivers", dialect.address_numbers, 5),
    Known("§14 row 7", "registry credentials are never trimmed, and e-mails never dropped", dialect.credentials, 0),
    Known("§14 row 8", "an empty list is none", dialect.empty_lists, 5),
    Known("§14 row 9", "0 and an empty list are no defaults of http_options", dialect.zeros, 0),
    Known("§14 row 10", "sizes are rounded up", dialect.sizes_rounded_up, 2),
    Known("§14 row 11", "millicpu are not cut", dialect.cpu_not_cut, 2),
    Known("§14 row 12", "the memory of a GPU stays as written", dialect.gpu_memory_as_written, 3),
    Known("§14 row 14", "nothing to read is an empty list", dialect.no_permissions, 1),
    Known("Appendix A", "more than twelve exposes are sorted in a stable way", dialect.expose_order, 15),
    Known("not in the notes", "no mounts are an empty list", dialect.no_mounts, 2),
    Known("not in the notes", "a GPU without model has the model `undefined`", dialect.gpu_without_model, 1),
    Known("not in the notes", "an empty list of GPU models is no attribute", dialect.any_gpu_as_empty_list, 1),
    Known("not in the notes", "`persistent` is kept as written, and not added", dialect.persistence_unsaid, 3),
    Known("not in the notes", "a single volume keeps its name", dialect.name_of_a_single_volume, 1),
]


UNESCAPED = Known("§14 row 13", "U+2028 and U+2029 are not escaped", lambda pair: None, 0)
"""The one difference that is in the text and not in the manifest."""


def test_recorded_files_have_our_hash_or_a_known_difference() -> None:
    if not CASES.is_file():
        pytest.skip("the recorded SDL cases (../shared/conformance/sdl/cases.jsonl) are not beside this checkout")
    recorded = [case for line in CASES.read_text().splitlines() if (case := json.loads(line))["accept"]]
    asked = compared({case["name"]: case["sdl"] for case in recorded})
    assert Counter(outcome for outcome, _ in asked.values()) == {"same": 64, "refused": 94, "known": 51}
    found = Counter(known.what for _, needed in asked.values() for known in needed)
    assert found == {known.what: known.files for known in KNOWN if known.files}


def test_examples_have_our_hash_or_a_known_difference() -> None:
    asked = compared({path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.yaml"))})
    assert Counter(outcome for outcome, _ in asked.values())["same"] > len(asked) // 2


OWN = {
    "§14 row 7": ("    credentials: {host: ghcr.io, username: someone, password: ' secret ', email: me@home}", "2.1"),
    "§14 row 9": ("        http_options: {next_tries: 0, next_cases: [], read_timeout: 0}", "2.0"),
    "§14 row 13": ('    args: ["a\\u2028b"]', "2.0"),
}


@pytest.mark.parametrize("row", OWN)
def test_differences_no_recorded_file_shows(row: str) -> None:
    line, version = OWN[row]
    text = (EXAMPLES / "01-web.yaml").read_text().replace('"2.0"', f'"{version}"')
    at_service, at_expose = "    image: docker.io/library/web:1\n", "        as: 80\n"
    after = at_expose if line.startswith("        ") else at_service
    assert text.count(after) == 1
    asked = compared({row: text.replace(after, f"{after}{line}\n")})
    assert [known.source for known in asked[row][1]] == [row]


def compared(files: dict[str, str]) -> dict[str, tuple[str, list[Known]]]:
    """`same`, `refused` (by the SDK), or `known` with what explains the difference, by name of the file."""
    try:
        theirs = answers(files)
    except SdkMissing as missing:
        pytest.skip(f"the TypeScript SDK cannot be had here: {missing}")
    found: dict[str, tuple[str, list[Known]]] = {}
    unknown: list[str] = []
    for name, sdl in files.items():
        compiled = compile_sdl(sdl)
        if not theirs[name].accept:
            found[name] = ("refused", [])
            continue
        assert hashlib.sha256(theirs[name].manifest.encode()).hexdigest() == theirs[name].version
        if theirs[name].version == compiled.version.hex():
            found[name] = ("same", [])
        else:
            needed = explained(json.loads(canonical(compiled.manifest)), json.loads(theirs[name].manifest))
            found[name] = ("known", needed or [UNESCAPED])
            if not needed and not (needed == [] and re.search("[\u2028\u2029]", theirs[name].manifest)):
                unknown.append(name)
    assert not unknown, "these differ in ways nobody knows"
    return found


def explained(go: Any, ts: Any) -> list[Known] | None:
    """The known differences without which the two would not become equal; None when even all do not suffice."""
    if not _equal(go, ts, KNOWN):
        return None
    needed = list(KNOWN)
    for known in KNOWN:
        fewer = [k for k in needed if k is not known]
        if _equal(go, ts, fewer):
            needed = fewer
    return needed


def _equal(go: Any, ts: Any, levelled: list[Known]) -> bool:
    go, ts = copy.deepcopy((go, ts))
    if [(g["name"], [s["name"] for s in g["services"]]) for g in go] != [
        (g["name"], [s["name"] for s in g["services"]]) for g in ts
    ]:
        return False
    for ours, theirs in zip(go, ts, strict=True):
        for pair in zip(ours["services"], theirs["services"], strict=True):
            for known in sorted(levelled, key=lambda k: k.level in dialect.ORDERS):
                known.level(pair)
    return bool(go == ts)
