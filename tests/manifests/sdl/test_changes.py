"""What an update would change, and when it cannot be one."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.sdl import compile_sdl
from manifests.sdl.changes import compare


def test_nothing(compiled: Any) -> None:
    update = compare(compiled(), compiled())
    assert (update.changes, update.same_hash, update.obstacle) == ((), True, None)


@pytest.mark.parametrize(
    ("parts", "details"),
    [
        ({"service": "env: [A=1]"}, ["variable A added"]),
        ({"service": "args: [a]"}, ["args"]),
        ({"service": "env: []"}, ["env: an empty list in place of none, or the reverse"]),
        ({"expose": "accept: [a.com]"}, ["host a.com added"]),
        ({"expose": "http_options: {next_tries: 9}"}, ["http options or addresses of its ports"]),
        ({"amount": "7"}, ["prices; they stay as ordered until a new deployment"]),
        (
            {"placement": "attributes: {a: b}"},
            ["requirements of the provider; they stay as ordered until a new deployment"],
        ),
        (
            {"top": "reclamation: {min_window: 1h}"},
            ["the reclamation window; it stays as ordered until a new deployment"],
        ),
    ],
)
def test_updates(compiled: Any, parts: dict[str, str], details: list[str]) -> None:
    update = compare(compiled(), compiled(**parts))
    assert [c.detail for c in update.changes] == details
    assert update.obstacle is None


@pytest.mark.parametrize(
    ("parts", "detail", "obstacle"),
    [
        ({"count": "2"}, "count 1 → 2", "replicas"),
        ({"cpu": "1"}, "resources: cpu 250m → 1", "here / app: differs from the cpu"),
        ({"memory": "1Gi"}, "resources: memory 128Mi → 1Gi", "differs from the memory"),
        ({"storage": "size: 1Gi"}, "resources: storage default 256Mi → default 1Gi", "differs from volume 0"),
        ({"gpu": "gpu: {units: 1, attributes: {vendor: {nvidia: }}}"}, "resources: gpu 0 → 1", "differs from the gpu"),
    ],
)
def test_what_needs_a_new_deployment(compiled: Any, parts: dict[str, str], detail: str, obstacle: str) -> None:
    update = compare(compiled(), compiled(**parts))
    assert [c.detail for c in update.changes] == [detail]
    assert update.obstacle is not None
    assert obstacle in update.obstacle


@pytest.mark.parametrize(
    ("old", "new"), [("A=1, A=2", "A=3, A=2"), ("A=1", "A=1, A=1"), ("A", "A=")], ids=["first", "twice", "no value"]
)
def test_no_change_of_variables_goes_untold(compiled: Any, old: str, new: str) -> None:
    update = compare(compiled(service=f"env: [{old}]"), compiled(service=f"env: [{new}]"))
    assert [c.detail for c in update.changes] == ["variables given twice, or without a value"]
    assert not update.same_hash


def test_ports_services_images_and_values(sdl: Any, compiled: Any) -> None:
    old = compiled(service="env: [A=secret1, B=2, C=3]")
    text = sdl(service="env: [A=secret2, B=2, D=4]").replace("app:1", "app:2").replace("port: 3000", "port: 3001")
    update = compare(old, compile_sdl(text))
    details = [c.detail for c in update.changes]
    assert details == [
        "image docker.io/library/app:1 → docker.io/library/app:2",
        "variable A has another value",
        "variable C removed",
        "variable D added",
        "port 3000/TCP as 80 to the world closed",
        "port 3001/TCP as 80 to the world opened",
    ]
    assert update.obstacle is None
    reordered = compare(old, compiled(service="env: [B=2, A=secret1, C=3]"))
    assert [c.detail for c in reordered.changes] == ["the order of variables"]


def test_services_come_and_go(sdl: Any) -> None:
    more = sdl().replace("profiles:", "  db: {image: docker.io/library/db:1}\nprofiles:", 1)
    more += "  db:\n    here: {profile: small, count: 1}\n"
    one, two = compile_sdl(sdl()), compile_sdl(more)
    assert [(c.service, c.what) for c in compare(one, two).changes] == [("db", "added")]
    assert [(c.service, c.what) for c in compare(two, one).changes] == [("db", "removed")]
    assert compare(two, one).obstacle is not None
