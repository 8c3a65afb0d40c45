"""A cluster without its server: the objects alone, where nothing moves by itself, and HTTP in front of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from provider.sandbox.cluster.faults import Faults
from provider.sandbox.cluster.http import application
from provider.sandbox.cluster.kinds import NAMESPACES, STORAGE_CLASSES, Kinds
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.store import Store

HOW = Write(manager="tester")


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
