"""Settings come from file, environment and flags; what cannot work is refused with the place and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.errors import ConfigError
from provider.settings import load


def test_defaults_are_complete() -> None:
    settings = load(None)
    assert settings.chain.id == "akashnet-2"
    assert settings.gateway.listen == "0.0.0.0:8443"


def test_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text("chain:\n  id: local\n  grpc: [http://127.0.0.1:1]\nbid: {deposit: 1uakt}\n")
    settings = load(file)
    assert (settings.chain.id, settings.chain.grpc, settings.bid.deposit) == ("local", ("http://127.0.0.1:1",), "1uakt")
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
        ("chian: {id: x}\n", r"chian: unknown key\. Known here: .*chain"),
        ("chain: {idd: x}\n", r"chain\.idd: unknown key\. Known here: .*gas_price_uakt"),
        ("chain: {grpc: []}\n", r"chain\.grpc: .*at least 1"),
        ("chain: {gas_adjustment: 0.5}\n", r"chain\.gas_adjustment: .*found 0\.5.*Simulated gas"),
        ("gateway: {listen: nowhere}\n", r"gateway\.listen: .*found 'nowhere'"),
        ("- a\n- b\n", r"a mapping is expected, found list"),
        ("chain: [\n", r"akp\.yaml:2:1: not YAML"),
    ],
    ids=["unknown section", "unknown key", "empty list", "out of range", "no port", "no mapping", "no yaml"],
)
def test_what_cannot_work_names_the_place_and_the_cure(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load(tmp_path / "none.yaml")


def test_settings_are_frozen() -> None:
    settings = load(None)
    with pytest.raises(Exception, match="frozen"):
        settings.chain.id = "other"  # type: ignore[misc]


def test_the_mnemonic_is_not_shown() -> None:
    assert "abandon" not in repr(load(None, key={"mnemonic": "abandon " * 12}))


def test_addresses_may_be_one_text_in_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text("chain: {grpc: http://a:1}\n")
    monkeypatch.setenv("AKP_CHAIN__RPC", "http://b:1, http://c:1")
    settings = load(file)
    assert (settings.chain.grpc, settings.chain.rpc) == (("http://a:1",), ("http://b:1", "http://c:1"))


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
