from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from manifests.ids import LeaseID
from provider.cluster.health.causes import Cause
from provider.market.leases.grace import Ailment, Spell
from provider.market.leases.spells import EVERY_S, NAME, Kept, keep, read, write
from provider.tasks import spawn

pytestmark = pytest.mark.looptime
LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
SPELL = Spell(Ailment(Cause.IMAGE_PULL, "web-0: ErrImagePull", 900), 800, 120, None, 990)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    kept = {LEASE: Kept(SPELL, 1000), LeaseID("akash1o", 2, 1, 1, "akash1p"): Kept(Spell(Ailment(Cause.REFUSED), 5), 7)}
    write(tmp_path / NAME, kept)
    assert read(tmp_path / NAME) == kept


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"spells": [{}]}', '{"spells": 5}', "{", "seen_s: -1", "cause: bad luck", "lease: me", "at: soon"],
)
def test_a_broken_file_is_nothing_and_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / NAME
    write(file, {LEASE: Kept(SPELL, 1000)})
    key, _, value = text.partition(": ")
    row = json.loads(file.read_text())["spells"][0]
    if key in row:
        text = json.dumps({"spells": [row | {key: int(value) if value == "-1" else value}]})
    file.write_text(text)
    with capture_logs() as told:
        assert read(file) == {}
    assert [line["log_level"] for line in told] == ["warning"]


def test_without_a_file_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with capture_logs() as told:
        assert read(tmp_path / NAME) == {}
    assert told == []


@asynccontextmanager
async def keeping(file: Path, now: Callable[[], Mapping[LeaseID, Kept]]) -> AsyncIterator[asyncio.Task[Any]]:
    async with asyncio.TaskGroup() as tasks:
        task = spawn(tasks, "keep", keep(file, now))
        yield task
        task.cancel()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time does not wait for threads."""

    async def inline(work: Callable[..., Any], *given: Any) -> Any:
        return work(*given)

    monkeypatch.setattr(asyncio, "to_thread", inline)


@pytest.mark.usefixtures("at_once")
async def test_it_is_written_now_and_then_and_at_the_end_and_only_what_has_changed(tmp_path: Path) -> None:
    file, now = tmp_path / NAME, {LEASE: Kept(SPELL, 1000)}
    async with keeping(file, lambda: now):
        await asyncio.sleep(EVERY_S + 1)
        assert read(file) == now
        now = {LEASE: Kept(SPELL, 1060)}
        file.unlink()
        await asyncio.sleep(10 * EVERY_S)
        assert not file.exists(), "the same trouble, seen by nobody for longer"
        now = {}
    assert file.exists()
    assert read(file) == {}


@pytest.mark.usefixtures("at_once")
async def test_a_disk_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    async with keeping(tmp_path / "data" / NAME, lambda: {LEASE: Kept(SPELL, 1)}) as task:
        await asyncio.sleep(3 * EVERY_S)
        assert not task.done()
