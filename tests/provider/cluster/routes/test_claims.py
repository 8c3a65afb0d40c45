"""Host names and leased ports: first come, first served, and never two at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from manifests.ids import LeaseID
from manifests.render.names import route_labels
from provider.cluster.api.kinds import PROVIDER_HOST, PROVIDER_LEASED_IP
from provider.cluster.routes.claims import (
    ADDRESS,
    Ownership,
    Taken,
    give_up,
    move,
    ownership,
    read,
    rewrite,
    take,
    take_all,
    whole,
)
from provider.errors import Retry
from tests.provider.cluster.conftest import Memory

MINE = LeaseID("akash1o", 1, 1, 1, "akash1p")
MY_OTHER = LeaseID("akash1o", 2, 1, 1, "akash1p")
THEIRS = LeaseID("akash1x", 9, 1, 1, "akash1p")


def host(name: str, lease: LeaseID = MINE, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "lease", "labels": labels or route_labels(lease)}
    spec = {"owner": lease.owner, "dseq": lease.dseq, "gseq": 1, "oseq": 1, "provider": lease.provider}
    return {"apiVersion": "akash.network/v2beta2", "kind": "ProviderHost", "metadata": metadata, "spec": spec}


def now(memory: Memory, name: str = "a.example") -> Ownership:
    return ownership(PROVIDER_HOST, memory.objects[PROVIDER_HOST, "lease", name])


async def test_a_free_name_becomes_the_leases_and_stays_so(memory: Memory) -> None:
    assert (await take(memory, host("a.example"))).lease == MINE  # type: ignore[arg-type]
    assert (await take(memory, host("a.example"))).lease == MINE  # type: ignore[arg-type]
    assert (await take(memory, host("a.example", THEIRS))).lease == MINE  # type: ignore[arg-type]


async def test_of_two_at_the_same_time_one_gets_it_and_both_know_who(memory: Memory) -> None:
    both = await asyncio.gather(take(memory, host("a.example")), take(memory, host("a.example", THEIRS)))  # type: ignore[arg-type]
    assert {found.lease for found in both} == {now(memory).lease}


def owners(memory: Memory) -> dict[str, LeaseID | None]:
    return {name: ownership(kind, obj).lease for (kind, _, name), obj in memory.objects.items()}


@pytest.mark.parametrize("theirs", ["a", "b", "c"])
async def test_what_belongs_together_is_claimed_all_or_none(memory: Memory, theirs: str) -> None:
    wanted = [host(name) for name in ("c", "a", "b")]
    memory.put(host(theirs, MY_OTHER))
    assert await take_all(memory, MINE, wanted) is None  # type: ignore[arg-type]
    assert owners(memory) == {theirs: MY_OTHER}
    memory.drop(PROVIDER_HOST, "lease", theirs)
    for _ in range(2):
        found = await take_all(memory, MINE, wanted)  # type: ignore[arg-type]
        assert found is not None
        assert {key[1]: held.lease for key, held in found.items()} == {"a": MINE, "b": MINE, "c": MINE}


async def test_what_one_has_before_is_not_given_back_with_what_it_just_got(memory: Memory) -> None:
    memory.put(host("a"))
    memory.put(host("c", MY_OTHER))
    assert await take_all(memory, MINE, [host(name) for name in "abc"]) is None  # type: ignore[arg-type]
    assert owners(memory) == {"a": MINE, "c": MY_OTHER}


async def test_trouble_half_way_leaves_nothing_claimed(memory: Memory) -> None:
    memory.trouble["create providerhosts/b"] = Retry("connection refused")
    with pytest.raises(Retry):
        await take_all(memory, MINE, [host(name) for name in "abc"])  # type: ignore[arg-type]
    assert owners(memory) == {}


async def test_one_that_cannot_be_given_back_keeps_no_other(memory: Memory) -> None:
    memory.put(host("c", MY_OTHER))
    memory.trouble["delete providerhosts/a"] = Retry("connection refused")
    with pytest.raises(Retry):
        await take_all(memory, MINE, [host(name) for name in "abc"])  # type: ignore[arg-type]
    assert owners(memory) == {"a": MINE, "c": MY_OTHER}


async def test_what_belongs_together_says_so_until_it_is_known_that_all_was_had(memory: Memory) -> None:
    """So the next process knows a claim that was left half way from one whose route somebody has deleted."""
    found = await take_all(memory, MINE, [host("a"), host("b")])  # type: ignore[arg-type]
    assert found is not None
    seen = now(memory, "a")
    assert (seen.in_part, now(memory, "b").in_part) == (True, True)
    assert not (await whole(memory, "lease", seen)).in_part  # type: ignore[arg-type]
    assert (now(memory, "a").in_part, now(memory, "b").in_part) == (False, True)
    assert not (await whole(memory, "lease", seen)).in_part, "a mirror may be behind"  # type: ignore[arg-type]

    before = now(memory, "b")
    await move(memory, MY_OTHER, host("b", MY_OTHER))  # type: ignore[arg-type]
    with pytest.raises(Retry):
        await whole(memory, "lease", before)  # type: ignore[arg-type]
    memory.drop(PROVIDER_HOST, "lease", "b")
    with pytest.raises(Retry):
        await whole(memory, "lease", before)  # type: ignore[arg-type]

    alone = await take_all(memory, MINE, [host("c")])  # type: ignore[arg-type]
    assert alone is not None
    assert not now(memory, "c").in_part, "one alone is all"


async def test_given_up_between_asking_and_looking(memory: Memory) -> None:
    memory.put(host("a.example", THEIRS))
    get = memory.get

    async def gone_meanwhile(*args: Any) -> dict[str, Any]:
        memory.drop(PROVIDER_HOST, "lease", "a.example")
        return await get(*args)

    memory.get = gone_meanwhile  # type: ignore[method-assign]
    with pytest.raises(Retry):
        await take(memory, host("a.example"))  # type: ignore[arg-type]


async def test_a_claim_moves_to_another_lease_of_the_tenant_and_nowhere_else(memory: Memory) -> None:
    memory.put(host("a.example"))
    with pytest.raises(Taken, match=r"a\.example"):
        await move(memory, THEIRS, host("a.example", THEIRS))  # type: ignore[arg-type]
    assert now(memory).lease == MINE
    await move(memory, MY_OTHER, host("a.example", MY_OTHER), address="10.0.0.7")  # type: ignore[arg-type]
    assert (now(memory).lease, now(memory).address) == (MY_OTHER, "10.0.0.7")
    await move(memory, MY_OTHER, host("b.example", MY_OTHER))  # type: ignore[arg-type]
    assert (PROVIDER_HOST, "lease", "b.example") not in memory.objects, "what is nobody's is claimed by the rules"


async def test_of_two_moves_at_the_same_time_one_is_told_to_look_again(memory: Memory) -> None:
    memory.put(host("a.example"))
    third = LeaseID("akash1o", 3, 1, 1, "akash1p")
    outcomes = await asyncio.gather(
        *(rewrite(memory, host("a.example", lease), now(memory)) for lease in (MY_OTHER, third)),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert sorted(type(o).__name__ for o in outcomes) == ["Ownership", "Retry"]
    assert [o.lease for o in outcomes if isinstance(o, Ownership)] == [now(memory).lease]


async def test_a_claim_that_moved_is_not_given_up_by_who_had_it(memory: Memory) -> None:
    memory.put(host("a.example"))
    held = now(memory)
    await move(memory, MY_OTHER, host("a.example", MY_OTHER))  # type: ignore[arg-type]
    with pytest.raises(Retry):
        await give_up(memory, "lease", held)  # type: ignore[arg-type]
    assert now(memory).lease == MY_OTHER
    await give_up(memory, "lease", now(memory))  # type: ignore[arg-type]
    assert memory.objects == {}
    with pytest.raises(Retry):
        await read(memory, PROVIDER_HOST, "lease", "a.example")  # type: ignore[arg-type]


def test_a_claim_without_labels_still_says_whose_it_is() -> None:
    assert ownership(PROVIDER_HOST, host("a.example", foreign="label")).lease == MINE
    leased = {**host("x", foreign="label"), "spec": {"lease_id": host("x")["spec"], "service_name": "web"}}
    found = ownership(PROVIDER_LEASED_IP, leased)
    assert (found.lease, found.service, found.host, found.key) == (MINE, "web", "", (PROVIDER_LEASED_IP, "x"))
    nobody = {**leased, "spec": {}}
    assert ownership(PROVIDER_HOST, nobody).lease is None
    assert ADDRESS not in nobody["metadata"]
