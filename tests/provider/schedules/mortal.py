"""A process that can be killed at any of its steps. A step is whatever shows outside: a call to a node, to the cluster,
a transaction of the ledger. The one killed never gets beyond it: no clean-up of it reaches anybody."""

from __future__ import annotations

import asyncio
import sqlite3
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

_CONNECT = sqlite3.connect
_CURRENT: ContextVar[Life | None] = ContextVar("life", default=None)


@dataclass(eq=False)
class Life:
    """From one start of the daemon to its end."""

    steps: int = 0
    dies_at: int | None = None
    """the step"""
    after: bool = False
    """it has its effect, and nobody hears of it"""
    dead: asyncio.Event = field(default_factory=asyncio.Event)
    files: list[sqlite3.Connection] = field(default_factory=list)
    parts: Any = None
    """the daemon's Follower, which knows all the others"""

    def enter(self) -> None:
        """What is started from here on belongs to it."""
        _CURRENT.set(self)

    def die(self) -> None:
        self.dead.set()

    def step(self) -> None:
        self._go_on()
        self.steps += 1
        if self.steps == self.dies_at and not self.after:
            self.die()
        self._go_on()

    def stepped(self) -> None:
        """The step has had its effect."""
        if self.dies_at is not None and self.steps >= self.dies_at:
            self.die()
        self._go_on()

    def _go_on(self) -> None:
        if self.dead.is_set():
            raise asyncio.CancelledError


def living() -> Life | None:
    """Whose code runs; None for the world around it."""
    return _CURRENT.get()


def connected(*args: Any, **kw: Any) -> sqlite3.Connection:
    """sqlite3.connect; a killed process's files are closed by the system."""
    found = _CONNECT(*args, **kw)
    life = living()
    if life is not None:
        life.files.append(found)
    return found
