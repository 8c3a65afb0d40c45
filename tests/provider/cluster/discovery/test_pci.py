from __future__ import annotations

from pathlib import Path

import pytest

from provider.cluster.discovery.pci import cards
from provider.cluster.inventory.discovered import Card
from provider.cluster.inventory.gputable import bundled
from provider.errors import ConfigError, Retry
from tests.provider.cluster.discovery.sysfs import Machine


def found(machine: Machine) -> list[Card]:
    return cards(machine.sys, machine.proc, bundled().vendor_ids.values())


@pytest.mark.parametrize(
    ("ids", "kind", "more", "device"),
    [
        pytest.param("10de:2330", "0x030200", {"driver": "nvidia"}, "2330", id="3D controller"),
        pytest.param("10de:2204", "0x030000", {"driver": "nvidia"}, "2204", id="VGA"),
        pytest.param("1002:74a1", "0x120000", {"driver": "amdgpu"}, "74a1", id="accelerator"),
        pytest.param("1002:738c", "0x038000", {"driver": "amdgpu"}, "738c", id="other display"),
        pytest.param("8086:56c0", "0x038000", {"driver": "i915"}, "56c0", id="Intel's"),
        pytest.param("10de:9999", "0x030200", {}, "9999", id="on no list, and no driver yet"),
        pytest.param("10de:10f9", "0x040300", {}, "", id="its sound"),
        pytest.param("10de:1ad8", "0x0c0330", {}, "", id="its USB port"),
        pytest.param("10de:22a3", "0x068000", {}, "", id="a switch between cards"),
        pytest.param("1a03:2000", "0x030000", {"driver": "ast"}, "", id="the board's own screen"),
        pytest.param("8086:1533", "0x020000", {"driver": "igb"}, "", id="a network card"),
        pytest.param("1da3:1020", "0x120000", {}, "", id="an accelerator of a vendor without cards"),
        pytest.param("10de:20b5", "0x030200", {"of": "0000:00:00.0"}, "", id="a virtual function"),
        pytest.param("10de:2330", "0x030200", {"driver": "vfio-pci"}, "", id="kept for a virtual machine"),
    ],
)
def test_what_is_a_card(machine: Machine, ids: str, kind: str, more: dict[str, str], device: str) -> None:
    machine.put("0000:00:00.0", "8086:09a2", "0x060000")
    machine.put("0000:65:00.0", ids, kind, **more)
    assert [card.device for card in found(machine)] == ([device] if device else [])


def test_a_machine_with_several_vendors(machine: Machine) -> None:
    machine.put("0000:00:02.0", "8086:4680", "0x030000", driver="i915")
    machine.put("0000:01:00.0", "10de:2684", "0x030000", driver="nvidia")
    machine.put("0000:01:00.1", "10de:22ba", "0x040300", driver="snd_hda_intel")
    machine.put("0000:c1:00.0", "10de:9999", "0x030200", driver="nvidia")
    machine.named("0000:c1:00.0", "NVIDIA RTX PRO 9000 Turbo")
    machine.put("0001:03:00.0", "1002:738c", "0x038000", driver="amdgpu")
    assert found(machine) == [
        Card("8086", "4680"),
        Card("10de", "2684"),
        Card("10de", "9999", "NVIDIA RTX PRO 9000 Turbo"),
        Card("1002", "738c"),
    ]


def test_only_nvidias_are_cut(machine: Machine) -> None:
    machine.put("0000:01:00.0", "10de:20b2")
    machine.put("0000:02:00.0", "1002:738c")
    machine.cut()
    assert [card.cut for card in found(machine)] == [True, False]


def test_a_card_pulled_out_is_gone_also_in_the_middle_of_the_look(machine: Machine) -> None:
    machine.put("0000:01:00.0", "10de:2330")
    (machine.put("0000:02:00.0", "10de:20b2") / "device").unlink()
    assert found(machine) == [Card("10de", "2330")]
    machine.pull("0000:01:00.0")
    assert found(machine) == []


@pytest.mark.parametrize("what", ["class", "vendor", "device"])
def test_a_device_that_cannot_be_read_is_not_passed_over(machine: Machine, what: str) -> None:
    """It might be another card under the same name."""
    machine.put("0000:01:00.0", "10de:2330")
    file = machine.put("0000:02:00.0", "10de:20b2") / what
    file.write_text("0xzz\n")
    with pytest.raises(Retry, match=rf"{what}: '0xzz' is no number like 0x10de"):
        found(machine)
    file.unlink()
    file.mkdir()
    with pytest.raises(Retry, match=f"{what}: cannot be read: Is a directory"):
        found(machine)


def test_a_machine_without_a_pci_bus_has_no_cards_and_a_folder_that_is_no_sysfs_is_told(
    machine: Machine, tmp_path: Path
) -> None:
    machine.devices.rmdir()
    machine.devices.parent.rmdir()
    assert found(machine) == []
    with pytest.raises(ConfigError, match=r"not the /sys of a machine. Mount the node's /sys there\."):
        cards(tmp_path / "proc", machine.proc, ["10de"])
