"""The price file, re-read when it changes. A file that cannot be read or is wrong never replaces prices that work."""

from __future__ import annotations

from pathlib import Path

from bidengine.tariff import Tariff
from bidengine.tariff_file import parse_tariff
from provider.watched import Watched, parsed


class Prices(Watched[Tariff]):
    """`current` is always a whole, valid tariff."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _read, "price file")


def _read(path: Path) -> Tariff:
    return parsed(
        path, parse_tariff, "price file", "Set bid.prices to a readable file.", "See docs/prices.md for the format."
    )
