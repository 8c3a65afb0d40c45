"""The benchmark runs: it is not used every day, and the daemon's parts that it puts together change."""

from __future__ import annotations

from e2e import bench_screen


async def test_ordinary_orders_are_considered_and_others_are_declined() -> None:
    found = await bench_screen.run(20, 1)
    assert found["answers"] == {"considered": 16, "skip.audit_signature": 2, "skip.owner_denied": 2}
