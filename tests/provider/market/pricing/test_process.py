"""A program is run within its limits and leaves nothing behind, whatever it does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from provider.market.pricing.process import STDERR_KEPT, Ended, run

ENVIRON = {"PATH": os.environ["PATH"]}
PATIENT_S = 600.0


async def ran(
    path: Path,
    given: bytes = b"",
    timeout_s: float = PATIENT_S,
    most_bytes: int = 1000,
    starting: asyncio.Lock | None = None,
) -> Ended:
    lock = starting or asyncio.Lock()
    return await run([str(path)], given, ENVIRON, timeout_s=timeout_s, most_bytes=most_bytes, starting=lock)


async def test_input_goes_in_and_both_outputs_come_out(sh: Callable[..., Path]) -> None:
    ended = await ran(sh("read line", 'echo "got $line"', "echo careful >&2", "exit 3"), b"hello\n")
    assert ended == Ended(3, b"got hello\n", b"careful\n")


async def test_input_that_nobody_reads_is_no_trouble(sh: Callable[..., Path]) -> None:
    assert (await ran(sh("echo 5"), b"x" * 1_000_000)).stdout == b"5\n"


async def test_a_signal_is_told(sh: Callable[..., Path]) -> None:
    assert (await ran(sh("kill -TERM $$"))).code == -signal.SIGTERM


async def test_one_that_takes_too_long_is_killed(sh: Callable[..., Path]) -> None:
    ended = await ran(sh("echo working >&2", "sleep 600"), timeout_s=0.3)
    assert (ended.killed_for, ended.code) == ("timeout", -signal.SIGKILL)


async def test_one_that_does_not_want_to_die_is_killed(sh: Callable[..., Path]) -> None:
    ended = await ran(sh("trap '' TERM INT HUP", "while :; do sleep 1; done"), timeout_s=0.3)
    assert ended.killed_for == "timeout"


async def test_one_that_says_too_much_is_killed(sh: Callable[..., Path]) -> None:
    ended = await ran(sh("yes"), most_bytes=100)
    assert ended.killed_for == "output"
    assert len(ended.stdout) <= 100


async def test_of_errors_the_last_are_kept(sh: Callable[..., Path]) -> None:
    ended = await ran(sh("yes complaint | head -n 50000 >&2", "echo the reason >&2", "echo 5"))
    assert ended.stdout == b"5\n"
    assert ended.stderr.endswith(b"complaint\nthe reason\n")
    assert len(ended.stderr) == STDERR_KEPT


async def test_children_die_with_it_when_it_is_given_up(
    sh: Callable[..., Path],
    tmp_path: Path,
    there: Callable[[Path], Awaitable[str]],
    gone: Callable[[int], Awaitable[None]],
) -> None:
    path = sh("(sleep 600 & echo $! $$ > pids)", "sleep 600")
    asked = asyncio.get_running_loop().create_task(ran(path))
    child, parent = map(int, (await there(tmp_path / "pids")).split())
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await gone(child)
    await gone(parent)


async def test_it_can_be_given_up_at_any_moment_of_its_start(sh: Callable[..., Path]) -> None:
    path = sh("sleep 600 &", "sleep 600")
    async with asyncio.timeout(PATIENT_S):
        for turns in range(12):
            asked = asyncio.get_running_loop().create_task(ran(path))
            for _ in range(turns):
                await asyncio.sleep(0.001)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked


async def test_one_that_is_given_up_before_its_turn_is_never_started(sh: Callable[..., Path], tmp_path: Path) -> None:
    starting = asyncio.Lock()
    async with starting:
        asked = asyncio.get_running_loop().create_task(ran(sh("touch begun"), starting=starting))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not (tmp_path / "begun").exists()


async def test_children_die_with_it_when_its_time_is_over(
    sh: Callable[..., Path], tmp_path: Path, gone: Callable[[int], Awaitable[None]]
) -> None:
    path, pid = sh("sleep 600 & echo $! > pid", "echo 5", "wait"), tmp_path / "pid"
    for timeout_s in (0.5, 5.0, 50.0, 500.0):
        ended = await ran(path, timeout_s=timeout_s)
        assert ended.killed_for == "timeout"
        if pid.exists() and pid.read_text().endswith("\n"):
            break  # else its time was over before it had a child
    await gone(int(pid.read_text()))


async def test_a_child_left_behind_neither_holds_up_the_answer_nor_lives_on(
    sh: Callable[..., Path], tmp_path: Path, gone: Callable[[int], Awaitable[None]]
) -> None:
    ended = await ran(sh("sleep 600 & echo $! > pid", "echo 5"))
    assert ended == Ended(0, b"5\n", b"")
    await gone(int((tmp_path / "pid").read_text()))


async def test_a_child_that_left_the_session_does_not_hold_up_the_answer(
    sh: Callable[..., Path], tmp_path: Path
) -> None:
    left = 'until [ "$(cut -d" " -f6 /proc/$(cat pid)/stat)" = "$(cat pid)" ]; do :; done'  # it leads its own session
    ended = await ran(sh("setsid sleep 600 & echo $! > pid", left, "echo 5"))
    assert ended.stdout == b"5\n"
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)  # it is still there: it was not waited for


async def test_it_has_a_session_and_an_environment_of_its_own(python: Callable[[str], Path]) -> None:
    body = "import os; print(os.getsid(0) == os.getpid() != os.getppid(), sorted(os.environ))"
    ended = await ran(python(body))
    assert ended.stdout.startswith(b"True ['")
    assert b"HOME" not in ended.stdout


async def test_what_cannot_be_started_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await ran(tmp_path / "none")
