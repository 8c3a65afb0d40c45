"""A claim gets its volume, grows, and is let go by the last pod that used it."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.claims import Claims
from provider.sandbox.cluster.kinds import CLAIMS, PODS, STORAGE_CLASSES, VOLUMES
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.persistent import Volumes
from provider.sandbox.cluster.status import ApiError

Json = dict[str, Any]
HOW = Write()


@pytest.fixture
def claims(objects: Objects) -> Claims:
    return Claims(objects, Volumes(objects))


def ask(objects: Objects, **rest: Any) -> Json:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "beta3",
    }
    return objects.create(CLAIMS, "default", {"metadata": {"name": "data"}, "spec": spec | rest}, HOW)


def growing(objects: Objects, may: bool) -> None:
    objects.patch(STORAGE_CLASSES, "", "beta3", HOW, "merge", {"allowVolumeExpansion": may})


def live(objects: Objects) -> Json:
    return objects.get(CLAIMS, "default", "data")


def test_bound_to_a_volume_of_its_own(objects: Objects, claims: Claims) -> None:
    asked = ask(objects)
    claims.look("default", "data")
    bound = live(objects)
    volume = objects.get(VOLUMES, "", bound["spec"]["volumeName"])
    assert bound["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    assert volume["spec"]["claimRef"]["uid"] == asked["metadata"]["uid"]
    assert (volume["spec"]["capacity"], volume["status"]["phase"]) == ({"storage": "1Gi"}, "Bound")
    claims.look("default", "data")
    assert live(objects) == bound


def test_pending_while_its_class_is_unknown(objects: Objects, claims: Claims) -> None:
    asked = ask(objects, storageClassName="beta9")
    claims.look("default", "data")
    claims.look("default", "no such")
    assert live(objects) == asked
    assert objects.store.list("persistentvolumes") == []


def test_a_volume_asked_for_by_name_is_not_made_twice(objects: Objects, claims: Claims) -> None:
    objects.create(VOLUMES, "", {"metadata": {"name": "mine"}, "spec": {"capacity": {"storage": "5Gi"}}}, HOW)
    ask(objects, volumeName="mine")
    claims.look("default", "data")
    assert live(objects)["status"]["phase"] == "Bound"
    (volume,) = objects.store.list("persistentvolumes")
    assert volume["spec"]["capacity"] == {"storage": "5Gi"}


def test_it_grows(objects: Objects, claims: Claims) -> None:
    growing(objects, True)
    ask(objects)
    claims.look("default", "data")
    grown = {"resources": {"requests": {"storage": "2Gi"}}}
    objects.patch(CLAIMS, "default", "data", HOW, "merge", {"spec": grown})
    claims.look("default", "data")
    assert live(objects)["status"]["capacity"] == {"storage": "2Gi"}
    assert live(objects)["status"]["phase"] == "Bound"


def test_it_does_not_grow_where_its_class_does_not(objects: Objects, claims: Claims) -> None:
    growing(objects, False)
    ask(objects)
    claims.look("default", "data")
    grown = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    with pytest.raises(ApiError, match="must support resize"):
        objects.patch(CLAIMS, "default", "data", HOW, "merge", grown)


@pytest.mark.parametrize("held", [False, True], ids=["free", "held by another finalizer"])
def test_it_stays_while_a_pod_uses_it(objects: Objects, claims: Claims, held: bool) -> None:
    ask(objects)
    claims.look("default", "data")
    if held:
        finalizers = [*live(objects)["metadata"]["finalizers"], "akp.test/hold"]
        objects.patch(CLAIMS, "default", "data", HOW, "merge", {"metadata": {"finalizers": finalizers}})
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    pod = {"containers": [{"name": "main", "image": "web:1"}], "volumes": volumes}
    objects.create(PODS, "default", {"metadata": {"name": "user"}, "spec": pod}, HOW)
    objects.delete(CLAIMS, "default", "data", {})
    claims.look("default", "data")
    assert "kubernetes.io/pvc-protection" in live(objects)["metadata"]["finalizers"]
    objects.remove(PODS, "default", "user")
    claims.look("default", "data")
    if held:
        assert live(objects)["metadata"]["finalizers"] == ["akp.test/hold"]
        assert len(objects.store.list("persistentvolumes")) == 1
    else:
        assert objects.store.list("persistentvolumeclaims") == []
        assert objects.store.list("persistentvolumes") == []
