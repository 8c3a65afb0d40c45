"""Logs of several pods, from a stand-in that keeps a log per pod and restarts containers."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from provider.cluster import logs as module
from provider.cluster.api.kube import Kube
from provider.cluster.logs import Line, logs
from provider.errors import NotFound, Retry

from .conftest import ApiServer


def stamp(n: int) -> str:
    return f"2026-01-01T00:00:{n:02d}.000000000Z"


class Pods:
    """`log[pod]` are (second, text); None: its container has not started; an int: the HTTP status to answer with."""

    def __init__(self, server: ApiServer, **log: Any) -> None:
        self.log, self.asked = log, server.asked
        self.service = "web"
        self.raw: dict[str, bytes] = {}
        server.answers.append(self.answer)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        *_, last = request.path.split("/")
        if last == "pods":
            labels = {"akash.network/manifest-service": self.service}
            items = [{"metadata": {"name": p, "namespace": "ns", "uid": p, "labels": labels}} for p in self.log]
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": items})
        pod = request.path.split("/")[-2]
        lines = self.log[pod]
        if lines is None:
            return web.json_response({"message": "container is waiting to start"}, status=400)
        if isinstance(lines, int):
            return web.json_response({"message": "trouble"}, status=lines)
        if pod in self.raw:
            return web.Response(body=self.raw[pod])
        since, tail = request.query.get("sinceTime", ""), int(request.query.get("tailLines", "1000"))
        found = [f"{stamp(n)} {text}\n" for n, text in lines if stamp(n) >= since][-tail:]
        return web.Response(text="".join(found))

    def queries(self) -> list[dict[str, str]]:
        return [dict(r.query) for r in self.asked if r.path.endswith("/log")]


async def read(kube: Kube, *, service: str = "", tail: int | None = None) -> list[Line]:
    async with logs(kube, "ns", service, tail=tail) as lines:
        return [line async for line in lines]


async def test_all_lines_of_all_pods(server: ApiServer, kube: Kube) -> None:
    pods = Pods(server, **{"web-a": [(1, "one"), (2, "two  spaced")], "web-b": [(1, "drei")]})
    found = await read(kube)
    assert sorted(found, key=lambda line: line.pod) == [
        Line("web-a", "one"),
        Line("web-a", "two  spaced"),
        Line("web-b", "drei"),
    ]
    assert pods.queries()[0] == {"timestamps": "true", "container": "web"}
    assert server.asked[0].query["labelSelector"] == "akash.network=true"


async def test_the_last_lines_of_one_service(server: ApiServer, kube: Kube) -> None:
    Pods(server, **{"web-a": [(1, "one"), (2, "two")]})
    assert await read(kube, service="web", tail=1) == [Line("web-a", "two")]
    assert server.asked[0].query["labelSelector"] == "akash.network=true,akash.network/manifest-service=web"


async def test_a_pod_that_has_not_started_does_not_spoil_the_others(server: ApiServer, kube: Kube) -> None:
    Pods(server, **{"web-a": None, "web-b": [(1, "here")], "web-c": 404})
    assert await read(kube) == [Line("web-b", "here")]


async def test_no_pods(server: ApiServer, kube: Kube) -> None:
    Pods(server)
    with pytest.raises(NotFound, match="no running pods"):
        await read(kube)


async def test_a_server_in_trouble_is_told(server: ApiServer, kube: Kube) -> None:
    Pods(server, **{"web-a": 503})
    with pytest.raises(Retry, match="trouble"):
        await read(kube)


async def test_bytes_that_are_no_text_and_lines_without_an_end(server: ApiServer, kube: Kube) -> None:
    pods = Pods(server, **{"web-a": []})
    pods.raw["web-a"] = f"{stamp(1)} ".encode() + b"\xff\xfe\n" + f"{stamp(2)} \n{stamp(3)} half".encode()
    assert [line.text for line in await read(kube)] == ["\ufffd\ufffd", "", "half"]


async def test_a_very_long_line_comes_in_pieces_with_nothing_lost(server: ApiServer, kube: Kube) -> None:
    pods = Pods(server, **{"web-a": []})
    pods.raw["web-a"] = f"{stamp(1)} ".encode() + b"x" * 1_000_000 + f"\n{stamp(2)} next\n".encode()
    *pieces, last = [line.text for line in await read(kube)]
    assert "".join(pieces) == "x" * 1_000_000
    assert len(pieces) > 1
    assert last == "next"


async def test_following_goes_on_over_restarts_and_new_pods(
    server: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.01)
    pods = Pods(server, **{"web-a": [(1, "one")], "web-b": None})
    found: list[Line] = []
    async with logs(kube, "ns", follow=True, tail=10) as lines:
        async for line in lines:
            found.append(line)
            if line.text == "one":
                pods.log["web-a"] = [(1, "one"), (2, "after the restart")]
            elif line.text == "after the restart":
                pods.log["web-b"] = [(5, "started at last")]
            elif line.text == "started at last":
                pods.log["web-c"] = [(6, "new")]
            else:
                break
    assert [line.text for line in found] == ["one", "after the restart", "started at last", "new"]
    first, again = [q for q in pods.queries() if q.get("sinceTime") or q.get("tailLines")][:2]
    assert first["follow"] == again["follow"] == "true"


async def test_leaving_ends_the_reading(server: ApiServer, kube: Kube) -> None:
    Pods(server, **{"web-a": [(n, "line") for n in range(60)]})

    async def read_one() -> None:
        async with logs(kube, "ns", follow=True) as lines:
            async for _ in lines:
                raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):  # and not wrapped in a group
        await read_one()
