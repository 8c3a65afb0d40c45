"""A cluster without its server: the objects alone, where nothing moves by itself, or with what moves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from provider.sandbox.cluster.controllers import Controllers
from provider.sandbox.cluster.faults import Faults
from provider.sandbox.cluster.http import application
from provider.sandbox.cluster.kinds import NAMESPACES, NODES, STORAGE_CLASSES, Kind, Kinds
from provider.sandbox.cluster.nodes import NodeSpec
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.store import Store

Json = dict[str, Any]
HOW = Write(manager="tester")


class World:
    """`make` and `find` take the kind's constant; the namespace is `here` unless the kind has none."""

    def __init__(self) -> None:
        self.store = Store()
        self.kinds = Kinds()
        self.objects = Objects(self.store, self.kinds)
        self.containers = Containers(self.store)
        self.controllers: Controllers | None = None
        self.make(NAMESPACES, {"metadata": {"name": "here"}})

    def make(self, kind: Kind, body: Json, namespace: str = "here") -> Json:
        return self.objects.create(kind, namespace if kind.namespaced else "", body, HOW)

    def change(self, kind: Kind, name: str, change: Json, namespace: str = "here") -> Json:
        return self.objects.patch(kind, namespace if kind.namespaced else "", name, HOW, "merge", change)

    def drop(self, kind: Kind, name: str, namespace: str = "here", **options: Any) -> Json:
        return self.objects.delete(kind, namespace if kind.namespaced else "", name, options)[0]

    def find(self, kind: Kind, name: str, namespace: str = "here") -> Json | None:
        return self.store.get(kind.resource, namespace if kind.namespaced else "", name)

    def names(self, kind: Kind) -> list[str]:
        return [each["metadata"]["name"] for each in self.store.list(kind.resource)]

    def node(self, name: str = "node-1", **room: Any) -> Json:
        return self.make(NODES, NodeSpec(name, **room).object())

    def move(self, ready_after_s: float = 1, stop_after_s: float = 1) -> Controllers:
        """Let things move from here on."""
        self.controllers = Controllers(
            self.objects, self.containers, ready_after_s=ready_after_s, stop_after_s=stop_after_s
        )
        return self.controllers

    async def rest(self) -> None:
        """Until nothing more follows from what happened, without any time passing."""
        for _ in range(50):
            await asyncio.sleep(0)
        if self.controllers is not None and self.controllers.trouble is not None:
            raise self.controllers.trouble


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    if made.controllers is not None:
        made.controllers.close()


@pytest.fixture
def pod_of() -> Callable[..., Json]:
    """A pod's or a template's spec with one container of these requests."""

    def of(image: str = "web:1", *, requests: Json | None = None, **spec: Any) -> Json:
        container = {"name": "web", "image": image, "resources": {"requests": requests} if requests else {}}
        return {"containers": [container], **spec}

    return of


@pytest.fixture
def workload_of(pod_of: Callable[..., Json]) -> Callable[..., Json]:
    """A Deployment, ReplicaSet or StatefulSet."""

    def of(name: str = "web", replicas: int = 1, image: str = "web:1", **spec: Any) -> Json:
        template = {"metadata": {"labels": {"app": name}}, "spec": pod_of(image)}
        base = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
        return {"metadata": {"name": name}, "spec": base | spec}

    return of


@pytest.fixture
def objects() -> Objects:
    """The namespace `default` and the storage class `beta3`; no controller, no node: the test looks on their behalf."""
    made = Objects(Store(), Kinds())
    made.create(NAMESPACES, "", {"metadata": {"name": "default"}}, HOW)
    made.create(STORAGE_CLASSES, "", {"metadata": {"name": "beta3"}, "provisioner": "embedded"}, HOW)
    return made


@pytest.fixture
def containers(objects: Objects) -> Containers:
    return Containers(objects.store)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def api(objects: Objects, faults: Faults, containers: Containers) -> AsyncIterator[TestClient]:
    """HTTP in front of `objects`; paths are asked as they are, `await api.get("/api/v1/pods")`."""
    async with TestClient(TestServer(application(objects, faults, containers))) as client:
        yield client
