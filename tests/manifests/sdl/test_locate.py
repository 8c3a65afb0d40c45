"""Faults found late are told by the place in the file."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("parts", "path", "line"),
    [
        ({"cpu": "1m"}, "profiles.compute.small.resources.cpu.units", 15),
        ({"memory": "1k"}, "profiles.compute.small.resources.memory.size", 17),
        ({"storage": "- size: 1Gi\n- {name: b, size: 1k}"}, "profiles.compute.small.resources.storage[1].size", 20),
        ({"amount": "10000001"}, "profiles.placement.here.pricing.small.amount", 25),
        ({"expose": "accept: [ok.com, NO.com]"}, "services.app.expose[0].accept[1]", 10),
        ({"service": "env:\n  - A=b\n  - 5=c"}, "services.app.env[1]", 12),
        ({"count": "0"}, "profiles.placement.here", 21),
    ],
)
def test_places(refused: Any, parts: dict[str, str], path: str, line: int) -> None:
    error = refused(**parts)
    assert (error.path, error.line) == (path, line)
