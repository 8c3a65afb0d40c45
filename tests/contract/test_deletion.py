"""Ends: finalizers, preconditions, owners, namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest


def named(name: str, **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **meta}}


async def test_a_plain_delete_says_what_is_gone(api) -> None:
    made = await api.create("configmaps", named("a"))
    gone = await api.delete("configmaps/a")
    assert (gone.code, gone.body["kind"], gone.body["status"]) == (200, "Status", "Success")
    assert gone.body["details"] == {"name": "a", "kind": "configmaps", "uid": made.body["metadata"]["uid"]}
    assert (await api.get("configmaps/a")).code == 404


async def test_a_finalizer_holds_an_object_until_it_is_taken_off(api) -> None:
    await api.create("configmaps", named("a", finalizers=["x.test/hold"]))
    dying = await api.delete("configmaps/a")
    assert dying.code == 200
    assert dying.body["kind"] == "ConfigMap"
    assert dying.body["metadata"]["deletionTimestamp"]
    assert dying.body["metadata"]["deletionGracePeriodSeconds"] == 0
    more = await api.merge("configmaps/a", {"metadata": {"finalizers": ["x.test/hold", "x.test/more"]}})
    assert (more.code, more.fields()) == (422, {"metadata.finalizers"})
    changed = await api.merge("configmaps/a", {"data": {"still": "writable"}})
    assert changed.code == 200
    last = await api.merge("configmaps/a", {"metadata": {"finalizers": None}})
    assert last.code == 200
    assert (await api.get("configmaps/a")).code == 404


async def test_deleting_twice_changes_nothing(api) -> None:
    await api.create("configmaps", named("a", finalizers=["x.test/hold"]))
    first, second = await api.delete("configmaps/a"), await api.delete("configmaps/a")
    assert second.body["metadata"]["deletionTimestamp"] == first.body["metadata"]["deletionTimestamp"]
    assert second.version == first.version
    await api.merge("configmaps/a", {"metadata": {"finalizers": None}})


async def test_preconditions(api) -> None:
    made = await api.create("configmaps", named("a"))
    wrong = await api.delete("configmaps/a", {"preconditions": {"uid": "another"}})
    assert (wrong.code, wrong.body["reason"]) == (409, "Conflict")
    old = await api.delete("configmaps/a", {"preconditions": {"resourceVersion": "1"}})
    assert old.code == 409
    right = {"uid": made.body["metadata"]["uid"], "resourceVersion": made.version}
    assert (await api.delete("configmaps/a", {"preconditions": right})).code == 200


async def test_a_recreated_object_is_another_one(api) -> None:
    first = await api.create("configmaps", named("a"))
    await api.delete("configmaps/a")
    second = await api.create("configmaps", named("a"))
    assert first.body["metadata"]["uid"] != second.body["metadata"]["uid"]


async def owner_and_owned(api) -> None:
    owner = await api.create("configmaps", named("owner"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.body["metadata"]["uid"]}
    reference["blockOwnerDeletion"] = True
    await api.create("secrets", named("owned", ownerReferences=[reference]))


async def test_what_is_owned_goes_with_its_owner(api) -> None:
    await owner_and_owned(api)
    await api.delete("configmaps/owner")
    await api.eventually(lambda: api.get("secrets/owned"), lambda answer: answer.code == 404)


async def end_of_owner(api, policy: str, good: Callable[[Any], bool]) -> tuple[Any, Any]:
    """The answers to its deletion, and about what it owned once it is gone. Who collects garbage hears of the two by
    two ways and may not know yet that one owns the other, so it is given time to, more from try to try."""
    for known_in_s in (0, 1, 5, 20, 60):
        await owner_and_owned(api)
        await asyncio.sleep(known_in_s if api.real else 0)
        dying = await api.delete("configmaps/owner", {"propagationPolicy": policy})
        await api.eventually(lambda: api.get("configmaps/owner"), lambda answer: answer.code == 404)
        left = await api.get("secrets/owned")
        if good(left) or not api.real:
            break
        await api.eventually(lambda: api.delete("secrets/owned"), lambda answer: answer.code == 404)
    return dying, left


async def test_what_is_owned_goes_first_in_the_foreground(api) -> None:
    dying, owned = await end_of_owner(api, "Foreground", lambda left: left.code == 404)
    assert dying.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert owned.code == 404


async def test_an_orphan_stays(api) -> None:
    def stays(left: Any) -> bool:
        return left.code == 200 and "ownerReferences" not in left.body["metadata"]

    _, orphan = await end_of_owner(api, "Orphan", stays)
    assert orphan.code == 200
    assert "ownerReferences" not in orphan.body["metadata"]


async def test_the_life_of_a_namespace(api) -> None:
    home = f"/api/v1/namespaces/{api.ns}"
    born = await api.get(home)
    assert born.body["status"] == {"phase": "Active"}
    assert born.body["spec"] == {"finalizers": ["kubernetes"]}
    assert born.body["metadata"]["labels"] == {"kubernetes.io/metadata.name": api.ns}
    await api.create("configmaps", named("holds", finalizers=["x.test/hold"]))
    await api.create("configmaps", named("goes"))

    dying = await api.delete(home)
    assert (dying.code, dying.body["kind"], dying.body["status"]["phase"]) == (200, "Namespace", "Terminating")
    late = await api.create("configmaps", named("late"))
    assert (late.code, late.body["reason"]) == (403, "Forbidden")
    assert "because it is being terminated" in late.body["message"]
    assert late.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    await api.eventually(lambda: api.get("configmaps/goes"), lambda answer: answer.code == 404)
    await api.eventually(
        lambda: api.get("configmaps/holds"), lambda answer: bool(answer.body["metadata"].get("deletionTimestamp"))
    )
    assert (await api.get(home)).code == 200
    again = await api.delete(home)
    assert again.code in (200, 409)

    await api.merge("configmaps/holds", {"metadata": {"finalizers": None}})
    await api.eventually(lambda: api.get(home), lambda answer: answer.code == 404)
    # Until what admits objects has heard of the end, too, it is the namespace that goes (403).
    nowhere = await api.eventually(lambda: api.create("configmaps", named("a")), lambda answer: answer.code != 403)
    assert (nowhere.code, nowhere.body["details"]["kind"]) == (404, "namespaces")


async def test_a_namespace_says_what_it_waits_for(api) -> None:
    home = f"/api/v1/namespaces/{api.ns}"
    await api.create("configmaps", named("holds", finalizers=["x.test/hold"]))
    await api.delete(home)

    def says(answer: Any) -> bool:
        kinds = {each["type"]: each["status"] for each in answer.body["status"].get("conditions", [])}
        return kinds.get("NamespaceFinalizersRemaining") == "True" and kinds.get("NamespaceContentRemaining") == "True"

    await api.eventually(lambda: api.get(home), says)
    await api.merge("configmaps/holds", {"metadata": {"finalizers": None}})


@pytest.mark.parametrize("name", ["default", "kube-system"])
async def test_the_first_namespaces_stay(api, name: str) -> None:
    refused = await api.delete(f"/api/v1/namespaces/{name}")
    assert (refused.code, refused.body["reason"]) == (403, "Forbidden")
