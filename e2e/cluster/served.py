"""Asked until it is so: what a control plane has taken in shows a moment later, on a busy machine a long one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from e2e.cluster.processes import PATIENCE_S


def wait_for(what: str, so: Callable[[], bool], said: Callable[[], str] = str) -> None:
    """RuntimeError with what was `said` when it does not come within minutes."""
    deadline = time.monotonic() + PATIENCE_S
    while not so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {PATIENCE_S:.0f} s for {what} {said()}")
        time.sleep(0.05)


def got(http: httpx.Client, path: str) -> dict[str, Any] | None:
    """None while it cannot be had."""
    try:
        answer = http.get(path)
    except httpx.TransportError:
        return None
    return dict(answer.json()) if answer.is_success else None


def is_served(http: httpx.Client, name: str) -> bool:
    found = got(http, f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    if found is None or not has_condition(found, "Established"):
        return False
    spec = found["spec"]
    versions = [version["name"] for version in spec["versions"] if version["served"]]
    where = (f"/apis/{spec['group']}/{version}/{spec['names']['plural']}" for version in versions)
    return all(got(http, path) is not None for path in where)


def is_ready(found: dict[str, Any]) -> bool:
    return has_condition(found, "Ready")


def has_condition(found: dict[str, Any], condition: str) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)
