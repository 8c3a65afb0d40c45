"""Volumes that outlive their lease, over a few objects in memory. What a real cluster makes of it is told in
tests/contract/test_retained.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from manifests.ids import LeaseID, lease_namespace
from provider.cluster.api.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, Kind
from provider.cluster.objects.retained import KEPT, Retained, delete, give, keep, retained
from provider.errors import NotFound, Refused
from provider.sandbox.cluster.patches import merge_patch

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
NEXT = replace(LEASE, dseq=2)
NS = lease_namespace(LEASE)
GI = 1 << 30


class Store:
    def __init__(self) -> None:
        self.objects: dict[tuple[Kind, str], Any] = {}
        self.deleted: list[str] = []
        self.no: Refused | None = None

    def volume(self, name: str, policy: str = "Delete", phase: str = "Bound") -> None:
        claim = {"namespace": NS, "name": f"claim-{name}", "uid": "u1", "resourceVersion": "7"}
        spec = {"capacity": {"storage": "1Gi"}, "storageClassName": "beta3", "claimRef": claim}
        self.objects[PERSISTENT_VOLUME, name] = {
            "metadata": {"name": name},
            "spec": {**spec, "persistentVolumeReclaimPolicy": policy},
            "status": {"phase": phase},
        }
        self.claim(NS, f"claim-{name}", name)

    def claim(self, namespace: str, name: str, volume: str = "") -> None:
        spec = {"volumeName": volume} if volume else {}
        self.objects[PERSISTENT_VOLUME_CLAIM, name] = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}

    def phase(self, name: str, phase: str) -> None:
        self.objects[PERSISTENT_VOLUME, name]["status"]["phase"] = phase

    def policy(self, name: str) -> str:
        return str(self.objects[PERSISTENT_VOLUME, name]["spec"]["persistentVolumeReclaimPolicy"])

    def kept(self, name: str) -> Retained:
        return retained(self.objects[PERSISTENT_VOLUME, name])

    async def all(self, kind: Kind, namespace: str, labels: str = "") -> list[Any]:
        return [o for (k, _), o in self.objects.items() if k is kind and o["metadata"].get("namespace") == namespace]

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Any:
        found = self.objects.get((kind, name))
        if found is None or found["metadata"].get("namespace") != namespace:
            raise NotFound(name)
        return found

    async def patch(self, kind: Kind, namespace: str | None, name: str, change: Any) -> None:
        if self.no is not None:
            raise self.no
        self.objects[kind, name] = merge_patch(await self.get(kind, namespace, name), change)

    async def delete(self, kind: Kind, namespace: str | None, name: str) -> None:
        self.deleted.append(name)


@pytest.fixture
def store() -> Any:
    return Store()


async def test_a_leases_volumes_are_marked_and_no_longer_go_with_their_claims(store: Any) -> None:
    store.volume("a")
    store.volume("own", policy="Retain")
    store.claim(NS, "unbound")
    store.claim(NS, "lost", "nosuch")
    assert await keep(store, LEASE, 5000) == ["a"]
    assert store.policy("a") == "Retain"
    assert store.kept("a") == Retained("a", LEASE, "claim-a", "beta3", GI, 5000, "Bound")
    assert "labels" not in store.objects[PERSISTENT_VOLUME, "own"]["metadata"], "the operator's own way stays theirs"
    assert await keep(store, LEASE, 6000) == ["a"], "a second time, after an interruption"
    assert store.kept("a").until_unix_s == 6000


async def test_without_the_right_to_nothing_goes_on(store: Any) -> None:
    store.volume("a")
    store.no = Refused("persistentvolumes is forbidden (403)")
    with pytest.raises(Refused, match="forbidden"):
        await keep(store, LEASE, 5000)


async def test_when_its_time_is_over_its_driver_deletes_it(store: Any) -> None:
    store.volume("a")
    await keep(store, LEASE, 5000)
    store.phase("a", "Released")
    await delete(store, "a")
    assert (store.policy("a"), store.deleted) == ("Delete", [])


async def test_given_to_the_tenants_next_lease_it_waits_for_the_claim_of_that_name(store: Any) -> None:
    store.volume("a")
    await keep(store, LEASE, 5000)
    store.phase("a", "Released")
    assert await give(store, "a", NEXT) == "claim-a"
    reference = store.objects[PERSISTENT_VOLUME, "a"]["spec"]["claimRef"]
    assert (reference["namespace"], reference["name"]) == (lease_namespace(NEXT), "claim-a")
    assert not {"uid", "resourceVersion"} & reference.keys()
    assert (store.kept("a").lease, store.policy("a")) == (NEXT, "Retain")
    store.phase("a", "Available")
    await delete(store, "a")
    assert store.deleted == ["a"], "nobody came for it"


async def test_what_is_not_done(store: Any) -> None:
    store.volume("a")
    store.volume("foreign")
    await keep(store, LEASE, 5000)
    store.objects[PERSISTENT_VOLUME, "foreign"]["metadata"]["labels"] = {}
    with pytest.raises(Refused, match="none that was kept"):
        await delete(store, "foreign")
    for act in (delete(store, "a"), give(store, "a", NEXT)):
        with pytest.raises(Refused, match="in use by"):
            await act
    store.phase("a", "Released")
    with pytest.raises(Refused, match="not of akash1x"):
        await give(store, "a", replace(NEXT, owner="akash1x"))
    store.claim(lease_namespace(NEXT), "claim-a", "another")
    with pytest.raises(Refused, match="already has a claim"):
        await give(store, "a", NEXT)
    with pytest.raises(NotFound):
        await give(store, "nosuch", NEXT)


@pytest.mark.parametrize(
    ("phase", "bound", "released"),
    [("Bound", True, False), ("Released", False, True), ("Failed", False, True), ("Available", False, False)],
)
def test_what_takes_room_and_what_may_go(phase: str, bound: bool, released: bool) -> None:
    found = retained({"metadata": {"name": "a", "annotations": {"akash.network/retained-until": "soon"}},
                      "spec": {"capacity": {"storage": "1Gi"}, "storageClassName": "beta3"},
                      "status": {"phase": phase}})  # fmt: skip
    assert (found.bound, found.released, found.until_unix_s) == (bound, released, 0)
    assert (found.claim.namespace, found.claim.size_bytes, found.claim.bound) == ("", GI, True)


def test_they_are_found_by_their_label() -> None:
    assert KEPT == "akash.network/retained=true"
