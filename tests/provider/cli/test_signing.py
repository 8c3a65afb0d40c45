"""Looking first: what would be signed is printed, is what is then signed, and nothing has happened."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format

from provider.chain import wire
from provider.chain.messages import CreateProvider, Grant
from provider.chain.tx import build

CREATE = ("chain", "provider", "create", "--host-uri", "https://p.test:8443")


def test_a_dry_run_prints_what_would_be_signed_and_signs_nothing(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp(*CREATE, "--config", chain_town.config(), "--dry-run", "-o", "json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["signer"], found["provider"]) == (chain_town.owner.address, chain_town.owner.address)
    assert found["fee"] == f"{-(-found['gas'] * 25 // 1000)}uakt"
    number = chain_town.ask(lambda query: query.account(chain_town.owner.address)).number
    document = build.sign_doc(
        encoded("TxBody", found["body"]), encoded("AuthInfo", found["auth_info"]), "sandbox", number
    )
    assert found["sign_bytes_sha256"] == hashlib.sha256(document).hexdigest()
    balances = chain_town.ask(lambda query: query.balances(chain_town.owner.address))
    assert balances == {"uakt": 10**9}
    words = akp(*CREATE, "--config", chain_town.config(), "--dry-run").out
    for part in ("sign_bytes_sha256", "fee_paid_by", "gas", "/akash.provider.v1beta4.MsgCreateProvider"):
        assert part in words


def test_a_hot_keys_dry_run_shows_both_accounts(akp: Callable[..., Any], chain_town: Any) -> None:
    chain_town.does(chain_town.owner, create(chain_town), granted(chain_town))
    hot = chain_town.config(chain_town.hot, key={"owner": chain_town.owner.address})
    said = akp("chain", "provider", "update", "--email", "x@p.test", "--config", hot, "--dry-run", "-o", "json")
    found = json.loads(said.out)
    assert (found["signer"], found["provider"]) == (chain_town.hot.address, chain_town.owner.address)
    (outer,) = found["body"]["messages"]
    assert outer["@type"] == "/cosmos.authz.v1beta1.MsgExec"
    assert outer["grantee"] == chain_town.hot.address
    assert outer["msgs"][0]["owner"] == chain_town.owner.address


class Person(io.StringIO):
    """Somebody at a terminal, with an answer."""

    def isatty(self) -> bool:
        return True


def test_a_person_is_asked(akp: Callable[..., Any], chain_town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config = chain_town.config()
    monkeypatch.setattr("sys.stdin", Person("n\n"))
    said = akp(*CREATE, "--config", config)
    assert (said.code, "nothing was signed" in said.err) == (1, True)
    assert f"register {chain_town.owner.address} as a provider at https://p.test:8443" in said.err
    assert f"paid by {chain_town.owner.address}" in said.err
    monkeypatch.setattr("sys.stdin", Person("y\n"))
    assert akp(*CREATE, "--config", config).code == 0


def test_no_node_is_exit_code_3(akp: Callable[..., Any], chain_town: Any) -> None:
    away = chain_town.work / "away.yaml"
    values = json.loads(chain_town.config().read_text())
    values["chain"]["nodes"] = [{"rpc": "http://127.0.0.1:1", "grpc": "http://127.0.0.1:1"}]
    away.write_text(json.dumps(values))
    said = akp(*CREATE, "--config", away, "--dry-run")
    assert said.code == 3
    assert said.err.count("\n") == 1


def encoded(name: str, value: Any) -> bytes:
    w = json_format.ParseDict(value, wire.message(f"cosmos.tx.v1beta1.{name}")(), descriptor_pool=wire.POOL)
    return bytes(w.SerializeToString(deterministic=True))


def create(town: Any) -> Any:
    return CreateProvider(town.owner.address, "https://p.test:8443", ())


def granted(town: Any) -> Any:
    return Grant(town.owner.address, town.hot.address, "/akash.provider.v1beta4.MsgUpdateProvider")
