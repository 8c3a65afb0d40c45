"""A claim stays as it was rendered, and is not fought over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from manifests.ids import LeaseID
from manifests.render.names import route_labels
from provider.cluster.api.kinds import PROVIDER_HOST
from provider.cluster.routes.claims import ADDRESS, Ownership, move, ownership, take
from provider.cluster.routes.doors import Door
from provider.cluster.routes.keeping import Keeping
from provider.errors import Retry
from tests.provider.cluster.conftest import Memory

pytestmark = pytest.mark.looptime

MINE = LeaseID("akash1o", 1, 1, 1, "akash1p")
MY_OTHER = LeaseID("akash1o", 2, 1, 1, "akash1p")
WHERE = PROVIDER_HOST, "lease", "a.example"


def door(service: str = "web", lease: LeaseID = MINE) -> Door:
    metadata = {"name": "a.example", "namespace": "lease", "labels": route_labels(lease)}
    spec = {"owner": lease.owner, "dseq": lease.dseq, "gseq": 1, "oseq": 1, "provider": lease.provider}
    claim = {"metadata": metadata, "spec": {**spec, "service_name": service}}
    return Door({"apiVersion": "akash.network/v2beta2", "kind": "ProviderHost", **claim}, ())


def now(memory: Memory) -> Ownership:
    return ownership(PROVIDER_HOST, memory.objects[WHERE])


def edit(memory: Memory, **spec: Any) -> None:
    found = memory.objects[WHERE]
    memory.put({**found, "spec": {**found["spec"], **spec}})


async def kept(memory: Memory) -> Keeping:
    """After the first look at a claim."""
    keeping: Any = Keeping(memory)  # type: ignore[arg-type]
    await keeping.keep(MINE, door(), await take(memory, door().claim))  # type: ignore[arg-type]
    return keeping  # type: ignore[no-any-return]


async def test_a_claim_that_is_as_rendered_costs_nothing_and_one_that_is_not_is_written(memory: Memory) -> None:
    keeping = await kept(memory)
    held = now(memory)
    assert await keeping.keep(MINE, door(), held) is held
    edit(memory, service_name="db")
    with capture_logs() as logs:
        made = await keeping.keep(MINE, door(), now(memory))
    assert made is not None
    assert made.service == now(memory).service == "web"
    assert [line["event"] for line in logs] == ["changed by somebody, made as it was"]


async def test_a_change_that_comes_back_each_time_is_undone_less_and_less_often(memory: Memory) -> None:
    keeping = await kept(memory)
    undone = []
    for _ in range(6):
        before = memory.done.count("apply providerhosts/a.example")
        for _ in range(600):
            edit(memory, service_name="db")
            await keeping.keep(MINE, door(), now(memory))
            await asyncio.sleep(1)
        undone.append(memory.done.count("apply providerhosts/a.example") - before)
    assert undone[0] <= 8
    assert max(undone[3:]) <= 1
    assert await keeping.keep(MINE, door(), now(memory)) is None
    keeping.forget(MINE)
    assert await keeping.keep(MINE, door(), now(memory)) is not None, "nothing is remembered of a lease that is over"


async def test_what_is_rendered_otherwise_by_now_is_nobodys_change(memory: Memory) -> None:
    keeping = await kept(memory)
    with capture_logs() as logs:
        for service in ("db", "web", "db", "web"):
            await keeping.keep(MINE, door(service), now(memory))
            assert now(memory).service == service, "at once"
    assert logs == []


async def test_what_was_written_and_is_not_shown_yet_is_not_written_again(memory: Memory) -> None:
    keeping = await kept(memory)
    edit(memory, service_name="db")
    late = now(memory)
    await keeping.keep(MINE, door(), late)
    version = now(memory).version
    assert await keeping.keep(MINE, door(), late) is late
    assert now(memory).version == version


async def test_one_that_somebody_wrote_at_the_same_time_is_looked_at_again(memory: Memory) -> None:
    keeping = await kept(memory)
    edit(memory, service_name="db")
    late = now(memory)
    edit(memory, service_name="other")
    with pytest.raises(Retry):
        await keeping.keep(MINE, door(), late)
    assert await keeping.keep(MINE, door(), now(memory)) is not None, "what was not achieved does not count"


async def test_the_address_of_one_that_moved_stays_with_it(memory: Memory) -> None:
    keeping = await kept(memory)
    await move(memory, MY_OTHER, door(lease=MY_OTHER).claim, address="10.0.0.7")  # type: ignore[arg-type]
    edit(memory, service_name="db")
    made = await keeping.keep(MY_OTHER, door(lease=MY_OTHER), now(memory))
    assert made is not None
    assert (made.service, made.address) == ("web", "10.0.0.7")
    assert memory.objects[WHERE]["metadata"]["annotations"] == {ADDRESS: "10.0.0.7"}
