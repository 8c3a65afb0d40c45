from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest

from manifests.ids import LeaseID
from provider.cluster.reach import Listed

ONE, TWO = LeaseID("akash1o", 1, 1, 1, "akash1p"), LeaseID("akash1o", 2, 1, 1, "akash1p")
PORT = "akash1o-ip-mine-tcp-80"
LISTED = [
    Listed("host", "a.example", ONE, "web", "", None),
    Listed("host", "a.example", TWO, "", "", ONE),
    Listed("host", "new.example", TWO, "", "", None),
    Listed("ip", PORT, ONE, "web", "10.0.0.1", None),
]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings whose cluster holds `LISTED`; over a real cluster in test_ground.py."""

    @asynccontextmanager
    async def glimpse(settings: Any) -> Any:
        yield Some(reach=Some(listed=lambda: LISTED), leased_addresses=lambda: {"total": 4, "used": 1, "free": 3})

    monkeypatch.setattr("provider.cli.hosts.glimpse", glimpse)
    file = tmp_path / "akp.yaml"
    file.write_text("{}")
    return file


def test_the_settings_may_be_named_by_the_environment(
    akp: Callable[..., Any], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKP_CONFIG", str(config))
    assert akp("hosts", "list", "-o", "json").out == akp("hosts", "list", "--config", config, "-o", "json").out


def test_who_has_each_name_and_who_waits(akp: Callable[..., Any], config: Path) -> None:
    said = akp("hosts", "list", "--config", config, "-o", "json")
    assert said.code == 0
    assert json.loads(said.out) == [
        {"name": "a.example", "lease": str(ONE), "service": "web", "held_by": ""},
        {"name": "a.example", "lease": str(TWO), "service": "", "held_by": str(ONE)},
        {"name": "new.example", "lease": str(TWO), "service": "", "held_by": "nobody yet"},
    ]
    assert "waits for" in akp("hosts", "list", "--config", config).out


def test_settings_must_be_given(akp: Callable[..., Any]) -> None:
    assert akp("hosts", "list").code == 2
