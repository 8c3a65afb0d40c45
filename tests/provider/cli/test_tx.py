"""Every command that signs is there under `akp tx`, and takes --dry-run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

SIGNING = [
    ("provider", "create"), ("provider", "update"), ("cert", "publish"), ("cert", "revoke"), ("attributes", "sync"),
]  # fmt: skip


@pytest.mark.parametrize("command", SIGNING, ids=" ".join)
def test_each_can_be_looked_at_first(akp: Callable[..., Any], command: tuple[str, str]) -> None:
    said = akp("tx", *command, "--help")
    assert said.code == 0
    for option in ("--dry-run", "--for-owner", "--yes"):
        assert option in said.out


def test_it_is_the_same_command(akp: Callable[..., Any], chain_town: Any) -> None:
    args = ("provider", "create", "--host-uri", "https://p.test:8443", "--config", chain_town.config(), "--dry-run")
    found = [json.loads(akp(noun, *args, "-o", "json").out) for noun in ("tx", "chain")]
    (tx,), (chain,) = (each["body"]["messages"] for each in found)
    assert tx == chain
    assert tx["@type"] == "/akash.provider.v1beta4.MsgCreateProvider"
