"""What becomes of a volume whose claim is gone; the whole story, on a real cluster too, is in
tests/contract/test_retained.py."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.kinds import CLAIMS, VOLUMES
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.persistent import Volumes

Json = dict[str, Any]
HOW = Write()
DATA = {"namespace": "default", "name": "data"}


@pytest.fixture
def volumes(objects: Objects) -> Volumes:
    return Volumes(objects)


def volume(objects: Objects, policy: str = "Retain", **reference: str) -> None:
    spec = {"persistentVolumeReclaimPolicy": policy, "capacity": {"storage": "1Gi"}, "claimRef": {**DATA, **reference}}
    objects.create(VOLUMES, "", {"metadata": {"name": "v"}, "spec": spec}, HOW)


def phase(objects: Objects) -> str:
    return str(objects.get(VOLUMES, "", "v")["status"]["phase"])


def claim(objects: Objects) -> Json:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "beta3",
    }
    return objects.create(CLAIMS, "default", {"metadata": {"name": "data"}, "spec": spec}, HOW)


def test_its_claim_is_there(objects: Objects, volumes: Volumes) -> None:
    volume(objects, uid=claim(objects)["metadata"]["uid"])
    volumes.look("v")
    assert phase(objects) == "Bound"


@pytest.mark.parametrize(("policy", "left"), [("Retain", ["Released"]), ("Delete", [])])
def test_its_claim_is_gone(objects: Objects, volumes: Volumes, policy: str, left: list[str]) -> None:
    claim(objects)
    volume(objects, policy, uid="of one before")
    volumes.look("v")
    volumes.look("no such")
    assert [v["status"]["phase"] for v in objects.store.list("persistentvolumes", "")] == left


def test_it_waits_for_a_claim_of_that_name(objects: Objects, volumes: Volumes) -> None:
    volume(objects)
    volumes.look("v")
    assert phase(objects) == "Available"
    asked = claim(objects)
    found = volumes.reserved(asked)
    assert found is not None
    assert found["spec"]["claimRef"]["uid"] == asked["metadata"]["uid"]
    volumes.look("v")
    assert phase(objects) == "Bound"


def test_it_is_nobody_elses(objects: Objects, volumes: Volumes) -> None:
    volume(objects, uid="of another")
    assert volumes.reserved(claim(objects)) is None
