"""What a watcher of a selection is told, and when it is told that nothing happened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provider.sandbox.cluster.kinds import PODS
from provider.sandbox.cluster.store import Store
from provider.sandbox.cluster.watch import GARBAGE, Watch

WEB, DB = {"app": "web"}, {"app": "db"}


def pod(labels: dict[str, str], namespace: str = "default") -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": namespace, "labels": labels}}


def watch(store: Store, *, namespace: str = "default", timeout_s: float = 1, **asked: Any) -> Watch:
    """Of the pods with app=web; `since` is where the store stands when nothing is said."""
    asked = {"since": store.version, "bookmarks": False} | asked
    wanted = WEB.items().__le__
    return Watch(
        store,
        PODS,
        namespace,
        lambda obj: wanted(obj["metadata"]["labels"].items()),
        lambda obj: obj,
        timeout_s=timeout_s,
        **asked,
    )


async def told(found: Watch) -> list[tuple[str, str]]:
    """Type and version of every event until the watch ends."""
    events = [json.loads(line) async for line in found.lines()]
    return [(event["type"], event["object"]["metadata"]["resourceVersion"]) for event in events]


CHANGES = {
    "appears": ([], [WEB], ["ADDED"]),
    "changes inside": ([WEB], [WEB | {"x": "y"}], ["MODIFIED"]),
    "starts to match": ([DB], [WEB], ["ADDED"]),
    "ceases to match": ([WEB], [DB], ["DELETED"]),
    "is none of ours": ([DB], [DB | {"x": "y"}], []),
    "goes": ([WEB], [None], ["DELETED"]),
    "went unseen": ([DB], [None], []),
    "comes and goes": ([], [WEB, None, WEB], ["ADDED", "DELETED", "ADDED"]),
}


@pytest.mark.looptime
@pytest.mark.parametrize("live", [False, True], ids=["told later", "told at once"])
@pytest.mark.parametrize(("before", "after", "events"), CHANGES.values(), ids=CHANGES)
async def test_a_selection_is_told_right(before: list[Any], after: list[Any], events: list[str], live: bool) -> None:
    store = Store()
    for labels in before:
        store.put("pods", pod(labels))
    found = watch(store, since=None if live else store.version)
    stream = found.lines()
    seen = []
    if live:
        store.put("pods", pod(WEB, "elsewhere"))
        store.put("pods", {"metadata": {"name": "a", "namespace": "default", "labels": WEB}})
        seen.append(json.loads(await anext(stream))["object"]["metadata"]["name"])
        if WEB in before:
            seen.append(json.loads(await anext(stream))["object"]["metadata"]["name"])
        assert seen == (["a", "p"] if WEB in before else ["a"])
    for labels in after:
        if labels is None:
            store.remove("pods", "default", "p")
        else:
            store.put("pods", pod(labels))
    assert [json.loads(line)["type"] async for line in stream] == events


@pytest.mark.looptime
async def test_all_namespaces_or_one_and_never_another_resource() -> None:
    store = Store()
    one, every = watch(store), watch(store, namespace="")
    store.put("pods", pod(WEB))
    store.put("pods", pod(WEB, "elsewhere"))
    store.put("services", pod(WEB))
    assert await told(one) == [("ADDED", "1001")]
    assert await told(every) == [("ADDED", "1001"), ("ADDED", "1002")]


BOOKMARKS = {
    "every minute and at the end": ({"timeout_s": 150, "bookmarks": True}, 3),
    "only at the end of a short one": ({"timeout_s": 30, "bookmarks": True}, 1),
    "never unasked": ({"timeout_s": 150}, 0),
    "not after a cut": ({"timeout_s": 30, "bookmarks": True, "cut": True}, 0),
}


@pytest.mark.looptime
@pytest.mark.parametrize(("asked", "count"), BOOKMARKS.values(), ids=BOOKMARKS)
async def test_bookmarks_say_how_far_one_is(asked: dict[str, Any], count: int) -> None:
    store = Store()
    store.put("services", pod(WEB))
    cut = "cut" in asked
    found = watch(store, **{name: value for name, value in asked.items() if name != "cut"})
    if cut:
        found.cut(garbage=False)
    assert await told(found) == [("BOOKMARK", "1001")] * count


@pytest.mark.looptime
async def test_the_first_bookmark_ends_what_was_there() -> None:
    store = Store()
    store.put("pods", pod(WEB))
    first, bookmark = [json.loads(line) async for line in watch(store, since=None, initial=True).lines()]
    assert first["type"] == "ADDED"
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.looptime
async def test_what_ends_a_watch_ends_it_for_good() -> None:
    store = Store()
    old = watch(store)
    store.forget()
    assert [json.loads(line)["object"]["code"] async for line in old.lines()] == [410]
    torn = watch(store)
    stream = torn.lines()
    store.put("pods", pod(WEB))
    torn.cut(garbage=True)
    store.put("pods", pod(DB))
    assert [line async for line in stream][-1] == GARBAGE
