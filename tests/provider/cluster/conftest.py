"""An API server stand-in that answers what the test tells it to, over a real socket: it can refuse, stall, cut and
talk nonsense."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from provider.cluster.api.kinds import NAMESPACE, Kind, kind_of
from provider.cluster.api.kube import FIELD_MANAGER, Event, Kube, Page
from provider.errors import AkpError, Conflict, NotFound
from provider.settings import ClusterSettings

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiServer:
    """`answers` are taken one after the other, the last again and again; `asked` are the requests as they came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[web.Request] = []
        self.bodies: list[Any] = []
        self.url = ""
        self.kubeconfig = Path()

    @property
    def settings(self) -> ClusterSettings:
        return ClusterSettings(kubeconfig=self.kubeconfig)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        body = await request.read()
        self.bodies.append(json.loads(body) if body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    def says(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        async def answer(_: web.Request) -> web.StreamResponse:
            if isinstance(body, bytes):
                return web.Response(body=body, status=status, headers=headers)
            return web.json_response(body, status=status, headers=headers)

        self.answers.append(answer)

    def refuses(self, status: int, message: str, **more: Any) -> None:
        headers = more.pop("headers", None)
        self.says({"kind": "Status", "status": "Failure", "message": message, "code": status, **more}, status, headers)

    def streams(self, *pieces: bytes | float, cut: bool = False) -> None:
        """Send bytes, wait where a number stands; end properly, or by cutting the connection."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for piece in pieces:
                if isinstance(piece, bytes):
                    await response.write(piece)
                else:
                    await asyncio.sleep(piece)
            if cut:
                assert request.transport is not None
                request.transport.abort()
            else:
                await response.write_eof()
            return response

        self.answers.append(answer)


def real_node(name: str) -> dict[str, Any]:
    """A Node as such a cluster has it, from the folder `nodes`: modelled on what the kubelet, the labellers and the
    device plugins write."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "nodes" / f"{name}.json").read_text())
    return found


def kubeconfig_text(url: str, token: str = "first") -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "current-context": "here",
        }
    )


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    out = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", out.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    out.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    out.kubeconfig = tmp_path / "kubeconfig"
    out.kubeconfig.write_text(kubeconfig_text(out.url))
    yield out
    await runner.cleanup()


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[Kube]:
    async with Kube.connect(server.settings) as out:
        yield out


class Memory:
    """A cluster in memory with the methods of Kube that Cluster uses: objects by kind, watches that tell every change.
    `trouble[verb plural/name]` is raised once per entry, of a watch (`watch nodes`) at the next change; a namespace
    deleted takes all in it along."""

    def __init__(self) -> None:
        self.objects: dict[tuple[Kind, str, str], Any] = {}
        self.history: list[tuple[Kind, Event]] = []
        self.told = asyncio.Condition()
        self.trouble: dict[str, AkpError] = {}
        self.done: list[str] = []
        self.applied: dict[tuple[Kind, str, str], set[str]] = {}
        """labels that server-side apply holds for the daemon"""

    def put(self, obj: dict[str, Any]) -> dict[str, Any]:
        kind, metadata = kind_of(obj), obj["metadata"]
        key = (kind, metadata.get("namespace", ""), metadata["name"])
        verb = "MODIFIED" if key in self.objects else "ADDED"
        version = str(len(self.history) + 1)
        self.objects[key] = obj = {**obj, "metadata": {"uid": metadata["name"], **metadata, "resourceVersion": version}}
        self.history.append((kind, Event(verb, obj)))
        return obj

    def drop(self, kind: Kind, namespace: str, name: str) -> bool:
        obj = self.objects.pop((kind, namespace, name), None)
        if obj is None:
            return False
        version = str(len(self.history) + 1)
        gone = {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}
        self.history.append((kind, Event("DELETED", gone)))
        if kind is NAMESPACE:
            for k, ns, other in [key for key in self.objects if key[1] == name]:
                self.drop(k, ns, other)
        return True

    async def tell(self) -> None:
        """Let the watches see what was put and dropped, and the mirrors take it in."""
        async with self.told:
            self.told.notify_all()
        for _ in range(20):
            await asyncio.sleep(0)

    def _matches(self, obj: dict[str, Any], namespace: str | None, labels: str) -> bool:
        has = obj["metadata"].get("labels") or {}
        pairs = [part.rpartition("=") for part in labels.split(",") if part]
        fits = all((has.get(key.rstrip("!")) == value) is not key.endswith("!") for key, _, value in pairs)
        return fits and namespace in (None, obj["metadata"].get("namespace", ""))

    async def all(self, kind: Kind, namespace: str | None = None, labels: str = "") -> list[dict[str, Any]]:
        self._asked("list", kind, "")
        return [o for (k, _, _), o in self.objects.items() if k is kind and self._matches(o, namespace, labels)]

    async def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> AsyncIterator[Page]:
        yield Page(await self.all(kind, namespace, labels), str(len(self.history)))

    @asynccontextmanager
    async def watch(
        self, kind: Kind, since: str, namespace: str | None = None, labels: str = ""
    ) -> AsyncIterator[AsyncIterator[Event]]:
        async def events() -> AsyncIterator[Event]:
            seen = int(since)
            while True:
                if (trouble := self.trouble.pop(f"watch {kind.plural}", None)) is not None:
                    raise trouble
                for k, event in self.history[seen:]:
                    if k is kind and self._matches(event.object, namespace, labels):
                        yield event
                seen = len(self.history)
                async with self.told:
                    await self.told.wait()

        yield events()

    def _asked(self, verb: str, kind: Kind, name: str) -> None:
        what = f"{verb} {kind.plural}/{name}".rstrip("/")
        if verb != "list":
            self.done.append(what)
        if (trouble := self.trouble.pop(what, None)) is not None:
            raise trouble

    async def apply(self, obj: dict[str, Any], *, force: bool = True, dry_run: bool = False) -> dict[str, Any]:
        kind, metadata = kind_of(obj), dict(obj["metadata"])
        if dry_run:
            return obj
        self._asked("apply", kind, metadata["name"])
        out_key = (kind, metadata.get("namespace", ""), metadata["name"])
        there = self.objects.get(out_key, {"metadata": {}})
        if (based_on := metadata.pop("resourceVersion", None)) is not None:
            if out_key not in self.objects:
                raise NotFound(metadata["name"])
            if based_on != there["metadata"]["resourceVersion"]:
                raise Conflict(f"{metadata['name']} has been modified")
        said = metadata.get("labels", {})
        kept = {k: v for k, v in there["metadata"].get("labels", {}).items() if k not in self.applied.get(out_key, ())}
        self.applied[out_key] = set(said)
        held = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {}}}}
        held["fieldsV1"]["f:metadata"]["f:labels"] = {f"f:{label}": {} for label in said}  # type: ignore[index]
        merged = {**there["metadata"], **metadata, "labels": {**kept, **said}, "managedFields": [held]}
        out = self.put({**there, **obj, "metadata": merged})
        await self.tell()
        return out

    async def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        kind, metadata = kind_of(obj), obj["metadata"]
        self._asked("create", kind, metadata["name"])
        if (kind, metadata.get("namespace", ""), metadata["name"]) in self.objects:
            raise Conflict(f"{metadata['name']} already exists")
        out = self.put(obj)
        await self.tell()
        return out

    async def patch(self, kind: Kind, namespace: str | None, name: str, change: dict[str, Any]) -> dict[str, Any]:
        """Of annotations only."""
        self._asked("patch", kind, name)
        there, metadata = await self.get(kind, namespace, name), change["metadata"]
        if metadata.get("resourceVersion") not in (None, there["metadata"]["resourceVersion"]):
            raise Conflict(f"{name} has been modified")
        both = {**there["metadata"].get("annotations", {}), **metadata["annotations"]}
        annotations = {key: value for key, value in both.items() if value is not None}
        out = self.put({**there, "metadata": {**there["metadata"], "annotations": annotations}})
        await self.tell()
        return out

    async def get(self, kind: Kind, namespace: str | None, name: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.objects[kind, namespace or "", name]
        except KeyError:
            raise NotFound(name) from None
        return found

    async def delete(
        self, kind: Kind, namespace: str | None, name: str, grace: int | None = None, *, version: str = ""
    ) -> bool:
        self._asked("delete", kind, name)
        there = self.objects.get((kind, namespace or "", name))
        if version and there is not None and there["metadata"]["resourceVersion"] != version:
            raise Conflict(f"{name} has been modified")
        found = self.drop(kind, namespace or "", name)
        await self.tell()
        return found


@pytest.fixture
def memory() -> Memory:
    return Memory()
