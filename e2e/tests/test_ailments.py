"""The parts of the recorder that can be tried without a cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from e2e.ailments.cases import CASES
from e2e.ailments.record import write
from e2e.ailments.registry import INDEX, Registry


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("image", "status", "word"),
    [
        ("web", 404, "MANIFEST_UNKNOWN"),
        ("denied/web", 403, "DENIED"),
        ("busy/web", 429, "TOOMANYREQUESTS"),
        ("broken/web", 500, "UNKNOWN"),
        ("foreign/web", 200, "s390x"),
    ],
)
def test_the_registry_refuses_by_the_name_of_the_image(registry: str, image: str, status: int, word: str) -> None:
    for method in ("HEAD", "GET"):
        answer = httpx.request(method, f"{registry}/v2/{image}/manifests/1", trust_env=False, timeout=60)
        assert answer.status_code == status
        assert (word in answer.text) == (method == "GET")
        assert (answer.headers["content-type"] == INDEX) == (status == 200)


def test_recording_some_again_keeps_the_others(tmp_path: Path) -> None:
    file = tmp_path / "ailments.jsonl"
    write({"b": {"pods": [1]}, "a": {"pods": [2]}}, file)
    write({"b": {"pods": [3]}}, file)
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"name": "a", "pods": [2]},
        {"name": "b", "pods": [3]},
    ]


def test_what_is_recorded_can_be_a_namespace() -> None:
    assert all(name == name.lower() and "_" not in name for name in CASES)
