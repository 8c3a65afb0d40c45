"""What a pod's container would say and do: a log one can add to, and a shell of four commands over the exec protocol.

No container runs. `echo`, `cat`, `exit N` and `sh -c` of those answer as the real ones would; anything else is not
found (127). The exec protocol is channels in the first byte of each message (kubernetes.md §4.4): 0 stdin, 1 stdout,
2 stderr, 3 status.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import shlex
from collections import defaultdict
from typing import Any

from aiohttp import WSMsgType, web

from provider.sandbox.cluster import status
from provider.sandbox.cluster.store import Store

Json = dict[str, Any]
_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


class Containers:
    """`say` adds a line to a container's log; `resizes` holds the terminal sizes clients announced, latest last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lines: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        self._more = asyncio.Event()
        self.resizes: list[Json] = []

    def say(self, pod_uid: str, container: str, line: str) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        self._lines[pod_uid, container].append((now, line))
        self.wake()

    def wake(self) -> None:
        """Let followers look again: a line was added, or a pod is gone."""
        self._more.set()
        self._more = asyncio.Event()

    async def log(self, request: web.Request, namespace: str, name: str) -> web.StreamResponse:
        pod = self._pod(namespace, name)
        container = self._container(pod, request.query.get("container", ""))
        if not _running(pod):
            text = f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating'
            raise status.bad_request(text)
        uid, query = pod["metadata"]["uid"], request.query
        lines = self._lines[uid, container]
        start = max(len(lines) - int(query["tailLines"]), 0) if "tailLines" in query else 0
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        try:
            while True:
                more = self._more
                for when, line in lines[start:]:
                    stamp = f"{when} " if query.get("timestamps") == "true" else ""
                    await response.write(f"{stamp}{line}\n".encode())
                start = len(lines)
                if query.get("follow") != "true" or self._gone(namespace, name, uid):
                    break
                await more.wait()
            await response.write_eof()
        except ConnectionError:
            pass  # the reader has seen enough
        return response

    async def exec(self, request: web.Request, namespace: str, name: str) -> web.WebSocketResponse:
        pod = self._pod(namespace, name)
        self._container(pod, request.query.get("container", ""))
        if not _running(pod):
            raise status.ApiError(500, "InternalError", "container not found")
        command = request.query.getall("command", [])
        if not command:
            raise status.bad_request("you must specify at least 1 command for the container")
        socket = web.WebSocketResponse(protocols=PROTOCOLS)
        await socket.prepare(request)
        code = await self._run(socket, command)
        await socket.send_bytes(bytes([_STATUS]) + json.dumps(_result(code)).encode())
        await socket.close()
        return socket

    async def _run(self, socket: web.WebSocketResponse, command: list[str]) -> int:
        match command:
            case ["echo", *words]:
                await socket.send_bytes(bytes([_STDOUT]) + " ".join(words).encode() + b"\n")
                return 0
            case ["cat"]:
                await self._cat(socket)
                return 0
            case ["true"]:
                return 0
            case ["false"]:
                return 1
            case ["exit", *code]:
                return int(code[0]) if code and code[0].isdigit() else 0
            case ["sh" | "/bin/sh" | "bash", "-c", script]:
                code_ = 0
                for line in script.replace("&&", ";").replace("\n", ";").split(";"):
                    words = shlex.split(line)
                    to_stderr = words[-1:] == [">&2"]
                    if words[:1] == ["exit"]:
                        return await self._run(socket, words)
                    if to_stderr and words[0] == "echo":
                        await socket.send_bytes(bytes([_STDERR]) + " ".join(words[1:-1]).encode() + b"\n")
                    elif words:
                        code_ = await self._run(socket, words)
                return code_
            case [program, *_]:
                await socket.send_bytes(bytes([_STDERR]) + f"sh: {program}: not found\n".encode())
                return 127
        return 0

    async def _cat(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel == _STDIN:
                await socket.send_bytes(bytes([_STDOUT]) + data)
            elif channel == _RESIZE:
                self.resizes.append(json.loads(data))
            elif channel == _CLOSE and data == bytes([_STDIN]):
                return

    def _pod(self, namespace: str, name: str) -> Json:
        pod = self._store.get("pods", namespace, name)
        if pod is None:
            raise status.not_found("", "pods", name)
        return pod

    def _container(self, pod: Json, asked: str) -> str:
        names = [each["name"] for each in pod["spec"]["containers"]]
        name = pod["metadata"]["name"]
        if asked and asked not in names:
            raise status.bad_request(f"container {asked} is not valid for pod {name}")
        if not asked and len(names) > 1:
            listed = " ".join(names)
            raise status.bad_request(f"a container name must be specified for pod {name}, choose one of: [{listed}]")
        return asked or str(names[0])

    def _gone(self, namespace: str, name: str, uid: str) -> bool:
        pod = self._store.get("pods", namespace, name)
        return pod is None or pod["metadata"]["uid"] != uid or not _running(pod)


def _running(pod: Json) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Running")


def _result(code: int) -> Json:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
