"""Asking the installed SDK: what it makes of files, and how many it does in a second."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.sdk.install import HERE, installed

_LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """`version` is hex and `manifest` the canonical JSON, both "" where the SDK does not accept the file."""

    accept: bool
    version: str = ""
    manifest: str = ""
    error: str = ""


def answers(files: Mapping[str, str]) -> dict[str, Answer]:
    """By name of the file; the values of `files` are SDL texts."""
    lines = _run(files).rstrip("\n").split("\n")  # a manifest may hold other line breaks
    found = {one.pop("name"): Answer(**one) for one in map(json.loads, lines)}
    assert found.keys() == files.keys()
    return found


def pace(files: Mapping[str, str], rounds: int) -> dict[str, Any]:
    """All files `rounds` times: how many, how many of them accepted, and the seconds of CPU it took."""
    result: dict[str, Any] = json.loads(_run(files, str(rounds)))
    return result


def _run(files: Mapping[str, str], *args: str) -> str:
    asked = "".join(json.dumps({"name": name, "sdl": sdl}) + "\n" for name, sdl in files.items())
    command = ["node", str(HERE / "compile.mjs"), str(installed()), *args]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout
