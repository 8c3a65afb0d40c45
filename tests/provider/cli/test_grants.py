"""A cold owner's grants: what to sign is printed, and once it is signed nothing is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format

from provider.chain import wire
from provider.chain.delegation import NEEDED, OPTIONAL
from provider.chain.messages import Grant


def hot(town: Any, **key: Any) -> Any:
    return town.config(town.hot, key={"owner": town.owner.address, **key})


def signed_by_owner(town: Any, printed: str) -> None:
    """What the official CLI would do with the file: read it, sign it, send it."""
    body = json.loads(printed)["body"]
    read = json_format.ParseDict(body, wire.message("cosmos.tx.v1beta1.TxBody")(), descriptor_pool=wire.POOL)
    town.does_boxes(town.owner, list(read.messages))


def test_what_is_printed_is_what_is_needed(akp: Callable[..., Any], chain_town: Any) -> None:
    config = hot(chain_town, fee_granter=chain_town.owner.address)
    before = akp("chain", "grants", "show", "--config", config)
    assert before.code == 1
    assert before.out.count("has not granted") == len(NEEDED)
    assert "fee grant" in before.out
    printed = akp("chain", "grants", "commands", "--config", config, "--days", "90", "--fee-limit", "5000000uakt")
    assert printed.code == 0, printed.err
    assert f"--from {chain_town.owner.address} --chain-id sandbox" in printed.err
    signed_by_owner(chain_town, printed.out)
    after = akp("chain", "grants", "show", "--config", config)
    assert after.code == 0, after.out
    for url in NEEDED:
        assert url in after.out
    assert "5000000uakt left for /cosmos.authz.v1beta1.MsgExec" in after.out
    found = json.loads(akp("chain", "grants", "show", "--config", config, "-o", "json").out)
    assert found["problems"] == []
    assert {g["msg"] for g in found["grants"]} == set(NEEDED)
    assert found["fee_grant"]["left"] == ["5000000uakt"]
    renewed = akp("chain", "grants", "commands", "--config", config, "--optional")
    assert "MsgRevokeAllowance" in renewed.out, "the chain takes no second allowance beside the first"
    signed_by_owner(chain_town, renewed.out)
    shown = akp("chain", "grants", "show", "--config", config).out
    assert all(url in shown for url in (*NEEDED, *OPTIONAL))
    assert "without limit" in shown


def test_one_that_is_missing_is_named(akp: Callable[..., Any], chain_town: Any) -> None:
    pair = (chain_town.owner.address, chain_town.hot.address)
    chain_town.does(chain_town.owner, *(Grant(*pair, url) for url in NEEDED[1:]))
    said = akp("chain", "grants", "show", "--config", hot(chain_town))
    assert said.code == 1
    assert f"problem: {pair[0]} has not granted MsgCreateBid to {pair[1]}" in said.out
    assert "without end" in said.out


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["--fee-limit", "lots"], "'lots' is not an amount"),
        (["--fee-limit", "5000000uact"], "fees are paid in uakt, not in uact"),
    ],
    ids=["not an amount", "a coin that pays no fees"],
)
def test_what_cannot_work_is_told(akp: Callable[..., Any], chain_town: Any, args: list[str], why: str) -> None:
    said = akp("chain", "grants", "commands", "--config", hot(chain_town), *args)
    assert (said.code, why in said.err) == (2, True)


def test_the_providers_own_key_needs_no_grants(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp("chain", "grants", "commands", "--config", chain_town.config())
    assert (said.code, "no grant is needed" in said.err) == (2, True)
    assert akp("chain", "grants", "show", "--config", chain_town.config()).code == 0
