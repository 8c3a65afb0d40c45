"""How work is started, queued and repeated: `spawn` names every task, `WorkQueue` hands out keys, `each` asks many
questions, `insist` waits for an answer.

The one subtlety is in WorkQueue: a key put while it is being worked on is handed out once more afterwards. That is
what makes "an event only says which key to look at" safe: no look is lost, and no key is looked at by two workers at
once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar

import structlog

from provider.errors import Pruned, Refused, Retry

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
log = structlog.get_logger()
REFUSED_AGAIN_S = 60.0
AT_ONCE = 16
"""questions to a node that are under way together, where there are many"""


def spawn(group: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """The one way to start a task: named, and owned by a group that ends with it when it fails."""
    return group.create_task(work, name=name)


def loop_s() -> float:
    """The running loop's time in seconds: what waits are told by."""
    return asyncio.get_running_loop().time()


class WorkQueue(Generic[K]):
    """Keys to look at.

    - A key waiting twice is handed out once.
    - A key is never with two workers at once.
    - A key put while it is being worked on is handed out again when `done`.
    - `put_after` hands a key out later; a `put` in between does not cancel it. Of a key at most one such moment is
      pending, the earliest: whoever handles the key then asks again for what is due later. Every look may ask for
      another without their number growing.
    - `retry` hands it out after a delay that doubles with each retry up to `max_backoff_s`; `done` forgets the delays.
    """

    def __init__(self, *, first_backoff_s: float = 0.5, max_backoff_s: float = 60.0) -> None:
        self._first, self._max = first_backoff_s, max_backoff_s
        self._waiting: dict[K, None] = {}
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._ready = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._working)

    @property
    def idle(self) -> bool:
        """Nothing waiting, nothing being worked on, nothing due later."""
        return not (self._waiting or self._working or self._timers)

    def put(self, key: K) -> None:
        if key in self._working:
            self._again.add(key)
        else:
            self._waiting[key] = None
            self._ready.set()

    def put_after(self, key: K, delay_s: float) -> None:
        def due() -> None:
            del self._timers[key]
            self.put(key)

        loop, pending = asyncio.get_running_loop(), self._timers.get(key)
        if pending is not None:
            if pending.when() <= loop.time() + delay_s:
                return
            pending.cancel()
        self._timers[key] = loop.call_later(delay_s, due)

    async def get(self) -> K:
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        key = next(iter(self._waiting))
        del self._waiting[key]
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        self._failures.pop(key, None)
        self._release(key)

    def retry(self, key: K, after_s: float | None = None) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(self._first * 2.0 ** min(failures, 30), self._max)
        self._release(key)
        self.put_after(key, delay if after_s is None else after_s)

    def _release(self, key: K) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.put(key)


async def work(queue: WorkQueue[K], handle: Callable[[K], Awaitable[None]], *, what: str) -> None:
    """One worker: hand each key to `handle`; `Retry` puts it back for later, and so does a height that nodes keep no
    more, since by then there is a newer one; a `Refused` that the handler did not expect for much later; anything else
    ends the process."""
    while True:
        key = await queue.get()
        with structlog.contextvars.bound_contextvars(**{what: str(key)}):
            try:
                await handle(key)
            except Retry as trouble:
                log.warning("will try again", why=str(trouble))
                queue.retry(key, trouble.after_s)
            except Pruned as gone:
                log.warning("will try again at a newer height", why=str(gone))
                queue.retry(key)
            except Refused as no:  # one key's trouble is not the others': a right is missing, a name is taken
                log.error("refused, will be looked at again", why=str(no), again_in_s=REFUSED_AGAIN_S)
                queue.retry(key, REFUSED_AGAIN_S)
            else:
                queue.done(key)


async def each(keys: Iterable[K], ask: Callable[[K], Awaitable[T]], *, what: str, at_once: int = AT_ONCE) -> dict[K, T]:
    """The answer to each key, `at_once` questions at a time. The first error ends them all and is raised as it is."""
    left, out = iter(keys), dict[K, T]()

    async def some() -> None:
        for key in left:
            out[key] = await ask(key)

    try:
        async with asyncio.TaskGroup() as tasks:
            for n in range(at_once):
                spawn(tasks, f"{what}-{n}", some())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return out


async def insist(what: str, ask: Callable[[], Awaitable[T]], *, patient: bool = True, max_backoff_s: float = 10.0) -> T:
    """Ask until there is an answer: for what cannot be put aside, because everything after it waits. `Retry` is the
    only thing that is waited out; not even that unless `patient`."""
    failures = 0
    while True:
        try:
            return await ask()
        except Retry as trouble:
            if not patient:
                raise
            delay = min(0.25 * 2.0**failures, max_backoff_s) if trouble.after_s is None else trouble.after_s
            failures = min(failures + 1, 16)
            log.warning("asked again", what=what, why=str(trouble), again_in_s=round(delay, 1))
            await asyncio.sleep(delay)
