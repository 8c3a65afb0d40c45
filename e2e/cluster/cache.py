"""Where binaries, images and the run directories live: outside the checkout, `$AKP_CACHE` or `~/.cache/akp`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    return Path(os.environ.get("AKP_CACHE") or Path.home() / ".cache" / "akp")


def runs() -> Path:
    """Holds one directory per cluster that is, or was, up."""
    return _made(root() / "runs")


def binaries() -> Path:
    return _made(root() / "bin")


def images() -> Path:
    return _made(root() / "images")


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Between processes; the kernel releases it when the holder dies."""
    with (_made(root()) / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
