"""A file of the operator's that is re-read when it changes. One that cannot be used never replaces what works.

At start there is nothing to fall back on that the operator has chosen, so a file that cannot be used is an error then;
later it is a line in the log, once for each change of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from provider.errors import ConfigError

T = TypeVar("T")
log = structlog.get_logger()


class LastGood(Generic[T]):
    """`current` is always whole and valid. `read` raises ConfigError for a file that cannot be used; without a path
    `current` stays what it is without one."""

    def __init__(self, path: Path | None, read: Callable[[Path], T], without: T) -> None:
        self.path, self._read = path, read
        self._seen = self._stamp()
        self.current = without if path is None else read(path)

    def look(self) -> bool:
        """Take over a changed file; True when it was."""
        stamp = self._stamp()
        if self.path is None or stamp == self._seen:
            return False
        self._seen = stamp
        try:
            self.current = self._read(self.path)
        except ConfigError as bad:
            log.error("file refused, what was read before stays", file=str(self.path), why=str(bad))
            return False
        log.info("file read again", file=str(self.path))
        return True

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat() if self.path is not None else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None
