from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from manifests.render.isolation import Isolation
from provider.errors import ConfigError
from provider.isolation_settings import IsolationSettings
from provider.settings import load


def test_left_alone_they_are_what_rendering_does_by_itself() -> None:
    assert IsolationSettings().chosen() == Isolation()


def test_every_part_of_it_can_be_set() -> None:
    names = {f.name for f in fields(Isolation)} - {"unbought_disk_bytes"} | {"unbought_disk"}
    assert IsolationSettings.model_fields.keys() == names


def test_all_of_it_can_be_turned_off_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    off = dict.fromkeys(("seccomp_profile", "drop_capabilities", "pod_security", "closed_ports", "unbought_disk"), "")
    for name, value in {**off, "max_connections": "0", "hide_gpus": "false"}.items():
        monkeypatch.setenv(f"AKP_CLUSTER__ISOLATION__{name.upper()}", value)
    chosen = load(None).cluster.isolation.chosen()
    assert chosen == Isolation("", (), "", closed_ports=(), max_connections=0, unbought_disk_bytes=0, hide_gpus=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("closed_networks: [203.0.113.9/24]", "203.0.113.9/24"),
        ("open_networks: [everything]", "is not a network such as"),
        ("closed_ports: [0]", "greater than or equal to 1"),
        ("drop_capabilities: [net_raw]", "write it like NET_RAW"),
        ("runtime_class: Kata!", "lower-case letters"),
        ("egress_bandwidth: fast", "fast"),
        ("unbought_disk: some", "some"),
        ("pod_security: restricted", "'baseline'"),
        ("seccomp: off", "Known here"),
    ],
)
def test_what_cannot_work_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "akp.yaml"
    file.write_text(f"cluster: {{isolation: {{{text}}}}}")
    with pytest.raises(ConfigError) as no:
        load(file)
    assert "cluster.isolation" in no.value.where
    assert said in str(no.value)
