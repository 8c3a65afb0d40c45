"""`akp maintenance` over a data directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provider.market.maintenance import Maintenance


def test_on_says_why_and_off_ends_it(akp: Callable[..., Any], tmp_path: Path) -> None:
    assert akp("maintenance", "status", "--data", tmp_path).code == 0
    assert akp("maintenance", "on", "--why", "new switches", "--data", tmp_path).code == 0
    assert (Maintenance(tmp_path).on, Maintenance(tmp_path).why) == (True, "new switches")
    said = akp("maintenance", "status", "--data", tmp_path, "-o", "json")
    assert said.code == 1
    assert json.loads(said.out) == [{"paused": True, "why": "new switches"}]
    assert akp("maintenance", "off", "--data", tmp_path).code == 0
    assert akp("maintenance", "off", "--data", tmp_path).code == 0, "twice does no harm"
    assert not Maintenance(tmp_path).on


def test_a_directory_that_is_not_there_is_not_made(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("maintenance", "on", "--data", tmp_path / "nosuch")
    assert said.code == 2
    assert "there is no such directory" in said.err
    assert not (tmp_path / "nosuch").exists()


def test_of_a_directory_that_is_not_there_nothing_is_claimed(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("maintenance", "status", "--data", tmp_path / "nosuch")
    assert (said.code, said.out) == (2, "")
    assert "there is no such directory" in said.err
