"""The nodes of the settings as a person sees them: one that is well, one that is not there, one of another chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

NOBODY = {"rpc": "http://127.0.0.1:1", "grpc": "127.0.0.1:1"}


def chain(town: Any, *more: dict[str, str], **changed: Any) -> dict[str, Any]:
    nodes = [n.model_dump() for n in town.settings.nodes]
    return {"id": town.settings.id, "nodes": [*more, *nodes], **changed}


def test_each_node_is_told_of(akp: Callable[..., Any], chain_town: Any) -> None:
    config = chain_town.config(chain=chain(chain_town, NOBODY))
    well: dict[str, Any] = {}
    while not well.get("height"):  # its first block may be still to come
        said = akp("chain", "nodes", "--config", config, "-o", "json")
        assert said.code == 0, said.err
        away, well = json.loads(said.out)
    assert (away["used"], away["height"], away["rpc_ms"]) == (False, None, None)
    assert "127.0.0.1:1" in away["state"]
    assert (well["used"], well["state"], well["lag_blocks"], well["earliest"]) == (True, "well", 0, 1)
    assert well["rpc_ms"] > 0 < well["grpc_ms"]
    table = akp("chain", "nodes", "--config", config)
    assert table.code == 0
    assert "keeps from" in table.out
    assert "well" in table.out


def test_a_node_of_another_chain_is_shown_and_not_refused(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp("chain", "nodes", "--config", chain_town.config(chain=chain(chain_town, id="akashnet-2")), "-o", "json")
    assert "it serves chain 'sandbox'" in json.loads(said.out)[0]["state"]
    assert said.code == 3


def test_nobody_there_is_exit_code_3(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp("chain", "nodes", "--config", chain_town.config(chain={"id": "sandbox", "nodes": [NOBODY]}))
    assert said.code == 3
    assert "no node answers" in said.err
