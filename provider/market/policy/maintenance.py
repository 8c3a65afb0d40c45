"""Whether the operator has paused bidding: a file that is there while it is paused, with the reason in it.

A file outlives a restart, needs no daemon to be turned on, and can be made by hand: `echo new switches >
DATA/maintenance`. One that is there and cannot be read pauses all the same.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from provider.files import write_whole

log = structlog.get_logger()
NAME = "maintenance"
_MOST_TEXT = 200


class Maintenance:
    def __init__(self, data: Path) -> None:
        self.path = data / NAME
        self.on, self.why = self._read()

    def look(self) -> bool:
        """Once a block; True when it has been turned on or off, or the reason has changed."""
        before = self.on, self.why
        self.on, self.why = self._read()
        if before != (self.on, self.why):
            log.warning("bidding is paused" if self.on else "bidding goes on", why=self.why, file=str(self.path))
        return before != (self.on, self.why)

    def turn(self, on: bool, why: str = "") -> None:
        """From the command line; a running daemon sees it at its next block. OSError as the system says it."""
        if on:
            write_whole(self.path, why + "\n")
        else:
            self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[bool, str]:
        try:
            return True, " ".join(self.path.read_bytes()[:_MOST_TEXT].decode(errors="replace").split())
        except (FileNotFoundError, NotADirectoryError):
            return False, ""
        except OSError as bad:
            return True, f"{self.path} cannot be read: {bad.strerror}"
