"""The provider's record, by the owner's own key and by a hot one, on the sandbox chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from manifests.resources import Attribute
from provider.chain.messages import Grant

PROVIDER = {"host_uri": "https://p.test:8443", "email": "ops@p.test", "attributes": {"region": "us-west"}}


def record(town: Any) -> Any:
    return town.ask(lambda query: query.provider_record(town.owner.address))


@pytest.fixture
def registered(akp: Callable[..., Any], chain_town: Any) -> Any:
    said = akp("chain", "provider", "create", "--config", chain_town.config(provider=PROVIDER), "--yes")
    assert said.code == 0, said.err
    assert said.out.startswith("done at height ")
    return chain_town


def test_a_provider_is_registered_from_settings_and_flags(akp: Callable[..., Any], chain_town: Any) -> None:
    config = chain_town.config(provider=PROVIDER)
    said = akp(
        "chain",
        "provider",
        "create",
        "--config",
        config,
        "--yes",
        "-a",
        "tier=community",
        "--website",
        "https://w.test",
    )
    assert said.code == 0, said.err
    found = record(chain_town)
    assert (found.host_uri, found.email, found.website) == ("https://p.test:8443", "ops@p.test", "https://w.test")
    assert found.attributes == (Attribute("region", "us-west"), Attribute("tier", "community"))
    again = akp("chain", "provider", "create", "--config", config, "--yes")
    assert (again.code, "registered already: akp chain provider update" in again.err) == (1, True)


def test_an_update_keeps_what_is_not_named(akp: Callable[..., Any], registered: Any) -> None:
    bare = registered.config()
    said = akp("chain", "provider", "update", "--config", bare, "--yes", "-a", "tier=community", "-o", "json")
    assert said.code == 0, said.err
    landed = json.loads(said.out)
    assert landed["height"] > 1
    found = record(registered)
    assert (found.host_uri, found.email) == ("https://p.test:8443", "ops@p.test")
    assert found.attributes == (Attribute("region", "us-west"), Attribute("tier", "community"))
    assert akp("chain", "provider", "update", "--config", bare, "--yes", "--remove", "tier").code == 0
    assert record(registered).attributes == (Attribute("region", "us-west"),)
    idle = akp("chain", "provider", "update", "--config", bare, "--yes")
    assert (idle.code, "nothing to change" in idle.out) == (0, True)


def test_without_yes_and_without_a_person_nothing_is_signed(akp: Callable[..., Any], registered: Any) -> None:
    said = akp("chain", "provider", "update", "--config", registered.config(), "--email", "new@p.test")
    assert said.code == 2
    assert "Add --yes" in said.err
    assert record(registered).email == "ops@p.test"


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["-a", "tier"], "'tier' is not KEY=VALUE"),
        (["--remove", "tier"], "no such attribute: tier"),
        (["--host-uri", "http://p.test"], "invalid host uri"),
    ],
)
def test_what_cannot_work_is_told(akp: Callable[..., Any], registered: Any, args: list[str], why: str) -> None:
    said = akp("chain", "provider", "update", "--config", registered.config(), "--yes", *args)
    assert said.code in (1, 2)
    assert why in said.err
    assert said.err.count("\n") == 1


def test_a_host_name_is_enough_and_none_is_not(akp: Callable[..., Any], chain_town: Any) -> None:
    none = akp("chain", "provider", "create", "--config", chain_town.config(), "--yes")
    assert (none.code, "provider.host_uri" in none.err) == (2, True)
    named = chain_town.config(cluster={"public_hostname": "p.test"})
    assert akp("chain", "provider", "create", "--config", named, "--yes").code == 0
    assert record(chain_town).host_uri == "https://p.test:8443"


def test_both_accounts_are_shown(akp: Callable[..., Any], registered: Any) -> None:
    hot = registered.config(registered.hot, key={"owner": registered.owner.address})
    said = akp("chain", "provider", "show", "--config", hot)
    assert said.code == 0, said.err
    lines = dict(line.split(None, 1) for line in said.out.splitlines())
    assert lines["owner"].startswith(registered.owner.address)
    assert lines["signer"].startswith(registered.hot.address)
    assert lines["fees"] == f"paid by {registered.hot.address}"
    found = json.loads(akp("chain", "provider", "show", "--config", hot, "-o", "json").out)
    assert found["record"]["attributes"] == {"region": "us-west"}
    assert found["balances"][registered.hot.address]["uakt"] == 10**9


def test_an_account_that_is_no_provider(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp("chain", "provider", "show", "--config", chain_town.config())
    assert (said.code, "akp chain provider create" in said.err) == (1, True)
    assert "None" not in said.out


def test_a_hot_key_changes_the_record_only_with_a_grant(akp: Callable[..., Any], registered: Any) -> None:
    hot = registered.config(registered.hot, key={"owner": registered.owner.address})
    change = ("chain", "provider", "update", "--config", hot, "--yes", "--email", "hot@p.test")
    said = akp(*change)
    assert (said.code, "akp chain grants show" in said.err) == (1, True)
    pair = (registered.owner.address, registered.hot.address)
    registered.does(registered.owner, Grant(*pair, "/akash.provider.v1beta4.MsgUpdateProvider"))
    assert akp(*change).code == 0
    assert record(registered).email == "hot@p.test"


def test_the_owner_signs_elsewhere(akp: Callable[..., Any], chain_town: Any) -> None:
    """No key is needed to write down what somebody else is to sign."""
    keyless = chain_town.work / "keyless.yaml"
    values = json.loads(chain_town.config(provider=PROVIDER).read_text())
    keyless.write_text(json.dumps({**values, "key": {"owner": chain_town.owner.address}}))
    said = akp("chain", "provider", "create", "--config", keyless, "--for-owner")
    assert said.code == 0, said.err
    (msg,) = json.loads(said.out)["body"]["messages"]
    assert msg["@type"] == "/akash.provider.v1beta4.MsgCreateProvider"
    assert msg["owner"] == chain_town.owner.address
