from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from manifests.errors import Invalid
from manifests.gpus import GpuModel
from provider.cluster.inventory.gputable import Known, bundled, parse, read
from provider.errors import ConfigError

H100 = {"name": "h100", "interface": "SXM5", "memory_size": "80Gi"}


def table(devices: Any = None, **more: Any) -> str:
    return json.dumps({"10de": {"name": "nvidia", "devices": {"2330": H100} if devices is None else devices, **more}})


def test_the_networks_own_format_is_read() -> None:
    found = parse(table())
    assert found.device("nvidia", "2330") == Known("h100", "80Gi", "sxm")
    assert found.device("nvidia", "2331") is None
    assert found.device("amd", "2330") is None
    assert found.vendor_ids == {"nvidia": "10de"}
    assert found.model("nvidia", "h100") == Known("h100", "80Gi", "sxm")
    assert found.model("amd", "h100") is None


def test_of_a_model_is_known_what_all_its_devices_have() -> None:
    assert bundled().model("nvidia", "a100") == Known("a100", "", ""), "of two sizes and two interfaces"
    assert bundled().model("nvidia", "rtx3080") == Known("rtx3080", "", "pcie")


def test_what_is_not_known_is_not_said() -> None:
    odd = parse(table({"2335": {"name": "h200", "interface": "Nothsure"}}))
    assert odd.device("nvidia", "2335") == Known("h200")


def test_products_are_found_however_they_are_punctuated() -> None:
    found = parse(
        table({"2330": {**H100, "products": ["NVIDIA H100 80GB HBM3"]}}, products={"NVIDIA A2": {"name": "a2"}})
    )
    for said in ("NVIDIA-H100-80GB-HBM3", "nvidia_h100_80gb_hbm3", "NVIDIA H100 80GB HBM3"):
        assert found.product("nvidia", said) == Known("h100", "80Gi", "sxm")
    assert found.product("nvidia", "NVIDIA-A2") == Known("a2")
    assert found.product("nvidia", "") is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("{", "not JSON", id="not JSON"),
        pytest.param("[]", "an object", id="not an object"),
        pytest.param('{"nvidia": {}}', "nvidia: an id of four", id="no PCI id"),
        pytest.param('{"10de": []}', "10de: an object", id="a vendor that is a list"),
        pytest.param('{"10de": {}}', "10de.name", id="no vendor name"),
        pytest.param(table({"23300": H100}), "10de.devices.23300", id="a device id too long"),
        pytest.param(table({"2330": {}}), "10de.devices.2330.name", id="no model"),
        pytest.param(table({"2330": {"name": "H 100"}}), "10de.devices.2330.name", id="a model outside the grammar"),
        pytest.param(table({"2330": {"name": "h" * 40}}), "longer than a node's label", id="a model too long"),
        pytest.param(table({"2330": {**H100, "memory_size": "80GB"}}), "memory_size", id="a size of no kind"),
        pytest.param(table({"2330": {**H100, "products": "x"}}), "products: a list", id="products that are no list"),
    ],
)
def test_a_wrong_list_names_the_place(text: str, place: str) -> None:
    with pytest.raises(Invalid, match=place):
        parse(text)


def test_an_operators_file_goes_over_what_is_bundled(tmp_path: Path) -> None:
    (tmp_path / "gpus.json").write_text(table({"2330": {"name": "hopper"}, "9999": {"name": "x1"}}))
    found = read(tmp_path / "gpus.json")
    assert found.device("nvidia", "2330") == Known("hopper")
    assert found.device("nvidia", "9999") == Known("x1")
    assert found.device("amd", "74a1") == bundled().device("amd", "74a1") is not None


@pytest.mark.parametrize("text", [None, "{"])
def test_an_operators_file_that_cannot_be_used(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "gpus.json").write_text(text)
    with pytest.raises(ConfigError, match=r"gpus\.json"):
        read(tmp_path / "gpus.json")


@pytest.mark.parametrize(
    ("vendor", "device", "model"),
    [
        ("nvidia", "20b2", Known("a100", "80Gi", "sxm")),
        ("nvidia", "20b5", Known("a100", "80Gi", "pcie")),
        ("nvidia", "2331", Known("h100", "80Gi", "pcie")),
        ("nvidia", "2335", Known("h200", "141Gi", "sxm")),
        ("nvidia", "2901", Known("b200", "180Gi", "sxm")),
        ("nvidia", "2684", Known("rtx4090", "24Gi", "pcie")),
        ("nvidia", "2230", Known("rtxa6000", "48Gi", "pcie")),
        ("nvidia", "26b9", Known("l40s", "48Gi", "pcie")),
        ("nvidia", "1eb8", Known("t4", "16Gi", "pcie")),
        ("nvidia", "1db5", Known("v100", "32Gi", "sxm")),
        ("amd", "738c", Known("mi100", "32Gi", "pcie")),
        ("amd", "74a1", Known("mi300x", "192Gi")),
        ("intel", "56c0", Known("flex170", "16Gi", "pcie")),
    ],
)
def test_bundled(vendor: str, device: str, model: Known) -> None:
    assert bundled().device(vendor, device) == model


def test_every_bundled_model_can_be_sold_and_labelled() -> None:
    table = bundled()
    for (vendor, _), known in {**table._devices, **table._products}.items():
        assert GpuModel(vendor, known.model, known.memory, known.interface).labels()
