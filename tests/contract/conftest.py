"""The same stories on two Kubernetes APIs: the embedded stand-in and a real server. Both are asked over plain HTTP.

A test that passes on one and fails on the other has found a difference; the stand-in is the one to be changed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from provider.sandbox.cluster import EmbeddedCluster

Json = dict[str, Any]
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PATCH = "application/json-patch+json"


class Answer:
    """Status code, body, and headers of one call."""

    def __init__(self, response: httpx.Response) -> None:
        self.code = response.status_code
        self.headers = response.headers
        try:
            self.body: Json = response.json()
        except ValueError:  # what is not served, or not yet, is told in plain words
            self.body = {"message": response.text}

    def __repr__(self) -> str:
        return f"{self.code} {json.dumps(self.body)[:800]}"

    @property
    def version(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.body["items"]]

    def fields(self) -> set[str]:
        """Fields named by a 409 or 422."""
        return {cause.get("field", "") for cause in self.body.get("details", {}).get("causes", [])}

    def manager(self, name: str, operation: str = "Apply") -> Json | None:
        """The fieldsV1 of a manager, None when it owns nothing."""
        for entry in self.body["metadata"].get("managedFields", []):
            if entry["manager"] == name and entry["operation"] == operation:
                return dict(entry["fieldsV1"])
        return None


class Api:
    """`ns` is a namespace of this test's own; paths below it are short: `configmaps/a`, `apps/deployments/web`."""

    def __init__(self, http: httpx.AsyncClient, ns: str, *, real: bool) -> None:
        self.http, self.ns, self.real = http, ns, real

    def path(self, short: str) -> str:
        first, _, rest = short.partition("/")
        if short.startswith("/"):
            return short
        groups = {"apps": "apps/v1", "net": "networking.k8s.io/v1", "rbac": "rbac.authorization.k8s.io/v1"}
        if first in groups:
            return f"/apis/{groups[first]}/namespaces/{self.ns}/{rest}"
        return f"/api/v1/namespaces/{self.ns}/{short}"

    async def call(
        self, method: str, short: str, body: Any = None, *, form: str = "application/json", **query: str
    ) -> Answer:
        content = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": form}
        return Answer(await self.http.request(method, self.path(short), content=content, headers=headers, params=query))

    async def get(self, short: str, **query: str) -> Answer:
        return await self.call("GET", short, **query)

    async def create(self, short: str, body: Json, **query: str) -> Answer:
        return await self.call("POST", short, body, **query)

    async def update(self, short: str, body: Json, **query: str) -> Answer:
        return await self.call("PUT", short, body, **query)

    async def merge(self, short: str, body: Json, **query: str) -> Answer:
        return await self.call("PATCH", short, body, form=MERGE, **query)

    async def delete(self, short: str, body: Json | None = None, **query: str) -> Answer:
        return await self.call("DELETE", short, body, **query)

    async def apply(
        self, short: str, body: Json, manager: str = "tester", *, force: bool = False, **query: str
    ) -> Answer:
        query |= {"fieldManager": manager, **({"force": "true"} if force else {})}
        return await self.call("PATCH", short, body, form=APPLY, **query)

    async def eventually(
        self, ask: Callable[[], Awaitable[Answer]], good: Callable[[Answer], bool], limit_s: float = 600
    ) -> Answer:
        """Ask until the answer is good: controllers take a moment on both sides."""
        deadline = time.monotonic() + limit_s
        while True:
            answer = await ask()
            if good(answer):
                return answer
            assert time.monotonic() < deadline, f"still not so: {answer}"
            await asyncio.sleep(0.02 if not self.real else 0.1)

    @asynccontextmanager
    async def watch(self, short: str, **query: str) -> AsyncIterator[AsyncIterator[Json]]:
        """Events, one by one; leaving ends the watch."""
        query = {"watch": "true", **query}
        deadline = time.monotonic() + 600
        while True:
            async with self.http.stream("GET", self.path(short), params=query, timeout=600) as response:
                if response.status_code == 429 and time.monotonic() < deadline:  # its cache is just being filled
                    await asyncio.sleep(0.2)
                    continue
                assert response.status_code == 200, (response.status_code, await response.aread())

                async def events() -> AsyncIterator[Json]:
                    async for line in response.aiter_lines():
                        yield json.loads(line)

                yield events()
                return


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real)])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    name = f"story-{uuid.uuid4().hex[:10]}"
    if request.param == "real":
        cluster = request.getfixturevalue("real_cluster")
        context = ssl.create_default_context(cafile=str(cluster.pki / "ca.crt"))
        context.load_cert_chain(cluster.pki / "admin.crt", cluster.pki / "admin.key")
        http = httpx.AsyncClient(base_url=cluster.server, verify=context, timeout=600, trust_env=False)
        async with http:
            api = Api(http, name, real=True)
            await _home(api)
            yield api
            await api.delete(f"/api/v1/namespaces/{name}")
        return
    async with (
        EmbeddedCluster() as embedded,
        httpx.AsyncClient(base_url=embedded.url, timeout=600, trust_env=False) as http,
    ):
        api = Api(http, name, real=False)
        await _home(api)
        yield api


async def _home(api: Api) -> None:
    made = await api.create("/api/v1/namespaces", {"metadata": {"name": api.ns}})
    assert made.code == 201, made
    await api.eventually(lambda: api.get("serviceaccounts/default"), lambda answer: answer.code == 200)
    await api.eventually(lambda: api.get("configmaps/kube-root-ca.crt"), lambda answer: answer.code == 200)
