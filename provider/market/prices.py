"""The price file, re-read when it changes. A file that cannot be read or is wrong never replaces prices that work."""

from __future__ import annotations

from pathlib import Path

import structlog

from bidengine.tariff import Tariff
from bidengine.tariff_file import parse_tariff
from manifests.errors import Invalid
from provider.errors import ConfigError

log = structlog.get_logger()


class Prices:
    """`current` is always a whole, valid tariff."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._stamp()
        self.current = self._read()

    def look(self) -> bool:
        """Once a block: take over a changed file; True when prices have changed."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            fresh = self._read()
        except ConfigError as bad:
            log.error("price file refused, old prices stay", file=str(self.path), why=str(bad))
            return False
        changed = fresh != self.current
        self.current = fresh
        if changed:
            log.info("prices changed", file=str(self.path))
        return changed

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Tariff:
        try:
            return parse_tariff(self.path.read_text())
        except OSError as bad:
            raise ConfigError(
                str(self.path), f"the price file cannot be read: {bad.strerror}", "Set bid.prices to a readable file."
            ) from None
        except (Invalid, UnicodeDecodeError) as bad:
            raise ConfigError(str(self.path), str(bad), "See docs/prices.md for the format.") from None
