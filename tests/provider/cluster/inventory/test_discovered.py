from __future__ import annotations

import pytest

from provider.cluster.inventory.discovered import PREFIX, Card, Discovered, discovered, labels_of

H100 = Card("10de", "2330", "NVIDIA H100 80GB HBM3")
A2, A16 = Card("10de", "25b6", "NVIDIA A2"), Card("10de", "25b6", "NVIDIA A16")


def said(**labels: str) -> dict[str, str]:
    return {PREFIX + key.replace("__", "-").replace("_of_", "."): value for key, value in labels.items()}


@pytest.mark.parametrize(
    ("cards", "labels"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(
            [H100] * 8, said(pci__10de_2330="8", product__10de_2330="NVIDIA-H100-80GB-HBM3"), id="eight of a kind"
        ),
        pytest.param(
            [Card("1002", "74a1"), Card("8086", "56c0"), Card("8086", "56c0")],
            said(pci__1002_74a1="1", pci__8086_56c0="2"),
            id="two vendors, neither driver tells a name",
        ),
        pytest.param(
            [A2, A16, A16],
            said(pci__10de_25b6="3", product__10de_25b6="NVIDIA-A16", product__10de_25b6_of_2="NVIDIA-A2"),
            id="one number, two cards",
        ),
        pytest.param(
            [Card("10de", "20b2", cut=True), Card("10de", "20b2")],
            said(pci__10de_20b2="2", cut__10de="true"),
            id="one of them in parts",
        ),
        pytest.param(
            [Card("10de", "9999", "(" + "x" * 70 + ")")],
            said(pci__10de_9999="1", product__10de_9999="x" * 62),
            id="a name that no label can hold whole",
        ),
    ],
)
def test_what_is_said_of_cards(cards: list[Card], labels: dict[str, str]) -> None:
    assert labels_of(cards) == labels


def test_it_is_read_back_for_each_vendor() -> None:
    labels = labels_of([A2, A16, H100, Card("8086", "56c0", cut=True)])
    products = {"25b6": frozenset({"NVIDIA-A2", "NVIDIA-A16"}), "2330": frozenset({"NVIDIA-H100-80GB-HBM3"})}
    assert discovered(labels, "10de") == Discovered(3, products)
    assert discovered(labels, "10de").devices == {"25b6", "2330"}
    assert discovered(labels, "8086") == Discovered(1, {"56c0": frozenset()}, cut=True)
    assert discovered(labels, "1002") == Discovered()


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(said(pci__10de_2330="0"), id="none of it"),
        pytest.param(said(pci__10de_2330="many"), id="no number"),
        pytest.param(said(pci__10de_2330="-1"), id="less than none"),
        pytest.param(said(pci__10de_233="1"), id="no device"),
        pytest.param(said(product__10de_2330="NVIDIA-H100"), id="a product of nothing"),
        pytest.param({"nvidia.com/pci-10de_2330": "8"}, id="somebody else's word"),
        pytest.param(said(cut__10de="false"), id="not in parts"),
    ],
)
def test_what_says_nothing(labels: dict[str, str]) -> None:
    assert discovered(labels, "10de") == Discovered()
