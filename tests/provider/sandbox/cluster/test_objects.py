"""What a write changes besides what was asked: names, versions, generations, dates of deletion; and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provider.sandbox.cluster.kinds import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.status import ApiError

Json = dict[str, Any]
HOW = Write(manager="tester")
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "web:1"}], "nodeName": "n"}}


def note(text: str = "old", **meta: Any) -> Json:
    return {"metadata": {"name": "note", **meta}, "data": {"text": text}}


def workload(image: str) -> Json:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}}
    return {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": labels}, "template": template}}


def test_a_name_is_made_up_when_asked(objects: Objects) -> None:
    made = [objects.create(CONFIG_MAPS, "default", {"metadata": {"generateName": "x-"}}, HOW) for _ in range(3)]
    names = {each["metadata"]["name"] for each in made}
    assert len(names) == 3
    assert {(name[:2], len(name)) for name in names} == {("x-", 7)}
    long = objects.create(CONFIG_MAPS, "default", {"metadata": {"generateName": "y" * 80}}, HOW)
    assert len(long["metadata"]["name"]) == 63


def test_a_write_that_changes_nothing_is_no_new_version(objects: Objects) -> None:
    first = objects.create(CONFIG_MAPS, "default", note(), HOW)
    assert objects.update(CONFIG_MAPS, "default", "note", note(), HOW) == first
    dry = Write(manager="tester", dry_run=True)
    assert objects.update(CONFIG_MAPS, "default", "note", note("new"), dry)["data"] == {"text": "new"}
    assert objects.get(CONFIG_MAPS, "default", "note") == first
    changed = objects.update(CONFIG_MAPS, "default", "note", note("new"), HOW)
    assert changed["metadata"]["resourceVersion"] > first["metadata"]["resourceVersion"]
    assert changed["metadata"]["uid"] == first["metadata"]["uid"]


def test_generations_count_changes_of_what_is_wanted(objects: Objects) -> None:
    def generation(change: Json) -> int:
        return int(objects.patch(DEPLOYMENTS, "default", "web", HOW, "merge", change)["metadata"]["generation"])

    objects.create(DEPLOYMENTS, "default", workload("web:1"), HOW)
    assert generation({"metadata": {"labels": {"a": "b"}}}) == 1
    assert generation({"status": {"replicas": 7}, "metadata": {"generation": 9}}) == 1
    assert generation({"spec": {"replicas": 3}}) == 2
    live = objects.get(DEPLOYMENTS, "default", "web")
    assert "replicas" not in live.get("status", {})  # a write of the object does not speak for its status
    stated = objects.write_status(DEPLOYMENTS, live | {"spec": {}}, {"replicas": 3})
    assert (stated["status"], stated["spec"]["replicas"]) == ({"replicas": 3}, 3)
    assert stated["metadata"]["generation"] == 2


def test_unknown_fields_are_dropped_and_named_or_refused(objects: Objects) -> None:
    dropped: list[str] = []
    made = objects.create(CONFIG_MAPS, "default", note() | {"date": {}}, Write(unknown=dropped))
    assert (dropped, "date" in made) == (["date"], False)
    with pytest.raises(ApiError, match='strict decoding error: unknown field "date"'):
        objects.update(CONFIG_MAPS, "default", "note", note() | {"date": {}}, Write(strict=True))


REFUSED: dict[str, tuple[Callable[[Objects], Any], int]] = {
    "twice": (lambda o: o.create(CONFIG_MAPS, "default", note(), HOW), 409),
    "into nowhere": (lambda o: o.create(CONFIG_MAPS, "nowhere", note(), HOW), 404),
    "into another place": (lambda o: o.create(CONFIG_MAPS, "default", note(namespace="b"), HOW), 400),
    "with a version of its own": (
        lambda o: o.create(CONFIG_MAPS, "default", {"metadata": {"name": "b", "resourceVersion": "7"}}, HOW),
        500,
    ),
    "of another kind": (lambda o: o.create(CONFIG_MAPS, "default", note() | {"kind": "Secret"}, HOW), 400),
    "no object": (lambda o: o.create(CONFIG_MAPS, "default", [], HOW), 400),
    "a name beside the path": (lambda o: o.update(CONFIG_MAPS, "default", "other", note(), HOW), 400),
    "over a newer one": (lambda o: o.update(CONFIG_MAPS, "default", "note", note(resourceVersion="7"), HOW), 409),
    "over another one": (lambda o: o.update(CONFIG_MAPS, "default", "note", note(uid="7"), HOW), 409),
    "a new name": (
        lambda o: o.patch(CONFIG_MAPS, "default", "note", HOW, "merge", {"metadata": {"name": "b"}}),
        422,
    ),
    "nothing left": (lambda o: o.patch(CONFIG_MAPS, "default", "note", HOW, "merge", []), 400),
    "of what is not there": (lambda o: o.patch(CONFIG_MAPS, "default", "b", HOW, "merge", {}), 404),
    "applied to what is gone": (
        lambda o: o.apply(CONFIG_MAPS, "default", "b", {"metadata": {"name": "b", "resourceVersion": "7"}}, HOW),
        404,
    ),
    "applied with owners": (
        lambda o: o.apply(CONFIG_MAPS, "default", "note", note(managedFields=[]), HOW),
        400,
    ),
    "deleted in another version": (
        lambda o: o.delete(CONFIG_MAPS, "default", "note", {"preconditions": {"resourceVersion": "7"}}),
        409,
    ),
    "deleted instead of another": (
        lambda o: o.delete(CONFIG_MAPS, "default", "note", {"preconditions": {"uid": "7"}}),
        409,
    ),
    "deleted for ever": (lambda o: o.delete(NAMESPACES, "", "default", {}), 403),
}


@pytest.mark.parametrize(("write", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refused_write_changes_nothing(objects: Objects, write: Callable[[Objects], Any], code: int) -> None:
    objects.create(CONFIG_MAPS, "default", note(), HOW)
    before = objects.store.version
    with pytest.raises(ApiError) as no:
        write(objects)
    assert (no.value.code, objects.store.version) == (code, before)


def test_a_date_comes_before_the_end(objects: Objects) -> None:
    objects.create(PODS, "default", POD, HOW)
    dying, gone = objects.delete(PODS, "default", "p", {"dryRun": ["All"]})
    assert "deletionTimestamp" in dying["metadata"]
    assert "deletionTimestamp" not in objects.get(PODS, "default", "p")["metadata"]
    dying, gone = objects.delete(PODS, "default", "p", {})
    assert (dying["metadata"]["deletionGracePeriodSeconds"], dying["metadata"]["generation"], gone) == (30, 2, False)
    assert objects.delete(PODS, "default", "p", {"gracePeriodSeconds": 40}) == (dying, False)
    shorter, _ = objects.delete(PODS, "default", "p", {"gracePeriodSeconds": 5})
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5
    _, gone = objects.delete(PODS, "default", "p", {"gracePeriodSeconds": 0})
    assert gone
    assert objects.store.get("pods", "default", "p") is None


def test_the_last_finalizer_ends_it(objects: Objects) -> None:
    objects.create(CONFIG_MAPS, "default", note(finalizers=["a.test/x", "a.test/y"]), HOW)

    def hold(*finalizers: str) -> bool:
        change = {"metadata": {"finalizers": list(finalizers) or None}}
        objects.patch(CONFIG_MAPS, "default", "note", HOW, "merge", change)
        return objects.store.get("configmaps", "default", "note") is not None

    assert not objects.delete(CONFIG_MAPS, "default", "note", {})[1]
    assert hold("a.test/y")
    with pytest.raises(ApiError, match="no new finalizers can be added"):
        hold("a.test/y", "a.test/z")
    assert not hold()
