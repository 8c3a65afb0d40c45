"""Host processes of a cluster: started in their own sessions with a log each, remembered so that another command can
end them.

A process is remembered by pid *and* start time: a pid alone may belong to somebody else by the time it is ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path


class Processes:
    """The book of one run directory: `processes.json`, logs in `log/`."""

    def __init__(self, run: Path) -> None:
        self._file = run / "processes.json"
        self._logs = run / "log"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Iterable[str], *, environment: dict[str, str] | None = None) -> int:
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | (environment or {}),
            )
        self._children[name] = child
        born = birth(child.pid)
        if born is None:
            raise RuntimeError(f"{name} ended at once: {self.tail(name)}")
        self._write(self.recorded() | {name: [child.pid, born]})
        return child.pid

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
        child = self._children.get(name)
        if child is not None and child.poll() is not None:
            return False
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
        self._signal(name)
        self._reap(name)
        self._write({other: entry for other, entry in self.recorded().items() if other != name})

    def _signal(self, name: str) -> None:
        if self.alive(name):
            os.kill(self.recorded()[name][0], signal.SIGKILL)

    def _reap(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child is not None:
            child.wait(timeout=10)
        while self.alive(name):
            time.sleep(0.02)

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
