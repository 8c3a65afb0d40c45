"""Commands in pods, over a real websocket to a stand-in that plays the kubelet."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from bidengine.node import Ask
from provider.cluster.api.kube import Kube
from provider.cluster.exec import NOT_THERE, STDOUT, Outcome, Result, pick, run, session
from provider.cluster.inventory.pods import PodFacts
from provider.errors import NotFound, Refused, Retry, Unreachable

from .conftest import ApiServer

ENDED = {"status": "Success"}


def code(number: int) -> dict[str, Any]:
    return {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(number)}]},
    }


class Kubelet:
    """Says its lines, then repeats in capitals what it hears on standard input until that is closed, then ends with
    `status`."""

    def __init__(
        self, server: ApiServer, status: Any = ENDED, protocols: tuple[str, ...] = ("v5.channel.k8s.io",)
    ) -> None:
        self.status, self.protocols = status, protocols
        self.says: list[bytes] = []
        self.sizes: list[Any] = []
        self.heard = b""
        server.answers.append(self.answer)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=self.protocols)
        await socket.prepare(request)
        await socket.send_bytes(b"\x01")  # kubelets begin with empty frames
        for said in self.says:
            await socket.send_bytes(said)
        if request.query.get("stdin"):
            async for message in socket:
                if message.type is not WSMsgType.BINARY or message.data == b"\xff\x00":
                    break
                channel, data = message.data[0], message.data[1:]
                if channel == 0:
                    self.heard += data
                    await socket.send_bytes(b"\x01" + data.upper())
                elif channel == 4:
                    self.sizes.append(json.loads(data))
        if self.status is not None:
            body = self.status if isinstance(self.status, bytes) else json.dumps(self.status).encode()
            await socket.send_bytes(b"\x03" + body)
        await socket.close()
        return socket


async def test_output_errors_and_code(server: ApiServer, kube: Kube) -> None:
    kubelet = Kubelet(server, code(3))
    kubelet.says = [b"\x01out", b"\x02err", b"\x01put"]
    found = await run(kube, "ns", "web-0", "web", ["sh", "-c", "a b"])
    assert found == Outcome(Result(3), b"output", b"err")
    asked = server.asked[0]
    assert asked.path == "/api/v1/namespaces/ns/pods/web-0/exec"
    assert asked.query.getall("command") == ["sh", "-c", "a b"]
    assert asked.query["container"] == "web"
    assert asked.headers["Authorization"] == "Bearer first"
    assert asked.headers["Sec-WebSocket-Protocol"].split(",")[0] == "v5.channel.k8s.io"


async def test_input_is_heard_and_ends(server: ApiServer, kube: Kube) -> None:
    kubelet = Kubelet(server)
    found = await run(kube, "ns", "web-0", "web", ["cat"], stdin=b"hello" * 20_000)
    assert found == Outcome(Result(0), b"HELLO" * 20_000, b"")
    assert kubelet.heard == b"hello" * 20_000


async def test_a_terminal_has_a_size_and_one_output(server: ApiServer, kube: Kube) -> None:
    kubelet = Kubelet(server)
    async with session(kube, "ns", "web-0", "web", ["sh"], stdin=True, tty=True) as running:
        await running.resize(80, 24)
        await running.send(b"x")
        assert await running.end_input()
        assert [said async for said in running] == [(STDOUT, b"X")]
    assert kubelet.sizes == [{"Width": 80, "Height": 24}]
    assert running.result == Result(0)
    assert "stderr" not in server.asked[0].query


async def test_an_older_server_cannot_be_told_that_input_ends(server: ApiServer, kube: Kube) -> None:
    Kubelet(server, protocols=("v4.channel.k8s.io",))
    async with session(kube, "ns", "web-0", "web", ["sh"], stdin=True) as running:
        assert not await running.end_input()


@pytest.mark.parametrize(
    ("status", "result"),
    [
        pytest.param(ENDED, Result(0), id="all well"),
        pytest.param(code(137), Result(137), id="killed"),
        pytest.param(
            {"status": "Failure", "message": 'exec: "x": executable file not found in $PATH'},
            Result(0, NOT_THERE),
            id="no such",
        ),
        pytest.param(
            {"status": "Failure", "message": "stat /x: no such file or directory"},
            Result(0, NOT_THERE),
            id="no such file",
        ),
        pytest.param(
            {"status": "Failure", "message": "boom"}, Result(0, "command execution failed"), id="the kubelet failed"
        ),
        pytest.param({"status": "Failure", "details": None}, Result(0, "command execution failed"), id="says nothing"),
        pytest.param(b"garbage", Result(0, "command execution failed"), id="no JSON"),
        pytest.param(b"[]", Result(0, "command execution failed"), id="no object"),
        pytest.param(code("x"), Result(0, "command execution failed"), id="no number"),  # type: ignore[arg-type]
    ],
)
async def test_how_it_ended(server: ApiServer, kube: Kube, status: Any, result: Result) -> None:
    Kubelet(server, status)
    found = (await run(kube, "ns", "web-0", "web", ["x"])).result
    assert replace(found, cause="") == result


async def test_why_it_could_not_be_run_is_kept_for_the_log(server: ApiServer, kube: Kube) -> None:
    Kubelet(server, {"status": "Failure", "message": "node n7: no runtime"})
    found = (await run(kube, "ns", "web-0", "web", ["x"])).result
    assert found == Result(0, "command execution failed", "node n7: no runtime")


async def test_a_connection_that_breaks_off_is_not_success(server: ApiServer, kube: Kube) -> None:
    Kubelet(server, status=None)
    with pytest.raises(Unreachable, match="broke off"):
        await run(kube, "ns", "web-0", "web", ["x"])


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFound), (403, Refused), (400, Refused), (500, Retry), (429, Retry)]
)
async def test_refused_before_it_began(server: ApiServer, kube: Kube, status: int, error: type[Exception]) -> None:
    server.refuses(status, "no")
    with pytest.raises(error) as raised:
        await run(kube, "ns", "web-0", "web", ["x"])
    assert type(raised.value) is error


POD = PodFacts("ns", "web-0", "u", "n1", False, Ask(0, 0, 0), "", "web", True, False, 0, "", "")


def test_pods_are_numbered_by_name_and_only_while_they_live() -> None:
    dead, going, second = (
        replace(POD, name="web-", finished=True),
        replace(POD, name="web", going=True),
        replace(POD, name="web-1"),
    )
    assert pick([second, dead, POD, going], 0) is POD
    assert pick([second, dead, POD, going], 1) is second


@pytest.mark.parametrize(
    ("pods", "index", "says"),
    [
        ([], 0, "service with that name is not running"),
        ([replace(POD, finished=True)], 0, "service with that name is not running"),
        ([POD], 1, r"valid range is \[0, 0\]"),
        ([POD], -1, r"valid range is \[0, 0\]"),
        ([replace(POD, ready=False)], 0, "not ready"),
    ],
)
def test_no_such_pod(pods: list[PodFacts], index: int, says: str) -> None:
    with pytest.raises(Refused, match=says):
        pick(pods, index)
