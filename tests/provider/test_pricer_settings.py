"""Amounts stay what was written, and lists and classes may be one text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provider.errors import ConfigError
from provider.settings import load


def loaded(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "akp.yaml"
    file.write_text(text)
    return load(file).bid


def test_yaml_numbers_stay_what_was_written(tmp_path: Path) -> None:
    scale = loaded(tmp_path, "bid: {scale: {cpu: 0.004, memory: 1, ip: 0.00000001, storage: {beta3: 0.1}}}").scale
    assert (scale.cpu, scale.memory, scale.ip, scale.storage) == ("0.004", "1", "0.00000001", {"beta3": "0.1"})
    assert (scale.endpoint, scale.gpu) == ("0", None)


@pytest.mark.parametrize("written", ["0.00016,beta2=0.0002", '{"ephemeral": "0.00016", "beta2": "0.0002"}'])
def test_the_environment_can_say_it_all(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "STRATEGY": "script", "SCRIPT__PATH": "/x.sh", "SCRIPT__DENOMS": "uact, ibc/1", "SCALE__STORAGE": written,
        "SCRIPT__ENVIRONMENT": '{"A": "1"}',
    }.items():  # fmt: skip
        monkeypatch.setenv(f"AKP_BID__{name}", value)
    bid = load(None).bid
    assert (bid.strategy, bid.script.path, bid.script.denoms) == ("script", Path("/x.sh"), ("uact", "ibc/1"))
    assert bid.scale.storage == {"ephemeral": "0.00016", "beta2": "0.0002"}
    assert bid.script.environment == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("strategy: shellScript", r"bid\.strategy: .*'tariff', 'script', 'scale' or 'http'"),
        ("scale: {cpu: -1}", r"bid\.scale\.cpu: .*Per thousandth of a core"),
        ("scale: {cpu: .nan}", r"bid\.scale\.cpu"),
        ("scale: {cpu: .inf}", r"bid\.scale\.cpu"),
        ("scale: {cpu: true}", r"bid\.scale\.cpu"),
        ("scale: {cpu: 1e-3uakt}", r"bid\.scale\.cpu"),
        ("scale: {storage: '1,2'}", r"bid\.scale\.storage: .*every class once"),
        ("scale: {storage: 'beta1=much'}", r"bid\.scale\.storage\.beta1"),
        ("scale: {gpus: 1}", r"bid\.scale\.gpus: unknown key\. Known here: .*gpu"),
        ("script: {processes: 0}", r"bid\.script\.processes"),
        ("script: {timeout_s: 0}", r"bid\.script\.timeout_s"),
        ("http: {url: 'ftp://x'}", r"bid\.http\.url"),
    ],
    ids=["a word of others", "negative", "NaN", "infinite", "a flag", "a unit", "twice", "no number", "typo",
         "none at once", "no time", "no http"],
)  # fmt: skip
def test_what_cannot_work_is_named(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        loaded(tmp_path, f"bid: {{{text}}}")


def test_what_a_script_is_given_may_be_secret(tmp_path: Path) -> None:
    bid = loaded(tmp_path, "bid: {script: {environment: {API_KEY: hush}}}")
    assert "hush" not in repr(bid)
