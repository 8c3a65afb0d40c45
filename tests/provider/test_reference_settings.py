"""An operator of the reference keeps the variables that are set already."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.errors import ConfigError
from provider.reference_settings import from_reference
from provider.settings import load

CHART = {
    "AKASH_BID_PRICE_STRATEGY": "scale",
    "AKASH_BID_PRICE_CPU_SCALE": "0.004",
    "AKASH_BID_PRICE_MEMORY_SCALE": "0.0016",
    "AKASH_BID_PRICE_ENDPOINT_SCALE": "1",
    "AKASH_BID_PRICE_IP_SCALE": "60",
    "AKASH_BID_PRICE_STORAGE_SCALE": "0.00016,beta2=0.00016",
}


def test_the_charts_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CHART.items():
        monkeypatch.setenv(name, value)
    bid = load(None).bid
    assert bid.strategy == "scale"
    assert (bid.scale.cpu, bid.scale.memory, bid.scale.endpoint, bid.scale.ip) == ("0.004", "0.0016", "1", "60")
    assert bid.scale.storage == {"ephemeral": "0.00016", "beta2": "0.00016"}
    assert bid.scale.currency == "", "it must be said: the reference took the numbers for any denomination"


def test_a_script_and_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"STRATEGY": "shellScript", "SCRIPT_PATH": "/p.sh", "SCRIPT_PROCESS_LIMIT": "7"}.items():
        monkeypatch.setenv(f"AKASH_BID_PRICE_{name}", value)
    monkeypatch.setenv("AP_BID_PRICE_SCRIPT_PROCESS_TIMEOUT", "1m2.5s")
    bid = load(None).bid
    assert (bid.strategy, bid.script.path, bid.script.processes, bid.script.timeout_s) == (
        "script",
        Path("/p.sh"),
        7,
        62.5,
    )


def test_ap_counts_before_akash_and_an_empty_one_is_none() -> None:
    assert from_reference({"AKASH_BID_PRICE_CPU_SCALE": "1", "AP_BID_PRICE_CPU_SCALE": "2"}) == {
        "bid": {"scale": {"cpu": "2"}}
    }
    assert from_reference({"AKASH_BID_PRICE_CPU_SCALE": "1", "AP_BID_PRICE_CPU_SCALE": ""}) == {
        "bid": {"scale": {"cpu": "1"}}
    }


def test_our_own_settings_are_stronger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AKASH_BID_PRICE_STRATEGY", "scale")
    monkeypatch.setenv("AKASH_BID_PRICE_CPU_SCALE", "1")
    monkeypatch.setenv("AKASH_BID_PRICE_IP_SCALE", "1")
    monkeypatch.setenv("AKP_BID__SCALE__CPU", "3")
    (tmp_path / "akp.yaml").write_text("bid: {strategy: tariff}\n")
    bid = load(tmp_path / "akp.yaml").bid
    assert (bid.strategy, bid.scale.cpu, bid.scale.ip) == ("tariff", "3", "1")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AP_BID_PRICE_STRATEGY", "randomRange", r"AP_BID_PRICE_STRATEGY: the strategy 'randomRange' is not offered"),
        ("AKASH_BID_PRICE_SCRIPT_PROCESS_TIMEOUT", "10", r"'10' is not a duration\. Write it as 10s"),
        ("AKASH_BID_PRICE_CPU_SCALE", "1.5uakt", r"bid\.scale\.cpu: .*found '1\.5uakt'"),
    ],
)
def test_what_has_no_meaning_here_is_named(name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=says):
        load(None)
