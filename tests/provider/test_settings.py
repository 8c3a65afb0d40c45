"""Settings come from file, environment and flags; what cannot work is refused with the place and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.errors import ConfigError
from provider.settings import ChainSettings, NodeSettings, load


def test_defaults_are_complete() -> None:
    settings = load(None)
    assert settings.chain.id == "akashnet-2"
    assert settings.gateway.listen == "0.0.0.0:8443"


def test_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text("chain:\n  id: local\n  nodes: [{rpc: tcp://127.0.0.1:1, grpc: n:2}]\nbid: {deposit: 1uakt}\n")
    settings = load(file)
    assert (settings.chain.id, settings.chain.nodes, settings.bid.deposit) == (
        "local", (NodeSettings(rpc="http://127.0.0.1:1", grpc="n:2"),), "1uakt",
    )  # fmt: skip
    assert settings.chain.gas_adjustment == 1.5


def test_the_environment_is_stronger_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text("chain: {id: local, bids_per_tx: 7}\n")
    monkeypatch.setenv("AKP_CHAIN__ID", "from-env")
    settings = load(file)
    assert settings.chain.id == "from-env"
    assert settings.chain.bids_per_tx == 7, "the rest of the section stays"


def test_a_flag_is_strongest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AKP_DATA", "/from/env")
    assert load(None, data=tmp_path).data == tmp_path


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text("# nothing yet\n")
    assert load(file) == load(None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "cluster: {blocked_hostnames: [a.example, '*bad']}\n",
            r"cluster\.blocked_hostnames\.1: .*'\*bad'.*\*\.example",
        ),
        ("cluster: {storage: {beta3: 10TB}}\n", r"cluster\.storage\.beta3: .*'10TB'.*Declared capacity"),
        ("cluster: {ip_pool: My Pool}\n", r"cluster\.ip_pool: .*'My Pool'.*IPAddressPool"),
        (
            "cluster: {tls_issuer: le, ingress_mode: gateway-api}\n",
            r"cluster\.tls_issuer: .*listeners of your Gateway.*found 'le'",
        ),
        ("cluster: {tls_generated_hosts: true}\n", r"cluster\.tls_generated_hosts: .*set cluster\.tls_issuer"),
        (
            "cluster: {tls_generated_hosts: true, ingress_mode: gateway-api}\n",
            r"cluster\.tls_generated_hosts: .*set cluster\.tls_issuer",
        ),
        ("chian: {id: x}\n", r"chian: unknown key\. Known here: .*chain"),
        ("chain: {idd: x}\n", r"chain\.idd: unknown key\. Known here: .*gas_price_uakt"),
        ("chain: {nodes: []}\n", r"chain\.nodes: .*at least 1"),
        ("chain: {nodes: [{rpc: a:1}]}\n", r"chain\.nodes\.0\.grpc: Field required.*gRPC address"),
        (
            "chain: {nodes: [{rpc: a:1, grpc: a:2, lcd: a:3}]}\n",
            r"chain\.nodes\.0\.lcd: unknown key\. Known here: grpc, rpc",
        ),
        ("chain: {nodes: a:1}\n", r"chain\.nodes: .*each node as rpc,grpc"),
        ("chain: {gas_adjustment: 0.5}\n", r"chain\.gas_adjustment: .*found 0\.5.*Simulated gas"),
        (
            "chain: {gas_price_uakt: '0.05', max_gas_price_uakt: '0.04'}\n",
            r"chain\.max_gas_price_uakt: .*less than gas_price_uakt, 0\.05 \(found '0\.04'\)\. Most to pay",
        ),
        ("gateway: {listen: nowhere}\n", r"gateway\.listen: .*found 'nowhere'"),
        ("bid: {fee_reserve: 5uact}\n", r"bid\.fee_reserve: .*found '5uact'.*paid in uakt"),
        ("- a\n- b\n", r"a mapping is expected, found list"),
        ("chain: [\n", r"akp\.yaml:2:1: not YAML"),
    ],
    ids=[
        "one of a list",
        "one of a map",
        "a name",
        "an issuer for HTTPRoutes",
        "names for no issuer",
        "nor with a Gateway",
        "unknown section",
        "unknown key",
        "empty list",
        "half a node",
        "a third door",
        "no pair",
        "out of range",
        "a bound below the usual",
        "no port",
        "a coin that pays no fees",
        "no mapping",
        "no yaml",
    ],
)
def test_what_cannot_work_names_the_place_and_the_cure(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load(file)


def test_an_issuer_may_be_named_where_ingresses_ask_it(tmp_path: Path) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text("cluster: {tls_issuer: le, tls_generated_hosts: true}\n")
    assert load(file).cluster.tls_generated_hosts
    file.write_text("cluster: {tls_issuer: '', tls_generated_hosts: false, ingress_mode: gateway-api}\n")
    assert load(file).cluster.tls_issuer == ""


@pytest.mark.parametrize(
    ("given", "most_e18"),
    [
        ({}, 25 * 10**16),
        ({"gas_price_uakt": "0.03"}, 3 * 10**17),
        ({"gas_price_uakt": "0"}, 25 * 10**16),
        ({"gas_price_uakt": "0.001"}, 25 * 10**16),
        ({"max_gas_price_uakt": "0.05"}, 5 * 10**16),
        ({"gas_price_uakt": "0.05", "max_gas_price_uakt": "0.05"}, 5 * 10**16),
    ],
)
def test_the_highest_gas_price(given: dict[str, str], most_e18: int) -> None:
    assert ChainSettings(**given).most_gas_price_e18 == most_e18  # type: ignore[arg-type]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load(tmp_path / "none.yaml")


def test_settings_are_frozen() -> None:
    settings = load(None)
    with pytest.raises(Exception, match="frozen"):
        settings.chain.id = "other"  # type: ignore[misc]


def test_the_mnemonic_is_not_shown() -> None:
    assert "abandon" not in repr(load(None, key={"mnemonic": "abandon " * 12}))


def test_nodes_may_be_one_text_in_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text("chain: {nodes: 'https://a:1,https://a:2'}\n")
    assert load(file).chain.nodes == (NodeSettings(rpc="https://a:1", grpc="https://a:2"),)
    monkeypatch.setenv("AKP_CHAIN__NODES", "tcp://b:1,b:2 c:1,c:2")
    two = (NodeSettings(rpc="http://b:1", grpc="b:2"), NodeSettings(rpc="http://c:1", grpc="c:2"))
    assert load(file).chain.nodes == two
    monkeypatch.setenv("AKP_CHAIN__NODES", '[{"rpc": "b:1", "grpc": "b:2"}, {"rpc": "c:1", "grpc": "c:2"}]')
    assert load(file).chain.nodes == two


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AKP_CHIAN__ID", "x", r"AKP_CHIAN__ID: unknown variable.*AKP_CHAIN"),
        ("AKP_CHAIN__IDD", "x", r"chain\.idd: unknown key"),
        ("AKP_KEY", "notjson", r"environment: .*key.*AKP_CHAIN__ID"),
        ("AKP_CHAIN__GAS_ADJUSTMENT", "much", r"chain\.gas_adjustment: .*found 'much'"),
    ],
)
def test_a_variable_that_cannot_work_is_named(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=says):
        load(None)


@pytest.mark.parametrize(
    "name", ["AKP_CACHE", "AKP_SERVICE_HOST", "AKP_METRICS_SERVICE_PORT_HTTP", "AKP_PORT_8443_TCP"]
)
def test_variables_of_others_are_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    load(None)


@pytest.mark.parametrize("wallet", ["[abandon, ability]", "{a: abandon}", "12345678"])
def test_a_wallet_is_never_shown(tmp_path: Path, wallet: str) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text(f"key: {{mnemonic: {wallet}}}\n")
    with pytest.raises(ConfigError) as bad:
        load(file)
    assert "abandon" not in str(bad.value)
    assert "12345678" not in str(bad.value)


def test_an_empty_address_turns_metrics_off(tmp_path: Path) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text('metrics: {listen: ""}\n')
    assert load(file).metrics.listen is None
