"""Host processes of a cluster: started in their own sessions with a log each, remembered so that another command can
end them.

A process is remembered by pid *and* start time: a pid alone may belong to somebody else by the time it is ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_S = 600.0
"""for whatever comes up or goes away: it takes seconds, on a machine that is busy elsewhere minutes"""


class Processes:
    """The book of one run directory: `processes.json`, logs in `log/`."""

    def __init__(self, run: Path) -> None:
        self._file = run / "processes.json"
        self._logs = run / "log"

    def start(self, name: str, command: Iterable[str]) -> int:
        program, *rest = command
        path = shutil.which(program)
        if path is None:
            raise RuntimeError(f"{program} is not on PATH")
        self._logs.mkdir(exist_ok=True)
        out = (os.POSIX_SPAWN_OPEN, 1, str(self.log(name)), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), out, (os.POSIX_SPAWN_DUP2, 1, 2)]
        # Not subprocess: its objects want to be waited for by the process that made them, and ours may leave first.
        pid = os.posix_spawn(path, [program, *rest], os.environ, file_actions=files, setsid=True)
        born = birth(pid)
        if born is None:
            raise RuntimeError(f"{name} ended at once: {self.tail(name)}")
        self._write(self.recorded() | {name: [pid, born]})
        return pid

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def tail(self, name: str, lines: int = 12) -> str:
        try:
            return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"

    def recorded(self) -> dict[str, list[int]]:
        try:
            found: dict[str, list[int]] = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def alive(self, name: str) -> bool:
        pid, born = self.recorded().get(name, (0, 0))
        return bool(pid) and birth(pid) == born

    def stop(self) -> None:
        """End all of them at once: nothing they hold outlives the run, so there is nothing to finish."""
        names = list(reversed(self.recorded()))
        for name in names:
            self._signal(name)
        for name in names:
            self._reap(name)
        self._write({})

    def kill(self, name: str) -> None:
        if name not in self.recorded():
            return
        self._signal(name)
        self._reap(name)
        self._write({other: entry for other, entry in self.recorded().items() if other != name})

    def _signal(self, name: str) -> None:
        if self.alive(name):
            with contextlib.suppress(ProcessLookupError):  # somebody else's child may go by itself in between
                os.kill(self.recorded()[name][0], signal.SIGKILL)

    def _reap(self, name: str) -> None:
        while self.alive(name):
            time.sleep(0.01)
        with contextlib.suppress(ChildProcessError):  # it may be somebody else's child
            os.waitpid(self.recorded()[name][0], os.WNOHANG)

    def _write(self, entries: dict[str, list[int]]) -> None:
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(entries))
        partial.replace(self._file)


def birth(pid: int) -> int | None:
    """Start time of a live process in clock ticks since boot; None when there is none (a zombie is none)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
