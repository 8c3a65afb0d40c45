"""Host names: first come, first served, and never two at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from manifests.ids import LeaseID
from manifests.render.names import route_labels
from provider.cluster.hostnames import claim, release
from provider.cluster.kinds import PROVIDER_HOST
from provider.errors import Refused, Retry

from .conftest import Memory

MINE = LeaseID("akash1o", 1, 1, 1, "akash1p")
MY_OTHER = LeaseID("akash1o", 2, 1, 1, "akash1p")
THEIRS = LeaseID("akash1x", 9, 1, 1, "akash1p")


def host(name: str, lease: LeaseID = MINE) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "lease", "labels": route_labels(lease)}
    return {"apiVersion": "akash.network/v2beta2", "kind": "ProviderHost", "metadata": metadata, "spec": {}}


def holders(memory: Memory) -> dict[str, str]:
    return {name: o["metadata"]["labels"]["akash.network/lease.id.dseq"] for (_, _, name), o in memory.objects.items()}


async def test_a_free_name_becomes_the_leases_and_stays_so(memory: Memory) -> None:
    assert await claim(memory, MINE, [host("a.example")]) == frozenset()  # type: ignore[arg-type]
    assert await claim(memory, MINE, [host("a.example")]) == frozenset()  # type: ignore[arg-type]
    assert holders(memory) == {"a.example": "1"}


async def test_a_name_of_the_tenants_other_lease_stays_there(memory: Memory) -> None:
    memory.put(host("a.example", MY_OTHER))
    assert await claim(memory, MINE, [host("a.example"), host("b.example")]) == {"a.example"}  # type: ignore[arg-type]
    assert holders(memory) == {"a.example": "2", "b.example": "1"}


async def test_another_tenants_name_is_refused(memory: Memory) -> None:
    memory.put(host("a.example", THEIRS))
    with pytest.raises(Refused, match=r"a\.example"):
        await claim(memory, MINE, [host("a.example")])  # type: ignore[arg-type]
    assert holders(memory) == {"a.example": "9"}


async def test_of_two_at_the_same_time_one_gets_it(memory: Memory) -> None:
    outcomes = await asyncio.gather(
        claim(memory, MINE, [host("a.example")]),  # type: ignore[arg-type]
        claim(memory, THEIRS, [host("a.example", THEIRS)]),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert sorted(type(o).__name__ for o in outcomes) == ["Refused", "frozenset"]


async def test_given_up_between_asking_and_looking(memory: Memory) -> None:
    memory.put(host("a.example", THEIRS))
    get = memory.get

    async def gone_meanwhile(*args: Any) -> dict[str, Any]:
        memory.drop(PROVIDER_HOST, "lease", "a.example")
        return await get(*args)

    memory.get = gone_meanwhile  # type: ignore[method-assign]
    with pytest.raises(Retry):
        await claim(memory, MINE, [host("a.example")])  # type: ignore[arg-type]


async def test_names_no_longer_wanted_are_given_up_others_are_not(memory: Memory) -> None:
    for h in (host("a.example"), host("old.example"), host("theirs.example", THEIRS), host("other.example", MY_OTHER)):
        memory.put(h)
    await release(memory, MINE, "lease", [host("a.example")])  # type: ignore[arg-type]
    assert holders(memory).keys() == {"a.example", "theirs.example", "other.example"}
