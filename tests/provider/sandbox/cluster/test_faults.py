"""Ordered troubles meet the calls they were ordered for, as often as ordered, and nobody else."""

from __future__ import annotations

import asyncio

import pytest

from provider.sandbox.cluster.faults import Faults
from provider.sandbox.cluster.status import ApiError


async def met(faults: Faults, method: str = "GET", path: str = "/api/v1/pods?watch=true") -> int:
    """The code a call gets, 200 when nothing is in its way."""
    try:
        await faults.meet(method, path)
    except ApiError as no:
        return no.code
    return 200


ORDERS = {
    "any call": ({}, 500),
    "a code": ({"status": 503}, 503),
    "a method, however written": ({"method": "get"}, 500),
    "another method": ({"method": "POST"}, 200),
    "a piece of the path": ({"path": "/pods"}, 500),
    "a piece of the query": ({"path": "watch=true$"}, 500),
    "another path": ({"path": "^/apis/"}, 200),
    "none": ({"count": 0}, 200),
}


@pytest.mark.parametrize(("order", "code"), ORDERS.values(), ids=ORDERS)
async def test_whom_an_order_meets(order: dict[str, object], code: int) -> None:
    faults = Faults()
    faults.fail_next(**order)  # type: ignore[arg-type]
    assert await met(faults) == code
    assert await met(faults) == 200


async def test_orders_are_served_in_turn_until_healed() -> None:
    faults = Faults()
    faults.fail_next(2, 429, retry_after_s=3)
    faults.fail_next(5, 409, method="POST")
    assert [await met(faults, method) for method in ("GET", "POST", "POST", "GET")] == [429, 429, 409, 200]
    faults.heal()
    assert await met(faults, "POST") == 200


async def test_an_order_for_later_lets_what_comes_before_it_pass_and_says_that_it_waits() -> None:
    faults = Faults()
    faults.fail_next(1, 409, path="/pods", after=2)
    assert [await met(faults) for _ in range(2)] == [200, 200]
    assert (await met(faults, path="/nodes"), faults.waiting) == (200, 1)
    assert (await met(faults), faults.waiting) == (409, 0)


async def test_a_lost_answer_is_served_first() -> None:
    faults = Faults()
    faults.lose_next(method="PATCH")
    assert [await faults.meet(method, "/") for method in ("GET", "PATCH", "PATCH")] == [False, True, False]


@pytest.mark.parametrize(
    ("code", "seconds", "reason", "details"),
    [
        (429, 3, "TooManyRequests", {"retryAfterSeconds": 3}),
        (503, 0, "ServiceUnavailable", {"retryAfterSeconds": 0}),
        (418, None, "InternalError", None),
    ],
)
async def test_what_the_call_is_told(code: int, seconds: int | None, reason: str, details: object) -> None:
    faults = Faults()
    faults.fail_next(1, code, retry_after_s=seconds)
    with pytest.raises(ApiError) as no:
        await faults.meet("GET", "/")
    assert (no.value.reason, no.value.details) == (reason, details)


@pytest.mark.looptime
async def test_a_stall_holds_what_it_matches_until_it_ends() -> None:
    faults = Faults()
    faults.fail_next(path="/pods")
    async with asyncio.TaskGroup() as group, faults.stalled("/pods"):
        held = group.create_task(met(faults))
        await asyncio.sleep(60)
        assert not held.done()
        assert await met(faults, path="/api/v1/nodes") == 200
    assert held.result() == 500  # it met the order only when it was let go
    assert await met(faults) == 200
