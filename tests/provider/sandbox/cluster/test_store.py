"""The version counter, the history behind it, and what is left of the past when it is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.store import Change, Store


def named(name: str, namespace: str = "default", **rest: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, **rest}


def names(found: list[dict[str, Any]]) -> list[str]:
    return [f"{each['metadata'].get('namespace', '')}/{each['metadata']['name']}" for each in found]


def test_listed_by_namespace_then_name() -> None:
    store = Store()
    for namespace, name in (("b", "a"), ("a", "z"), ("b-", "a"), ("a", "b")):
        store.put("pods", named(name, namespace))
    assert names(store.list("pods")) == ["a/b", "a/z", "b/a", "b-/a"]
    assert names(store.list("pods", "b")) == ["b/a"]
    assert store.list("services") == []
    assert store.resources() == ["pods"]


def test_what_was_read_does_not_change() -> None:
    store = Store()
    given = named("a", size=1)
    first = store.put("pods", given)
    store.put("pods", named("a", size=2))
    assert "resourceVersion" not in given["metadata"]
    assert (first["size"], first["metadata"]["resourceVersion"]) == (1, "1001")
    assert store.get("pods", "default", "a") == named("a", size=2) | {
        "metadata": {"name": "a", "namespace": "default", "resourceVersion": "1002"}
    }


def test_every_version_can_be_listed_again() -> None:
    store = Store()
    store.put("pods", named("a", size=1))
    store.put("pods", named("a", size=2))
    store.put("services", named("s"))
    store.put("pods", named("b", size=3))
    store.remove("pods", "default", "a")
    sizes = {version: [each["size"] for each in store.list_at(version, "pods")] for version in range(1000, 1006)}
    assert sizes == {1000: [], 1001: [1], 1002: [2], 1003: [2], 1004: [2, 3], 1005: [3]}
    assert store.list_at(1004, "pods", "elsewhere") == []


def test_a_change_says_what_was_and_what_is() -> None:
    store = Store()
    heard: list[Change] = []
    stop = store.listen(heard.append)
    store.put("pods", named("a", size=1))
    store.put("pods", named("a", size=2))
    last = store.remove("pods", "default", "a")
    assert store.remove("pods", "default", "a") is None
    stop()
    store.put("pods", named("a"))
    sizes = [(each.before and each.before["size"], each.after and each.after["size"]) for each in heard]
    assert sizes == [(None, 1), (1, 2), (2, None)]
    assert [each.version for each in heard] == [1001, 1002, 1003]
    assert heard[-1].last == last
    assert last is not None
    assert last["metadata"]["resourceVersion"] == "1003"
    assert store.since(1000)[:3] == heard


def test_a_full_history_loses_its_oldest_quarter() -> None:
    store = Store(history=8)
    for _ in range(9):
        store.put("pods", named("a"))
    assert store.oldest == 1002
    assert [each.version for each in store.since(1002)] == list(range(1003, 1010))
    with pytest.raises(ApiError, match="too old resource version: 1001 \\(1002\\)"):
        store.since(1001)


def test_a_forgotten_history_keeps_the_objects() -> None:
    store = Store()
    store.put("pods", named("a"))
    store.forget()
    with pytest.raises(ApiError) as no:
        store.list_at(1001, "pods")
    assert (no.value.code, no.value.reason) == (410, "Expired")
    assert names(store.list_at(store.version, "pods")) == ["default/a"]
    assert store.since(store.version) == []
