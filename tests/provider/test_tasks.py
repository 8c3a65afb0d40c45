"""The work queue's guarantees, one by one, and how work is repeated."""

from __future__ import annotations

import asyncio

import pytest

from provider.errors import Pruned, Refused, Retry
from provider.tasks import REFUSED_AGAIN_S, WorkQueue, each, insist, loop_s, spawn, work

pytestmark = pytest.mark.looptime


async def test_a_key_waiting_twice_is_handed_out_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put("a")
    queue.put("a")
    queue.put("b")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 2
    queue.done("a")
    queue.done("b")
    assert queue.idle


async def test_a_key_put_while_being_worked_on_is_handed_out_again_when_done() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put("a")
    assert await queue.get() == "a"
    queue.put("a")
    queue.put("b")
    assert await queue.get() == "b"  # not "a": nobody else may work on it now
    queue.done("a")
    assert await queue.get() == "a"


async def test_a_key_put_for_later_comes_later_and_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.put_after("a", 10)
    assert not queue.idle
    start = asyncio.get_running_loop().time()
    assert await queue.get() == "a"
    assert asyncio.get_running_loop().time() - start == pytest.approx(10)


async def test_of_moments_that_are_asked_for_one_is_pending_and_the_earliest_wins() -> None:
    queue: WorkQueue[str] = WorkQueue()
    loop = asyncio.get_running_loop()
    began = loop.time()
    for delay_s in (60, 10, 30):
        queue.put_after("a", delay_s)
    assert len(queue._timers) == 1
    assert await queue.get() == "a"
    assert loop.time() - began == 10
    queue.done("a")
    assert queue.idle


async def test_looks_that_each_ask_for_another_do_not_multiply() -> None:
    """Each handling asks to be called again in five seconds, and something else asks for a look every second."""
    queue: WorkQueue[str] = WorkQueue()
    handled, most = 0, 0

    async def handle(key: str) -> None:
        nonlocal handled, most
        handled += 1
        queue.put_after(key, 5)
        most = max(most, len(queue._timers))

    async with asyncio.TaskGroup() as tasks:
        worker = spawn(tasks, "worker", work(queue, handle, what="key"))
        for _ in range(600):
            queue.put("a")
            await asyncio.sleep(1)
        before = handled
        await asyncio.sleep(600)
        worker.cancel()
    assert most == 1
    assert before <= 720, "a look each second, and one chain of its own"
    assert handled - before <= 120, "what is left is one chain"


async def test_retries_wait_longer_each_time_and_done_forgets() -> None:
    queue: WorkQueue[str] = WorkQueue(first_backoff_s=1, max_backoff_s=3)
    loop = asyncio.get_running_loop()
    waits = []
    queue.put("a")
    for _ in range(4):
        await queue.get()
        start = loop.time()
        queue.retry("a")
        await queue.get()
        waits.append(loop.time() - start)
        queue.put("a")  # keeps the loop going: handed out again after the next release
        queue._again.discard("a")
        queue._release("a")
        queue.put("a")
    assert waits == pytest.approx([1, 2, 3, 3])
    await queue.get()
    queue.done("a")
    queue.put("a")
    await queue.get()
    start = loop.time()
    queue.retry("a")
    await queue.get()
    assert loop.time() - start == pytest.approx(1)


async def test_a_worker_retries_trouble_and_goes_on() -> None:
    queue: WorkQueue[str] = WorkQueue(first_backoff_s=5)
    seen: list[tuple[str, float]] = []
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def handle(key: str) -> None:
        seen.append((key, loop.time() - start))
        if len(seen) == 1:
            raise Retry("node is down")
        if len(seen) == 2:
            raise Retry("node says when", after_s=42)
        if len(seen) == 3:
            raise Pruned("failed to load state at height 7")

    async with asyncio.TaskGroup() as tasks:
        worker = spawn(tasks, "worker", work(queue, handle, what="order"))
        queue.put("a")
        await asyncio.sleep(100)
        worker.cancel()
    assert seen == [("a", pytest.approx(at)) for at in (0, 5, 47, 67)]


async def test_a_refusal_of_one_key_does_not_stop_the_others() -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen: list[str] = []

    async def handle(key: str) -> None:
        seen.append(key)
        if key == "a":
            raise Refused("no right to delete it")

    async with asyncio.TaskGroup() as tasks:
        worker = spawn(tasks, "worker", work(queue, handle, what="lease"))
        queue.put("a")
        queue.put("b")
        await asyncio.sleep(REFUSED_AGAIN_S + 1)
        worker.cancel()
    assert seen == ["a", "b", "a"]


async def test_an_unexpected_error_ends_the_worker_and_its_group() -> None:
    queue: WorkQueue[str] = WorkQueue()

    async def handle(key: str) -> None:
        raise ZeroDivisionError

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            spawn(tasks, "worker", work(queue, handle, what="order"))
            queue.put("a")

    with pytest.raises(ExceptionGroup) as bad:
        await group()
    assert isinstance(bad.value.exceptions[0], ZeroDivisionError)


async def test_many_questions_are_asked_a_few_at_a_time_and_each_once() -> None:
    asked: list[int] = []
    now = most = 0

    async def ask(key: int) -> int:
        nonlocal now, most
        asked.append(key)
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01 * (key % 3))
        now -= 1
        return key * key

    answers = await each(range(20), ask, what="squares", at_once=4)
    assert answers == {key: key * key for key in range(20)}
    assert asked == list(range(20))
    assert most == 4
    assert await each([], ask, what="nothing") == {}


async def test_the_first_trouble_ends_them_all_and_is_told_as_it_is() -> None:
    asked: list[int] = []

    async def ask(key: int) -> None:
        asked.append(key)
        await asyncio.sleep(0)
        if key == 2:
            raise Retry("busy")
        await asyncio.sleep(3600)

    with pytest.raises(Retry, match="busy"):
        await each(range(100), ask, what="questions", at_once=4)
    assert asked == [0, 1, 2, 3]


async def test_tasks_have_names() -> None:
    async with asyncio.TaskGroup() as tasks:
        assert spawn(tasks, "orders-0", asyncio.sleep(0)).get_name() == "orders-0"


async def test_insist_waits_for_an_answer_and_for_nothing_else() -> None:
    answers: list[Exception | int] = [Retry("down"), Retry("down", after_s=30), Retry("down"), 42]

    async def ask() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    start = asyncio.get_running_loop().time()
    assert await insist("the answer", ask) == 42
    assert asyncio.get_running_loop().time() - start == pytest.approx(0.25 + 30 + 1)
    answers[:] = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        await insist("the answer", ask)


async def test_who_is_not_patient_hears_of_the_first_trouble() -> None:
    async def ask() -> int:
        raise Retry("down")

    with pytest.raises(Retry, match="down"):
        await insist("the answer", ask, patient=False)


async def test_the_clock_of_waits_is_the_loops() -> None:
    before = loop_s()
    await asyncio.sleep(3600)
    assert loop_s() - before == pytest.approx(3600)
