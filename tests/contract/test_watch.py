"""Watches: from a version on, through selectors, with bookmarks, and too late."""

from __future__ import annotations

import asyncio
from typing import Any


def named(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


async def take(events: Any, count: int) -> list[tuple[str, str]]:
    found = []
    async with asyncio.timeout(600):
        async for event in events:
            found.append((event["type"], event["object"]["metadata"].get("name", "")))
            if len(found) == count:
                break
    return found


async def test_from_a_version_on_nothing_is_missed(api) -> None:
    start = (await api.get("configmaps")).version
    await api.create("configmaps", named("a"))
    await api.merge("configmaps/a", {"data": {"x": "1"}})
    await api.delete("configmaps/a")
    async with api.watch("configmaps", resourceVersion=start) as events:
        assert await take(events, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_without_a_version_everything_is_added_first(api) -> None:
    await api.create("secrets", named("a"))
    await api.create("secrets", named("b"))
    async with api.watch("secrets") as events:
        assert sorted(await take(events, 2)) == [("ADDED", "a"), ("ADDED", "b")]
        await api.create("secrets", named("c"))
        assert await take(events, 1) == [("ADDED", "c")]


async def test_a_selection_sees_objects_come_and_go(api) -> None:
    start = (await api.get("configmaps")).version
    async with api.watch("configmaps", resourceVersion=start, labelSelector="on=yes") as events:
        await api.create("configmaps", named("a", on="no"))
        await api.merge("configmaps/a", named("a", on="yes"))
        await api.merge("configmaps/a", {"data": {"x": "1"}})
        await api.merge("configmaps/a", named("a", on="no"))
        await api.delete("configmaps/a")
        await api.create("configmaps", named("b", on="yes"))
        seen = await take(events, 4)
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b")]


async def test_a_deleted_object_carries_the_version_of_its_end(api) -> None:
    made = await api.create("configmaps", named("a"))
    await api.delete("configmaps/a")
    async with api.watch("configmaps", resourceVersion=made.version) as events:
        event = await anext(events)
    assert event["type"] == "DELETED"
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(made.version)
    assert event["object"]["metadata"]["uid"] == made.body["metadata"]["uid"]


async def test_one_object_is_watched_by_its_name(api) -> None:
    start = (await api.get("configmaps")).version
    async with api.watch("configmaps", resourceVersion=start, fieldSelector="metadata.name=b") as events:
        await api.create("configmaps", named("a"))
        await api.create("configmaps", named("b"))
        assert await take(events, 1) == [("ADDED", "b")]


async def test_a_watch_ends_with_a_bookmark_when_its_time_is_over(api) -> None:
    start = (await api.get("configmaps")).version
    await api.create("configmaps", named("a"))
    for time_s in (3, 10, 30, 60):  # a real server that comes to nothing in its last two seconds leaves it out
        query = {"resourceVersion": start, "timeoutSeconds": str(time_s), "allowWatchBookmarks": "true"}
        async with api.watch("configmaps", **query) as events:
            seen = [event async for event in events]
        if not api.real or (seen and seen[-1]["type"] == "BOOKMARK"):
            break
    assert seen[0]["type"] == "ADDED"
    assert seen[-1]["type"] == "BOOKMARK"
    assert seen[-1]["object"]["kind"] == "ConfigMap"
    assert int(seen[-1]["object"]["metadata"]["resourceVersion"]) >= int(start)


async def test_a_list_can_arrive_as_a_stream(api) -> None:
    await api.create("secrets", named("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    async with api.watch("secrets", **query) as events:
        first, mark = await anext(events), await anext(events)
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
