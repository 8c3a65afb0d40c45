"""The troubles of leases, kept in a file: a restart of the daemon gives nobody a new grace.

What is kept is time in which trouble was seen; the time in between counts for nobody. The subtle part is what may have
been meanwhile: a lease that was well for long begins anew, so a spell goes on only where that cannot have been
(`resumed` in grace.py). What is lost with a process that was killed, or with a file that cannot be read, only ever
closes later.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from manifests.errors import Invalid
from manifests.ids import LeaseID
from provider.cluster.health.causes import Cause
from provider.files import write_whole
from provider.market.leases.grace import Ailment, Spell

log = structlog.get_logger()
NAME = "spells.json"
"""of the file, below `data`"""
EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """`at_unix_s` is the wall clock's time up to which the spell was followed."""

    spell: Spell
    at_unix_s: int


def read(file: Path) -> dict[LeaseID, Kept]:
    """Nothing, where the file is missing or broken."""
    try:
        return dict(map(_kept, json.loads(file.read_text())["spells"]))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Invalid) as bad:
        log.warning("grace of leases in trouble counts anew, its file cannot be read", file=str(file), why=str(bad))
        return {}


def write(file: Path, kept: Mapping[LeaseID, Kept]) -> None:
    rows = [_row(lease, one) for lease, one in sorted(kept.items())]
    try:
        write_whole(file, json.dumps({"spells": rows}, indent=2))
    except OSError as bad:
        log.error("the troubles of leases cannot be kept", file=str(file), why=str(bad))


async def keep(file: Path, now: Callable[[], Mapping[LeaseID, Kept]]) -> None:
    """Write what has changed, for ever; the last when it is ended."""
    written = _spells(read(file))
    try:
        while True:
            await asyncio.sleep(EVERY_S)
            if _spells(kept := now()) != written:
                await asyncio.to_thread(write, file, kept)
                written = _spells(kept)
    finally:
        if _spells(kept := now()) != written:
            write(file, kept)


def _spells(kept: Mapping[LeaseID, Kept]) -> dict[LeaseID, Spell]:
    return {lease: one.spell for lease, one in kept.items()}


def _row(lease: LeaseID, kept: Kept) -> dict[str, Any]:
    spell = kept.spell
    return {
        "lease": str(lease),
        "at": kept.at_unix_s,
        "cause": spell.cause.value,
        "why": spell.ailment.why,
        "since": spell.ailment.since_unix_s,
        "began": spell.began_unix_s,
        "seen_s": spell.seen_s,
        "well_since": spell.well_since_unix_s,
    }


def _kept(row: Mapping[str, Any]) -> tuple[LeaseID, Kept]:
    """As of a moment at which nobody looks."""
    ailment = Ailment(Cause(row["cause"]), str(row["why"]), _count(row["since"]))
    well = _count(row["well_since"]) if row["well_since"] is not None else None
    spell = Spell(ailment, _count(row["began"]), _count(row["seen_s"]), well_since_unix_s=well)
    return LeaseID.parse(row["lease"]), Kept(spell, _count(row["at"]))


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a number of seconds")
    return value
