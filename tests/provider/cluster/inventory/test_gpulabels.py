"""What labels mean is tested with test_gpus.py; here what only this module answers."""

from __future__ import annotations

import pytest

from provider.cluster.inventory.discovered import Card, labels_of
from provider.cluster.inventory.gpulabels import pci_devices, seen
from provider.cluster.inventory.gputable import bundled

NFD = "feature.node.kubernetes.io/pci-"


@pytest.mark.parametrize(
    ("labels", "devices"),
    [
        pytest.param({f"{NFD}0302_10de_2330.present": "true"}, {"2330"}, id="class, vendor, device"),
        pytest.param({f"{NFD}10de_2330.present": "true"}, {"2330"}, id="vendor, device"),
        pytest.param({f"{NFD}0302_10de_2330_10de_16c1.present": "true"}, {"2330"}, id="and subsystem"),
        pytest.param({f"{NFD}0302_10de.present": "true"}, set(), id="no device said"),
        pytest.param({f"{NFD}10de.present": "true"}, set(), id="vendor alone"),
        pytest.param({f"{NFD}0302_10de_9999.present": "true"}, {"9999"}, id="an unknown card"),
        pytest.param({f"{NFD}0680_10de_22a3.present": "true"}, set(), id="a switch"),
        pytest.param({f"{NFD}0403_10de_10f9.present": "true"}, set(), id="sound"),
        pytest.param({f"{NFD}0302_1002_74a1.present": "true"}, set(), id="another vendor"),
        pytest.param({f"{NFD}0302_10de_2330.sriov.capable": "true"}, set(), id="another word of NFD"),
        pytest.param({f"{NFD}0302_10de_2330.present": "false"}, set(), id="not there"),
        pytest.param({f"{NFD}0302_10de_xyz.present": "true"}, set(), id="no number"),
    ],
)
def test_pci_devices_that_are_cards(labels: dict[str, str], devices: set[str]) -> None:
    assert pci_devices(labels, "nvidia", bundled()) == devices


@pytest.mark.parametrize(
    ("labels", "vendors"),
    [
        ({"nvidia.com/gpu.present": "true"}, {"nvidia"}),
        ({"nvidia.com/gpu.present": "false"}, set()),
        ({f"{NFD}0302_10de_2330.present": "true"}, {"nvidia"}),
        ({f"{NFD}0300_8086_4680.present": "true"}, set()),
        ({"beta.amd.com/gpu.device-id.74a1": "8"}, {"amd"}),
        ({"gpu.intel.com/device-id.0380-56c0.present": "true"}, {"intel"}),
        (labels_of([Card("10de", "2330"), Card("8086", "4680")]), {"nvidia"}),
        ({}, set()),
    ],
)
def test_whose_cards_lie_in_a_node(labels: dict[str, str], vendors: set[str]) -> None:
    assert seen(tuple(labels.items()), bundled()) == vendors
