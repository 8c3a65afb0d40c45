"""An event loop in which time passes only when nobody has anything to do, and threads are not needed: the same seed
gives the same run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from tests.provider.schedules.mortal import living


class Clock(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Skips(self))
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.now_s

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> Any:
        """At once. Work of a thread is a step of its process, at which that may be killed."""
        done = self.create_future()
        life = living()
        if life is not None:
            life.step()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        if life is not None:
            life.stepped()
        return done


class _Skips(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # one of several classes
    """Instead of waiting it moves the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("everybody waits for somebody else")
            self._clock.now_s += max(timeout, 0.0)
        return found
