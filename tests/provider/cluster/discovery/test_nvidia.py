from __future__ import annotations

from provider.cluster.discovery.nvidia import cut, products
from tests.provider.cluster.discovery.sysfs import Machine


def test_names_by_address(machine: Machine) -> None:
    machine.named("0000:01:00.0", "NVIDIA GeForce RTX 4090")
    machine.named("0000:C1:00.0", "NVIDIA RTX: the second")
    assert products(machine.proc) == {
        "0000:01:00.0": "NVIDIA GeForce RTX 4090",
        "0000:c1:00.0": "NVIDIA RTX: the second",
    }


def test_what_tells_no_name(machine: Machine) -> None:
    assert products(machine.proc) == {}, "no driver"
    machine.named("0000:01:00.0", "Unknown")
    machine.named("0000:02:00.0", "")
    (machine.proc / "driver" / "nvidia" / "gpus" / "0000:03:00.0" / "information").mkdir(parents=True)
    (machine.proc / "driver" / "nvidia" / "gpus" / "0000:04:00.0").mkdir()
    assert products(machine.proc) == {}


def test_a_card_is_cut_while_an_instance_exists(machine: Machine) -> None:
    home = machine.proc / "driver" / "nvidia" / "capabilities" / "gpu0" / "mig"
    home.mkdir(parents=True)
    assert not cut(machine.proc), "it might be, but is not"
    (home / "gi7").mkdir()
    assert cut(machine.proc)
    (home / "gi7").rmdir()
    assert not cut(machine.proc)
