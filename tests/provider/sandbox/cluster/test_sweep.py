"""What becomes of owned objects when their owner goes: with it, before it, or left behind."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.kinds import CONFIG_MAPS
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.store import Change
from provider.sandbox.cluster.sweep import Dependents
from provider.sandbox.cluster.workloads import owner_reference

Json = dict[str, Any]


class Garden:
    """Config maps that own one another, and a sweeper that looks until nothing changes."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._sweeper = Dependents(objects)
        self._dirty: list[tuple[str, str, str]] = []
        objects.store.listen(self._sweeper.hear)
        objects.store.listen(self._hear)

    def plant(self, name: str, *owners: Json, **meta: Any) -> Json:
        references = [owner_reference(owner) for owner in owners]
        body = {"metadata": {"name": name, "ownerReferences": references, **meta}}
        return self.objects.create(CONFIG_MAPS, "default", body, Write())

    def delete(self, name: str, policy: str = "Background") -> None:
        self.objects.delete(CONFIG_MAPS, "default", name, {"propagationPolicy": policy})

    def sweep(self) -> list[str]:
        """What is left, by name."""
        while self._dirty:
            batch, self._dirty = self._dirty, []
            for key in batch:
                self._sweeper.look(*key)
        return [each["metadata"]["name"] for each in self.objects.store.list("configmaps")]

    def _hear(self, change: Change) -> None:
        """What changed is looked at, and who owns it: the controllers promise as much."""
        owners = change.last["metadata"].get("ownerReferences", [])
        self._dirty += [change.key, *(("configmaps", "default", owner["name"]) for owner in owners)]


@pytest.fixture
def garden(objects: Objects) -> Garden:
    made = Garden(objects)
    root = made.plant("root")
    made.plant("leaf", made.plant("branch", root))
    made.plant("stone")
    return made


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_all_that_is_owned_goes(garden: Garden, policy: str) -> None:
    garden.delete("root", policy)
    assert garden.sweep() == ["stone"]


def test_in_the_foreground_the_owner_goes_last(garden: Garden) -> None:
    held = {"metadata": {"finalizers": ["akp.test/hold"]}}
    garden.objects.patch(CONFIG_MAPS, "default", "leaf", Write(), "merge", held)
    garden.delete("root", "Foreground")
    assert garden.sweep() == ["branch", "leaf", "root", "stone"]
    freed = {"metadata": {"finalizers": None}}
    garden.objects.patch(CONFIG_MAPS, "default", "leaf", Write(), "merge", freed)
    assert garden.sweep() == ["stone"]


def test_in_the_background_the_owner_waits_for_nobody(garden: Garden) -> None:
    held = {"metadata": {"finalizers": ["akp.test/hold"]}}
    garden.objects.patch(CONFIG_MAPS, "default", "branch", Write(), "merge", held)
    garden.delete("root")
    assert garden.sweep() == ["branch", "leaf", "stone"]
    assert "deletionTimestamp" in garden.objects.get(CONFIG_MAPS, "default", "branch")["metadata"]
    assert "deletionTimestamp" not in garden.objects.get(CONFIG_MAPS, "default", "leaf")["metadata"]


def test_orphans_stay_and_name_their_owner_no_more(garden: Garden) -> None:
    garden.delete("root", "Orphan")
    assert garden.sweep() == ["branch", "leaf", "stone"]
    assert "ownerReferences" not in garden.objects.get(CONFIG_MAPS, "default", "branch")["metadata"]
    assert "ownerReferences" in garden.objects.get(CONFIG_MAPS, "default", "leaf")["metadata"]
    garden.plant("root")
    garden.delete("root")
    assert garden.sweep() == ["branch", "leaf", "stone"]


def test_a_new_object_of_the_old_name_keeps_its_own(garden: Garden) -> None:
    garden.delete("root")
    garden.plant("graft", garden.plant("root"))
    assert garden.sweep() == ["graft", "root", "stone"]
