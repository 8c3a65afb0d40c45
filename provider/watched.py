"""A file an operator may change while the daemon runs. What cannot be read, or is wrong, never replaces what works: not
a typo, not an empty file, not a file that is gone.

A refused file is read again at every look until it is good, because its cure may leave no mark on it: a right that was
missing, another file that it names. It is complained of once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from manifests.errors import Invalid
from provider.errors import ConfigError

T = TypeVar("T")
MOST_BYTES = 1 << 20
log = structlog.get_logger()


class Watched(Generic[T]):
    """`current` is always a whole, valid value. ConfigError when there is none to begin with."""

    def __init__(self, path: Path, read: Callable[[Path], T], what: str) -> None:
        """`read` raises ConfigError; `what` is the file's name in sentences, e.g. "price file"."""
        self.path, self.what = path, what
        self._read = read
        self._complaint = ""
        self._seen = stamp(self.path)
        self.current: T = read(path)

    def look(self) -> bool:
        """Once a block: take over a changed file; True when its meaning has changed."""
        seen = stamp(self.path)
        if seen == self._seen:
            self._complaint = ""
            return False
        try:
            fresh = self._read(self.path)
        except ConfigError as bad:
            if str(bad) != self._complaint:
                self._complaint = str(bad)
                log.error("refused, the old one stays in force", what=self.what, file=str(self.path), why=str(bad))
            return False
        self._seen, self._complaint = seen, ""
        changed = fresh != self.current
        self.current = fresh
        if changed:
            log.info("file changed", what=self.what, file=str(self.path))
        return changed


def stamp(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the file or its mode does; None while it is not there. Links are followed: a ConfigMap swaps
    them."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode


def parsed(path: Path, parse: Callable[[str], T], what: str, cure: str, guide: str) -> T:
    """A text file's meaning; ConfigError in the operator's words: `cure` when it cannot be read, `guide` when it is
    wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(str(path), f"the {what} is larger than {MOST_BYTES >> 10} KiB", guide)
        return parse(data.decode())
    except OSError as bad:
        raise ConfigError(str(path), f"the {what} cannot be read: {bad.strerror}", cure) from None
    except UnicodeDecodeError as bad:
        raise ConfigError(str(path), f"byte {bad.start + 1} is not UTF-8", "Save it as UTF-8 text.") from None
    except Invalid as bad:
        place = "".join(f":{n}" for n in (bad.line, bad.column) if n is not None)
        found = f" (found {_shown(bad.value)})" if bad.value is not None else ""
        raise ConfigError(f"{path}{place}", f"{bad}{found}", guide) from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
