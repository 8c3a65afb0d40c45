"""A recording as lines in the order in which things happened.

Answers of REST and RPC, and questions asked without a height, stand at the end of a file; they are put back to where
they were asked, before the next block.
"""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class NotARecording(Exception):
    """The file is none, or its genesis is missing; the text says which."""


@dataclass(frozen=True, slots=True)
class Recording:
    meta: Line
    lines: list[Line]
    times: dict[int, int]
    """height -> block time in nanoseconds since 1970, of every height"""
    genesis: Line

    @classmethod
    def load(cls, path: Path, genesis: Path | None = None) -> Recording:
        """NotARecording when either file cannot be used. Both may be compressed (.gz)."""
        try:
            lines = [json.loads(line) for line in _text(path).split("\n") if line.strip()]
            meta, headers = lines[0]["meta"], lines[-1]["headers"]
            genesis_path = genesis or _beside(path, meta["genesis"])
            found = json.loads(_text(genesis_path))
        except (OSError, ValueError, KeyError, IndexError, TypeError) as bad:
            raise NotARecording(f"not a recording with its genesis beside it: {bad!r}") from None
        times = {height: nanoseconds(text) for height, text in headers}
        return cls(meta, list(_in_order(lines[1:-1])), times, found)

    @property
    def genesis_time_ns(self) -> int:
        return nanoseconds(self.meta["genesis_time"])

    @property
    def last_height(self) -> int:
        return max(self.times)


def nanoseconds(text: str) -> int:
    """ "2026-11-21T00:07:41.123Z" in nanoseconds since 1970, exactly."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0") or 0)


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def _beside(path: Path, name: str) -> Path:
    plain = path.parent / name
    return plain if plain.exists() else path.parent / f"{name}.gz"


def _in_order(lines: list[Line]) -> Iterator[Line]:
    late = [line for line in lines if _asked_at(line) is not None]
    for line in lines:
        if _asked_at(line) is not None:
            continue
        if "results" in line:
            while late and (_asked_at(late[0]) or 0) < line["height"]:
                yield late.pop(0)
        yield line
    yield from late


def _asked_at(line: Line) -> int | None:
    """The latest height when a question of the live node was asked; None for lines that stand where they belong."""
    if "rpc" in line:
        return int(line["rpc"]["after_height"])
    if line.get("unpinned"):
        return int(line["at"])
    return None
