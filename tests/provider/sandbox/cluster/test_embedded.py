"""What the stand-in has beyond a real server: troubles to order, containers that only pretend, and an honest banner.

That it otherwise answers like a real server is told by tests/contract.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import yaml

from provider.sandbox.cluster import EmbeddedCluster, NodeSpec

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
async def cluster() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster(ready_after_s=0.01, stop_after_s=0.01) as running:
        yield running


@pytest.fixture
async def http(cluster: EmbeddedCluster) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cluster.url) as session:
        yield session


def pod(name: str, image: str = "web:1", **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": image}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


async def until_running(http: aiohttp.ClientSession, name: str) -> None:
    async with asyncio.timeout(180):
        while True:
            async with http.get(f"{PODS}/{name}") as answer:
                if (await answer.json())["status"].get("phase") == "Running":
                    return
            await asyncio.sleep(0.01)


async def test_it_says_what_it_is_and_how_to_reach_it(cluster: EmbeddedCluster) -> None:
    assert "no container runs" in cluster.banner
    assert cluster.status()["what"] == cluster.banner
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    assert config["clusters"][0]["cluster"]["server"] == cluster.url


async def test_the_next_calls_fail_as_ordered(cluster: EmbeddedCluster, http: aiohttp.ClientSession) -> None:
    cluster.faults.fail_next(2, 429, method="GET", path="/pods", retry_after_s=1)
    for _ in range(2):
        async with http.get(PODS) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
            assert (await answer.json())["reason"] == "TooManyRequests"
    async with http.get(PODS) as answer:
        assert answer.status == 200


async def test_calls_wait_while_stalled(cluster: EmbeddedCluster, http: aiohttp.ClientSession) -> None:
    async with cluster.faults.stalled("/pods"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), http.get(PODS):
                pass
        async with http.get("/api/v1/nodes") as answer:
            assert answer.status == 200
    async with http.get(PODS) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(("garbage", "rest"), [(False, b""), (True, b'{"type":"MODIFIED","object":{"meta')])
async def test_watches_are_cut(
    cluster: EmbeddedCluster, http: aiohttp.ClientSession, garbage: bool, rest: bytes
) -> None:
    async with http.get("/api/v1/nodes?watch=true") as stream:
        assert json.loads(await stream.content.readline())["type"] == "ADDED"
        await stream.content.readline()
        cluster.faults.cut_watches(garbage=garbage)
        assert await stream.content.read() == rest


async def test_an_expired_history_is_410(cluster: EmbeddedCluster, http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1/nodes?limit=1") as answer:
        meta = (await answer.json())["metadata"]
    cluster.expire_history()
    async with http.get(f"/api/v1/nodes?watch=true&resourceVersion={meta['resourceVersion']}") as stream:
        event = json.loads(await stream.content.readline())
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    async with http.get("/api/v1/nodes", params={"continue": meta["continue"]}) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (410, "Expired")


async def test_a_broken_image_never_starts(cluster: EmbeddedCluster, http: aiohttp.ClientSession) -> None:
    cluster.broken_images.add("nowhere/x:1")
    await http.post(PODS, json=pod("bad", "nowhere/x:1"))
    await http.post(PODS, json=pod("good"))
    await until_running(http, "good")
    async with http.get(f"{PODS}/bad") as answer:
        status = (await answer.json())["status"]
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "ImagePullBackOff"}}


async def test_nodes_have_only_so_much_room(http: aiohttp.ClientSession) -> None:
    gpus = {"limits": {"nvidia.com/gpu": "8"}}
    for name in ("first", "second"):
        body = pod(name)
        body["spec"]["containers"][0]["resources"] = gpus
        await http.post(PODS, json=body)
    await until_running(http, "first")
    async with http.get(f"{PODS}/second") as answer:
        assert (await answer.json())["status"]["conditions"][0]["reason"] == "Unschedulable"
    await http.delete(f"{PODS}/first")
    await until_running(http, "second")


async def test_a_claim_is_bound_and_kept_while_used(http: aiohttp.ClientSession) -> None:
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await http.post(claims, json={"metadata": {"name": "c"}, "spec": spec})
    await http.post(PODS, json=pod("user", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]))
    await until_running(http, "user")
    async with http.get(f"{claims}/c") as answer:
        claim = await answer.json()
    assert (claim["status"]["phase"], claim["spec"]["storageClassName"]) == ("Bound", "beta3")
    await http.delete(f"{claims}/c")
    async with http.get(f"{claims}/c") as answer:
        assert answer.status == 200
    async with asyncio.timeout(180), http.get(f"{claims}?watch=true") as stream:
        await http.delete(f"{PODS}/user")
        while json.loads(await stream.content.readline())["type"] != "DELETED":
            pass


async def test_logs_begin_with_the_start_and_can_be_followed(
    cluster: EmbeddedCluster, http: aiohttp.ClientSession
) -> None:
    await http.post(PODS, json=pod("p"))
    await until_running(http, "p")
    async with http.get(f"{PODS}/p/log?follow=true") as stream:
        assert await stream.content.readline() == b"web:1 started\n"
        cluster.say("default", "p", "second")
        assert await stream.content.readline() == b"second\n"
        await http.delete(f"{PODS}/p")
        assert await stream.content.read() == b""


async def test_only_the_last_lines(cluster: EmbeddedCluster, http: aiohttp.ClientSession) -> None:
    await http.post(PODS, json=pod("p"))
    await until_running(http, "p")
    cluster.say("default", "p", "last")
    async with http.get(f"{PODS}/p/log?tailLines=1") as answer:
        assert await answer.text() == "last\n"
    async with http.get(f"{PODS}/p/log?container=none") as answer:
        assert answer.status == 400


COMMANDS = {
    "echo": (["echo", "a", "b"], b"a b\n", b"", 0),
    "a script": (["sh", "-c", "echo out; echo err >&2; exit 3"], b"out\n", b"err\n", 3),
    "false": (["false"], b"", b"", 1),
    "unknown": (["frobnicate"], b"", b"sh: frobnicate: not found\n", 127),
}


@pytest.mark.parametrize(("command", "out", "err", "code"), COMMANDS.values(), ids=COMMANDS)
async def test_exec_answers_over_channels(
    http: aiohttp.ClientSession, command: list[str], out: bytes, err: bytes, code: int
) -> None:
    await http.post(PODS, json=pod("p"))
    await until_running(http, "p")
    query = [("command", word) for word in command]
    said = {1: b"", 2: b"", 3: b""}
    url = f"{PODS}/p/exec"
    async with http.ws_connect(url, params=query, protocols=("v5.channel.k8s.io", "v4.channel.k8s.io")) as socket:
        assert socket.protocol == "v5.channel.k8s.io"
        async for message in socket:
            said[message.data[0]] += message.data[1:]
    assert (said[1], said[2]) == (out, err)
    result = json.loads(said[3])
    assert result["status"] == ("Success" if code == 0 else "Failure")
    if code:
        assert result["details"]["causes"] == [{"reason": "ExitCode", "message": str(code)}]


async def test_cat_gives_back_what_it_gets_until_the_input_is_closed(
    cluster: EmbeddedCluster, http: aiohttp.ClientSession
) -> None:
    await http.post(PODS, json=pod("p"))
    await until_running(http, "p")
    async with http.ws_connect(f"{PODS}/p/exec?command=cat&stdin=true", protocols=("v5.channel.k8s.io",)) as socket:
        await socket.send_bytes(b'\x04{"Width":80,"Height":24}')
        await socket.send_bytes(b"\x00hello")
        assert await socket.receive_bytes() == b"\x01hello"
        await socket.send_bytes(b"\xff\x00")
        assert json.loads((await socket.receive_bytes())[1:])["status"] == "Success"
    assert cluster.containers.resizes == [{"Width": 80, "Height": 24}]


async def test_other_nodes_can_be_had() -> None:
    async with (
        EmbeddedCluster([NodeSpec("only", cpu_milli=500, gpus=2)]) as small,
        aiohttp.ClientSession(small.url) as http,
        http.get("/api/v1/nodes") as answer,
    ):
        (node,) = (await answer.json())["items"]
    assert node["status"]["allocatable"]["cpu"] == "500m"
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "2"
