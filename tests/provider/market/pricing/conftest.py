"""Scripts that are really run, and one order with the place it would get."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bidengine.placement import Placement, Slot
from bidengine.views import Order
from provider.metrics import Metrics


@pytest.fixture
def order(chain: Any) -> Order:
    found: Order = chain.orders_[chain.add_order(1)]
    return found


@pytest.fixture
def placement() -> Placement:
    return Placement((Slot(1, "n1", ask=None),))  # type: ignore[arg-type]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def sh(tmp_path: Path) -> Callable[..., Path]:
    """An executable shell script of these lines; the file is put in place whole, as an operator's tools do it."""

    def write(*lines: str, name: str = "price.sh", first: str = "#!/bin/sh") -> Path:
        fresh = tmp_path / f"{name}.fresh"
        fresh.write_text("\n".join((first, f"cd {tmp_path}", *lines)) + "\n")
        fresh.chmod(0o755)
        fresh.rename(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def python(tmp_path: Path) -> Callable[[str], Path]:
    def write(body: str) -> Path:
        path = tmp_path / "price.py"
        path.write_text(f"#!{sys.executable}\n{body}")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def there() -> Callable[[Path], Awaitable[str]]:
    """The text of a file once it has a line in it."""

    async def wait(path: Path) -> str:
        await _until(lambda: _text(path).endswith("\n"), f"{path} is not written")
        return _text(path)

    return wait


@pytest.fixture
def gone() -> Callable[[int], Awaitable[None]]:
    """Returns when a process runs no more; one that nobody has reaped yet counts as gone."""

    async def wait(pid: int) -> None:
        await _until(lambda: not alive(pid), f"process {pid} lives on")

    return wait


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def _until(true: Callable[[], bool], else_: str, patience_s: float = 180) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, else_
        await asyncio.sleep(0.01)
