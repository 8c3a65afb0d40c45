"""Addresses of load balancers, by MetalLB's rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from provider.sandbox.cluster.controllers import Controllers
from provider.sandbox.cluster.kinds import SERVICES
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers

Json = dict[str, Any]
Have = Callable[[], dict[str, str]]


@pytest.fixture
async def have(objects: Objects, containers: Containers) -> AsyncIterator[Have]:
    running = Controllers(objects, containers, ready_after_s=5, stop_after_s=3, addresses=("10.0.0.1", "10.0.0.2"))

    def found() -> dict[str, str]:
        given = ((s["metadata"]["name"], s["status"].get("loadBalancer") or {}) for s in objects.store.list("services"))
        return {name: balancer["ingress"][0]["ip"] for name, balancer in given if balancer.get("ingress")}

    yield found
    running.close()
    assert running.trouble is None


def ask(objects: Objects, name: str, port: int = 80, key: str = "", **spec: Any) -> None:
    metadata: Json = {"name": name, "annotations": {"metallb.universe.tf/allow-shared-ip": key} if key else {}}
    body = {"metadata": metadata, "spec": {"type": "LoadBalancer", "ports": [{"port": port}], **spec}}
    objects.create(SERVICES, "default", body, Write())


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_each_gets_one_and_who_comes_too_late_waits_for_who_leaves(objects: Objects, have: Have) -> None:
    for name in ("a", "b", "c"):
        ask(objects, name)
    await settled()
    assert have() == {"a": "10.0.0.1", "b": "10.0.0.2"}
    objects.delete(SERVICES, "default", "a", {})
    await settled()
    assert have() == {"b": "10.0.0.2", "c": "10.0.0.1"}


async def test_an_address_is_shared_under_one_key_and_never_one_port(objects: Objects, have: Have) -> None:
    ask(objects, "a", 80, "mine")
    ask(objects, "b", 443, "mine")
    ask(objects, "c", 80, "mine")
    ask(objects, "d", 22, "theirs")
    await settled()
    assert have() == {"a": "10.0.0.1", "b": "10.0.0.1", "c": "10.0.0.2"}


async def test_who_asks_for_an_address_gets_that_or_none(objects: Objects, have: Have) -> None:
    ask(objects, "a", loadBalancerIP="10.0.0.2")
    ask(objects, "b", loadBalancerIP="10.0.0.2")
    ask(objects, "c", loadBalancerIP="10.9.9.9")
    await settled()
    assert have() == {"a": "10.0.0.2"}


async def test_other_classes_and_kinds_are_not_served(objects: Objects, have: Have) -> None:
    ask(objects, "a", loadBalancerClass="x/y")
    ask(objects, "b", type="NodePort")
    await settled()
    assert have() == {}
