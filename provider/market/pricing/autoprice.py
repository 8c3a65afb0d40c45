"""Auto-pricing at work: once a block the controller (bidengine/autoprice.py) looks at what is leased and lost; its
factors are kept in a file, so that a restart goes on where it was.

The file remembers the mode it was made in. Another mode starts anew from the prices in the price file: what a dry run
dreamt up is never suddenly charged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from bidengine.autoprice import CPU, AutoMode, AutoPolicy, Factor, Load, Lost, State, Step, adjust
from manifests.coins import E18, parse_decimal, shown
from manifests.errors import Invalid
from manifests.gpus import wish
from provider.errors import Retry
from provider.files import write_whole
from provider.metrics import Metrics, Sample

log = structlog.get_logger()
NAME = "auto-price.json"
"""of the file with the factors, below `data`"""
LOST_ON_PRICE = "lost.price"
MOST_LOOKED_BACK_BLOCKS = 14_400
"""a day of blocks of six seconds: older losses tell of another market"""


class JudgedBid(Protocol):
    """A bid of ours that a tenant has judged (the ledger's orders)."""

    @property
    def outcome(self) -> str: ...
    @property
    def decided_at(self) -> int: ...
    @property
    def gpu_model(self) -> str:
        """Keys of the cards, `vendor/nvidia/model/h100/…` with commas between; "" for none."""

    @property
    def price_e18(self) -> int | None: ...
    @property
    def winner_price_e18(self) -> int | None: ...


class History(Protocol):
    async def priced(self, *, since_height: int) -> Sequence[JudgedBid]:
        """Bids won, and lost to a known winner."""
        ...


class NoHistory:
    """Nothing is known of bids lost; the controller then goes by what is leased alone."""

    async def priced(self, *, since_height: int) -> Sequence[JudgedBid]:
        return ()


class AutoPrice:
    """`factors_e18` is all that prices use; empty unless the mode is on. `look` asks for one more round; `run` is the
    task that makes them."""

    def __init__(
        self,
        file: Path,
        loads: Callable[[], Mapping[str, Load]],
        height: Callable[[], int],
        history: Callable[[], History],
        metrics: Metrics,
    ) -> None:
        self._file, self._loads, self._height, self._history, self._metrics = file, loads, height, history, metrics
        self._policy = AutoPolicy()
        self._due = asyncio.Event()
        self._mode, self._state = _read(file)
        self._told: Mapping[str, int] = {}

    @property
    def factors_e18(self) -> Mapping[str, int]:
        on = self._policy.mode is AutoMode.ON is self._mode
        return {subject: factor.e18 for subject, factor in self._state.items()} if on else {}

    def look(self, policy: AutoPolicy) -> bool:
        """Once a block, with what the price file says; True when the factors in force have changed."""
        self._policy = policy
        self._due.set()
        before, self._told = self._told, self.factors_e18
        return before != self._told

    async def run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            await self.step()

    async def step(self) -> None:
        policy, height = self._policy, self._height()
        state: State = self._state if policy.mode is self._mode else {}
        steps: tuple[Step, ...] = ()
        if policy.mode is not AutoMode.OFF:
            state, steps = adjust(policy, state, self._loads(), await self._lost(state, height), height=height)
        if (policy.mode, state) == (self._mode, self._state):
            return
        self._mode, self._state = policy.mode, state
        try:
            await asyncio.to_thread(_write, self._file, policy.mode, state)
        except OSError as bad:
            log.error("auto-pricing cannot keep its factors", file=str(self._file), why=str(bad))
        for step in steps:
            self._tell(step, policy.mode)

    def gauges(self) -> Iterator[Sample]:
        for subject, factor in self._state.items():
            yield "akp_auto_price_factor", {"subject": subject, "mode": self._mode.value}, factor.e18 / 1e18

    async def _lost(self, state: State, height: int) -> list[Lost]:
        cool_down = self._policy.cool_down_blocks
        waited = [factor.since for factor in state.values() if height >= factor.since + cool_down]
        if not waited:
            return []
        since = max(min(waited), height - MOST_LOOKED_BACK_BLOCKS)
        try:
            rows = await self._history().priced(since_height=since)
        except Retry as trouble:
            log.warning("what was lost is not known", why=str(trouble))
            return []
        return [one for row in rows if (one := _lost(row)) is not None]

    def _tell(self, step: Step, mode: AutoMode) -> None:
        direction = "up" if step.after_e18 > step.before_e18 else "down"
        self._metrics.price_steps.labels(subject=step.subject, direction=direction, mode=mode.value).inc()
        log.info(
            "auto-pricing step" if mode is AutoMode.ON else "auto-pricing step, dry run: prices stay",
            subject=step.subject,
            before=shown(step.before_e18),
            after=shown(step.after_e18),
            why=step.why,
        )


def _lost(row: JudgedBid) -> Lost | None:
    """None for a bid that was won, and for one with several kinds of cards: nobody knows which was too dear."""
    subject = _subject(row.gpu_model)
    if row.outcome != LOST_ON_PRICE or subject is None or row.price_e18 is None or row.winner_price_e18 is None:
        return None
    return Lost(row.decided_at, subject, row.price_e18, row.winner_price_e18)


def _subject(gpu_model: str) -> str | None:
    if not gpu_model:
        return CPU
    try:
        card = wish(gpu_model)
    except Invalid:
        return None
    return f"{card.vendor}/{card.model}"


def _read(file: Path) -> tuple[AutoMode, State]:
    """A file that is missing or broken starts anew, from the prices in the price file."""
    try:
        found = json.loads(file.read_text())
        state = {s: Factor(parse_decimal(row["factor"]), int(row["since"])) for s, row in found["factors"].items()}
        if any(not 0 < factor.e18 <= 1000 * E18 for factor in state.values()):
            raise ValueError("a factor is out of all bounds")
        return AutoMode(found["mode"]), state
    except FileNotFoundError:
        return AutoMode.OFF, {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as bad:
        log.warning("auto-pricing starts anew, its file cannot be read", file=str(file), why=str(bad))
        return AutoMode.OFF, {}


def _write(file: Path, mode: AutoMode, state: State) -> None:
    factors = {s: {"factor": shown(factor.e18), "since": factor.since} for s, factor in state.items()}
    write_whole(file, json.dumps({"mode": mode.value, "factors": factors}, indent=2))
