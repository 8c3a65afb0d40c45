"""Orders in one line: what is written is read back, and what is wrong is named."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidengine.commit import Commit
from bidengine.needs import leased_ips, needs, node_ports
from bidengine.notation import card_in_short, in_short, parse_group
from manifests.errors import Invalid
from manifests.gpus import GpuModel

GIB = 1 << 30


def test_one_unit_with_everything() -> None:
    (unit,) = parse_group("3*2xnvidia/h100/80Gi/sxm,16cpu,64Gi,100Gi:beta3,10Gi:ephemeral,1Gi:ram,2port,1ip").resources
    assert unit.count == 3
    assert (unit.resources.cpu.milli, unit.resources.memory.quantity_bytes) == (16_000, 64 * GIB)
    assert [(v.storage_class, v.persistent, v.quantity_bytes // GIB) for v in unit.resources.storage] == [
        ("beta3", True, 100), ("", False, 10), ("ram", False, 1),
    ]  # fmt: skip
    spec = parse_group("3*2xh100,16cpu,100Gi:beta3,2port,1ip + 1cpu,1ip")
    assert (node_ports(spec), leased_ips(spec)) == (2, 2)
    (first, second) = needs(spec, Commit())
    assert (first.replicas, first.ask.gpu_units, second.resource_id) == (3, 2, 2)


@pytest.mark.parametrize(
    ("text", "card", "fits"),
    [
        ("1xh100", GpuModel("nvidia", "h100", "80Gi", "sxm"), True),
        ("1xmi300x", GpuModel("amd", "mi300x"), True),
        ("1xnvidia/mi300x", GpuModel("amd", "mi300x"), False),
        ("1xh100/80Gi", GpuModel("nvidia", "h100", "94Gi"), False),
        ("1xh100/sxm", GpuModel("nvidia", "h100", "80Gi", "pcie"), False),
        ("1xnvidia/a100/40Gi/pcie", GpuModel("nvidia", "a100", "40Gi", "pcie"), True),
        ("1xa100|h100", GpuModel("nvidia", "h100"), True),
        ("1xa100|h100", GpuModel("nvidia", "t4"), False),
        ("1xnvidia/*", GpuModel("nvidia", "t4"), True),
        ("1xnvidia/*", GpuModel("intel", "a770"), False),
        ("1x*", GpuModel("intel", "a770"), True),
    ],
)
def test_cards(text: str, card: GpuModel, fits: bool) -> None:
    (need,) = needs(parse_group(text), Commit())
    assert need.accepts(card) is fits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is no part of an order; e.g. 3*2xh100,16cpu,64Gi,100Gi:beta3"),
        ("2xh100,,1cpu", "'' is no part"),
        ("2 h100", "'2 h100' is no part"),
        ("16 cpus", "'16 cpus' is no part"),
        ("64GB", "'64GB' is no part"),
        ("1Gi,2Gi", "'2Gi': memory is there already; a volume says its class, like 100Gi:beta3"),
        ("1cpu,500m", "'500m': cpu is there already"),
        ("1xa100,1xh100", "'1xh100': gpu is there already"),
        ("0xh100", "'0xh100': a count is a number from 1 to 10000"),
        ("0*1cpu", "a count is a number"),
        ("1xnvidia/", "[vendor/]model[/80Gi][/sxm]"),
        ("1xnvidia", "[vendor/]model[/80Gi][/sxm]"),
        ("1xa100/80Gi/40Gi", "[vendor/]model[/80Gi][/sxm]"),
        ("1xa100|", "[vendor/]model[/80Gi][/sxm]"),
        ("1cpu +", "'' is no part"),
        ("1Gi:", "'1Gi:' is no part"),
        ("-1cpu", "'-1cpu' is no part"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(Invalid) as bad:
        parse_group(text)
    assert words in str(bad.value)


_models = st.sampled_from(["*", "h100", "nvidia/*", "nvidia/a100/80Gi", "amd/mi300x", "a100|h100/80Gi/sxm", "t4/pcie"])
_items = st.fixed_dictionaries(
    {"cpu": st.integers(1, 200_000).map(lambda m: f"{m}m")},
    optional={
        "gpu": st.tuples(st.integers(1, 8), _models).map(lambda g: f"{g[0]}x{g[1]}"),
        "memory": st.integers(1, 1 << 40).map(str),
        "volume": st.tuples(st.integers(1, 900), st.sampled_from(["beta3", "ram", "ephemeral", "default"])).map(
            lambda v: f"{v[0]}Gi:{v[1]}"
        ),
        "port": st.integers(1, 9).map(lambda n: f"{n}port"),
    },
).map(lambda items: ",".join(items.values()))
_units = st.tuples(st.integers(1, 50), _items).map(lambda u: f"{u[0]}*{u[1]}")


@given(st.lists(_units, min_size=1, max_size=3).map(" + ".join))
def test_what_is_written_short_asks_for_the_same(text: str) -> None:
    spec = parse_group(text)
    again = parse_group(in_short(spec))
    assert needs(again, Commit(50, 20, 0)) == needs(spec, Commit(50, 20, 0))
    assert node_ports(again) == node_ports(spec)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        parse_group(text)


def test_for_people() -> None:
    assert in_short(parse_group("1*2xh100,16000m,65536Mi")) == "2xh100,16cpu,64Gi"
    assert card_in_short(GpuModel("nvidia", "a100", "80Gi", "sxm")) == "nvidia/a100/80Gi/sxm"
