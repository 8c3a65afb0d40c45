"""Logs and commands of containers that only pretend: which container is meant, and who is told no."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from provider.sandbox.cluster.kinds import PODS
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers

PLACE = "/api/v1/namespaces/default/pods"


def run(objects: Objects, name: str, *containers: str, phase: str = "Running") -> str:
    """A pod in a phase nobody has to wait for; returns its uid."""
    spec = {"containers": [{"name": each, "image": "web:1"} for each in containers]}
    made = objects.create(PODS, "default", {"metadata": {"name": name}, "spec": spec}, Write())
    objects.write_status(PODS, made, {"phase": phase})
    return str(made["metadata"]["uid"])


@pytest.fixture
def uids(objects: Objects, containers: Containers) -> dict[str, str]:
    found = {"one": run(objects, "one", "main"), "two": run(objects, "two", "main", "side")}
    found["new"] = run(objects, "new", "main", phase="Pending")
    for uid in found.values():
        containers.say(uid, "main", "from main")
        containers.say(uid, "side", "from side")
    return found


ASKED = {
    "the only one": ("one/log", 200, "from main\n"),
    "one of two": ("two/log?container=side", 200, "from side\n"),
    "one of two, but which": ("two/log", 400, "choose one of: [main side]"),
    "none of its": ("one/log?container=side", 400, "container side is not valid for pod one"),
    "not started": ("new/log", 400, 'container "main" in pod "new" is waiting to start'),
    "no such pod": ("old/log", 404, 'pods "old" not found'),
    "no lines": ("one/log?tailLines=0", 200, ""),
    "a command of one of two": ("two/exec?command=echo", 400, "choose one of: [main side]"),
    "no command": ("one/exec", 400, "at least 1 command"),
    "a command before the start": ("new/exec?command=echo", 500, "container not found"),
}


@pytest.mark.parametrize(("path", "code", "text"), ASKED.values(), ids=ASKED)
async def test_the_container_meant(api: TestClient, uids: dict[str, str], path: str, code: int, text: str) -> None:
    answer = await api.get(f"{PLACE}/{path}")
    body = await answer.text()
    assert answer.status == code
    assert body == text if code == 200 else text in json.loads(body)["message"]


async def test_lines_can_be_dated(api: TestClient, uids: dict[str, str]) -> None:
    answer = await api.get(f"{PLACE}/one/log?timestamps=true")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z from main\n", await answer.text())


@pytest.mark.parametrize("ending", ["gone", "replaced", "finished"])
async def test_a_follower_is_let_go_when_its_pod_ends(
    api: TestClient, objects: Objects, containers: Containers, uids: dict[str, str], ending: str
) -> None:
    answer = await api.get(f"{PLACE}/one/log?follow=true&tailLines=1")
    assert await answer.content.readline() == b"from main\n"
    containers.say(uids["one"], "main", "more")
    assert await answer.content.readline() == b"more\n"
    if ending == "finished":
        objects.write_status(PODS, objects.get(PODS, "default", "one"), {"phase": "Succeeded"})
    else:
        objects.remove(PODS, "default", "one")
    if ending == "replaced":
        containers.say(run(objects, "one", "main"), "main", "somebody else's")
    containers.wake()
    async with asyncio.timeout(180):
        assert await answer.content.read() == b""


SCRIPTS: dict[str, tuple[list[str], dict[int, bytes], int]] = {
    "line by line": (["sh", "-c", "echo a\necho b"], {1: b"a\nb\n"}, 0),
    "the last one counts": (["/bin/sh", "-c", "false; true"], {}, 0),
    "an exit ends it": (["bash", "-c", "exit 4; echo never"], {}, 4),
    "quoted words": (["sh", "-c", "echo 'a  b'"], {1: b"a  b\n"}, 0),
    "not found inside": (["sh", "-c", "frob; echo after"], {1: b"after\n", 2: b"sh: frob: not found\n"}, 0),
    "an exit alone": (["exit", "7"], {}, 7),
}


@pytest.mark.parametrize(("command", "said", "code"), SCRIPTS.values(), ids=SCRIPTS)
async def test_commands(
    api: TestClient, uids: dict[str, str], command: list[str], said: dict[int, bytes], code: int
) -> None:
    heard: dict[int, bytes] = {}
    query: Any = [("command", word) for word in command]
    async with api.ws_connect(f"{PLACE}/one/exec", params=query, protocols=("v4.channel.k8s.io",)) as socket:
        async for message in socket:
            heard[message.data[0]] = heard.get(message.data[0], b"") + message.data[1:]
    result = json.loads(heard.pop(3))
    assert heard == said
    assert result.get("message") == (
        f"command terminated with non-zero exit code: exit status {code}" if code else None
    )
