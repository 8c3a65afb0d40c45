"""`python -m e2e.bench sdl [DIR]`: SDL files per second, ours and the official TypeScript SDK's, in one run.

The files are those that both accept: of DIR, or else the examples and, where they lie beside the checkout, the
recorded cases. `compile` is from the text to groups, manifest and hash; `check` is what a provider does with a
manifest a tenant sends: decode, hash, check it in itself and against the groups on chain. Seconds are of CPU, all
threads of the process. Both sides take turns, and the best of the turns counts, since what else the machine does only
ever slows one down."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from e2e.sdk import SdkMissing, answers, pace
from manifests.check import check_agreement, check_manifest
from manifests.digest import version
from manifests.errors import SdlInvalid
from manifests.resources import GroupSpec
from manifests.sdl import Compiled, compile_sdl
from manifests.wire import manifest_json, parse_manifest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "conformance" / "sdl" / "cases.jsonl"
TURNS = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.bench sdl", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="SDL files, *.yaml and *.yml")
    parser.add_argument("--rounds", type=int, default=10, help="how often each turn goes through all files")
    args = parser.parse_args()
    try:
        print(json.dumps(measured(texts(args.folder), args.rounds), indent=2))
    except SdkMissing as missing:
        print(f"the TypeScript SDK cannot be had here: {missing}", file=sys.stderr)
        return 2
    return 0


def texts(folder: Path | None) -> dict[str, str]:
    """By name."""
    if folder is not None:
        found = sorted(p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml") and p.is_file())
        return {str(path): path.read_text(errors="replace") for path in found}
    files = {path.name: path.read_text() for path in sorted((ROOT / "examples").glob("*.yaml"))}
    if CASES.is_file():
        files |= {case["name"]: case["sdl"] for case in map(json.loads, CASES.read_text().splitlines())}
    return files


def measured(files: dict[str, str], rounds: int) -> dict[str, Any]:
    ours = {name: compiled for name, text in files.items() if (compiled := _compiled(text)) is not None}
    theirs = answers(files)
    both = {name: files[name] for name in ours if theirs[name].accept}
    sent = [(json.dumps(manifest_json(ours[name].manifest)).encode(), ours[name].groups) for name in both]
    best: dict[str, float] = {}
    for _ in range(TURNS):
        for what, seconds in (
            ("compile", _seconds(lambda: [compile_sdl(text) for text in both.values()], rounds)),
            ("check", _seconds(lambda: [_checked(body, groups) for body, groups in sent], rounds)),
            ("typescript_compile", pace(both, rounds)["seconds"]),
        ):
            best[what] = min(seconds, best.get(what, seconds))
    return {
        "files": len(both),
        "rounds": rounds,
        "turns": TURNS,
        "same_hash": sum(theirs[name].version == ours[name].version.hex() for name in both),
        "files_per_cpu_second": {what: round(len(both) * rounds / seconds) for what, seconds in best.items()},
    }


def _compiled(text: str) -> Compiled | None:
    try:
        return compile_sdl(text)
    except SdlInvalid:
        return None


def _seconds(run: Callable[[], object], rounds: int) -> float:
    run()
    began = time.process_time()
    for _ in range(rounds):
        run()
    return time.process_time() - began


def _checked(body: bytes, groups: tuple[GroupSpec, ...]) -> None:
    manifest = parse_manifest(body)
    version(manifest)
    check_manifest(manifest)
    check_agreement(manifest, groups)
