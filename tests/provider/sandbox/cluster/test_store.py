from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.store import Change, Store

Json = dict[str, Any]


def thing(name: str, namespace: str = "n", value: str = "") -> Json:
    return {"metadata": {"name": name, "namespace": namespace}, "value": value}


def values(found: list[Json]) -> list[tuple[str, str]]:
    return [(each["metadata"]["name"], each["value"]) for each in found]


def test_every_write_is_the_next_version() -> None:
    store = Store()
    first = store.put("things", thing("a"))
    second = store.put("others", thing("a"))
    last = store.remove("things", "n", "a")
    assert last is not None
    versions = [int(each["metadata"]["resourceVersion"]) for each in (first, second, last)]
    assert versions == [1001, 1002, 1003]
    assert store.version == 1003


def test_what_was_read_stays_as_it_was() -> None:
    store = Store()
    store.put("things", thing("a", value="old"))
    read = store.get("things", "n", "a")
    store.put("things", thing("a", value="new"))
    assert read is not None
    assert read["value"] == "old"


def test_lists_are_in_order_of_namespace_and_name() -> None:
    store = Store()
    for namespace, name in (("n", "b"), ("m", "z"), ("n", "a"), ("n", "a-1")):
        store.put("things", thing(name, namespace))
    assert [each["metadata"]["name"] for each in store.list("things")] == ["z", "a", "a-1", "b"]
    assert [each["metadata"]["name"] for each in store.list("things", "m")] == ["z"]
    assert store.list("nothing") == []
    assert store.resources() == ["things"]


def test_an_earlier_picture() -> None:
    store = Store()
    for name in ("a", "b"):
        store.put("things", thing(name, value="old"))
    then = store.version
    store.put("things", thing("a", value="new"))
    store.put("things", thing("a", value="newer"))
    store.remove("things", "n", "b")
    store.put("things", thing("c"))
    store.put("others", thing("b"))
    assert values(store.list_at(then, "things")) == [("a", "old"), ("b", "old")]
    assert values(store.list_at(store.version, "things")) == [("a", "newer"), ("c", "")]


def test_changes_since() -> None:
    store = Store()
    store.put("things", thing("a", value="1"))
    then = store.version
    store.put("things", thing("a", value="2"))
    store.remove("things", "n", "a")
    changed, gone = store.since(then)
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.key, changed.before["value"], changed.after["value"]) == (("things", "n", "a"), "1", "2")
    assert (gone.after, gone.last["value"], gone.last["metadata"]["resourceVersion"]) == (None, "2", str(gone.version))
    assert store.since(store.version) == []


def test_removing_what_is_not_there_is_no_change() -> None:
    store = Store()
    assert store.remove("things", "n", "a") is None
    assert (store.version, store.since(store.version)) == (1000, [])


@pytest.mark.parametrize("version", [1, 999])
def test_what_was_before_the_beginning_is_expired(version: int) -> None:
    with pytest.raises(ApiError) as no:
        Store().since(version)
    assert (no.value.code, no.value.reason) == (410, "Expired")


def test_a_full_history_drops_its_oldest_quarter() -> None:
    store = Store(history=8)
    for n in range(8):
        store.put("things", thing("a", value=str(n)))
    assert len(store.since(1000)) == 8
    store.put("things", thing("a", value="8"))
    assert store.oldest == 1002
    assert [change.version for change in store.since(1002)] == list(range(1003, 1010))
    with pytest.raises(ApiError):
        store.since(1001)


def test_forgetting_expires_even_the_present_version() -> None:
    store = Store()
    store.put("things", thing("a"))
    then = store.version
    store.forget()
    with pytest.raises(ApiError):
        store.since(then)
    assert store.since(store.version) == []
    assert values(store.list("things")) == [("a", "")]


def test_listeners_hear_at_once_until_they_stop() -> None:
    store, heard = Store(), list[Change]()
    stop = store.listen(heard.append)
    store.put("things", thing("a"))
    assert [change.key[2] for change in heard] == ["a"]
    stop()
    store.put("things", thing("b"))
    assert len(heard) == 1
