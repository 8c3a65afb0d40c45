"""`akp maintenance` over a data directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provider.market.policy.maintenance import Maintenance


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


def test_the_directory_is_that_of_the_settings(akp: Callable[..., Any], tmp_path: Path) -> None:
    settings, data = tmp_path / "akp.yaml", tmp_path / "data"
    data.mkdir()
    settings.write_text(
        f"chain: {{id: sandbox, nodes: [{{rpc: 'http://n:26657', grpc: 'http://n:9090'}}]}}\n"
        f"key: {{hex_file: {tmp_path}/key}}\nbid: {{prices: {tmp_path}/prices.yaml}}\ndata: {data}\n"
    )
    assert akp("maintenance", "on", "--config", settings).code == 0
    assert Maintenance(data).on
    assert akp("maintenance", "status", "--config", settings).code == 1
    assert akp("maintenance", "off", "--config", settings, "--data", tmp_path).code == 0
    assert Maintenance(data).on, "the directory that is named is the one"
    assert akp("maintenance", "off", "--config", settings).code == 0
    assert not Maintenance(data).on


def test_a_directory_that_is_not_there_is_not_made(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("maintenance", "on", "--data", tmp_path / "nosuch")
    assert said.code == 2
    assert "there is no such directory" in said.err
    assert not (tmp_path / "nosuch").exists()


def test_of_a_directory_that_is_not_there_nothing_is_claimed(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("maintenance", "status", "--data", tmp_path / "nosuch")
    assert (said.code, said.out) == (2, "")
    assert "there is no such directory" in said.err
