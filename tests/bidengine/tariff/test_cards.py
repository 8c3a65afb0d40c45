"""The most specific key prices a card, and a file in which two are equally specific is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.tariff.cards import CardKey, card_key, card_rate, ties
from manifests.gpus import GpuModel

A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
RATES = {"*": 1, "nvidia/*": 2, "*/*/80Gi": 3, "nvidia/a100": 4, "nvidia/a100/sxm": 5, "nvidia/a100/80Gi/sxm": 6}


@pytest.mark.parametrize(
    ("text", "key", "written"),
    [
        ("*", CardKey(), "*"),
        ("nvidia/*", CardKey("nvidia"), "nvidia/*"),
        ("nvidia/a100", CardKey("nvidia", "a100"), "nvidia/a100"),
        ("nvidia/a100/*", CardKey("nvidia", "a100"), "nvidia/a100"),
        ("nvidia/a100/80Gi", CardKey("nvidia", "a100", "80Gi"), "nvidia/a100/80Gi"),
        ("nvidia/a100/sxm", CardKey("nvidia", "a100", "*", "sxm"), "nvidia/a100/*/sxm"),
        ("nvidia/a100/80Gi/sxm", CardKey("nvidia", "a100", "80Gi", "sxm"), "nvidia/a100/80Gi/sxm"),
        ("*/h100/*/pcie", CardKey("*", "h100", "*", "pcie"), "*/h100/*/pcie"),
        ("*/*/80Gi", CardKey("*", "*", "80Gi"), "*/*/80Gi"),
        ("nvidia/a100-mig-1g.10gb", CardKey("nvidia", "a100-mig-1g.10gb"), "nvidia/a100-mig-1g.10gb"),
    ],
)
def test_a_key_is_read_and_written(text: str, key: CardKey, written: str) -> None:
    assert card_key(text) == key
    assert str(key) == written
    assert card_key(written) == key


@pytest.mark.parametrize(
    "text", ["", "a100", "nvidia/", "nvidia/A100", "nvidia/a100/80GB/sxm", "nvidia/a100/80Gi/sxm/x", "nvidia/a b", "**"]
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="a GPU is written vendor/model"):
        card_key(text)


@pytest.mark.parametrize(
    ("card", "rate"),
    [
        pytest.param(A100, 6, id="all four places"),
        pytest.param(GpuModel("nvidia", "a100", "40Gi", "sxm"), 5, id="vendor, model and interface"),
        pytest.param(GpuModel("nvidia", "a100", "80Gi", "pcie"), 4, id="two places before one"),
        pytest.param(GpuModel("nvidia", "a100"), 4, id="a card of which no more is known"),
        pytest.param(GpuModel("amd", "mi300x", "80Gi"), 3, id="any card of a size"),
        pytest.param(GpuModel("nvidia", "t4", "16Gi", "pcie"), 2, id="any of the vendor"),
        pytest.param(GpuModel("intel", "max1550"), 1, id="any"),
    ],
)
def test_the_most_specific_key_counts(card: GpuModel, rate: int) -> None:
    assert card_rate(card, RATES) == rate


def test_without_a_key_there_is_no_rate() -> None:
    assert card_rate(GpuModel("amd", "mi100"), {"nvidia/*": 1}) is None
    assert card_rate(A100, {}) is None


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (["nvidia/*", "*/*/80Gi"], [("nvidia/*", "*/*/80Gi", "nvidia/*/80Gi")]),
        (["nvidia/*", "*/*/80Gi", "nvidia/*/80Gi"], []),
        (["nvidia/a100/80Gi", "nvidia/a100/sxm"], [("nvidia/a100/80Gi", "nvidia/a100/sxm", "nvidia/a100/80Gi/sxm")]),
        (["nvidia/a100/80Gi", "nvidia/a100/sxm", "nvidia/a100/80Gi/sxm"], []),
        (["nvidia/a100", "nvidia/a100/*"], [("nvidia/a100", "nvidia/a100/*", "nvidia/a100")]),
        (["nvidia/a100", "nvidia/h100", "amd/*", "*"], []),
        (list(RATES), [("nvidia/*", "*/*/80Gi", "nvidia/*/80Gi")]),
    ],
)
def test_two_keys_that_are_equally_specific_for_a_card(keys: list[str], found: list[tuple[str, str, str]]) -> None:
    assert [(a, b, str(both)) for a, b, both in ties(keys)] == found


KEYS = st.builds(
    CardKey,
    *(st.sampled_from(["*", *names]) for names in (["nv", "amd"], ["m1", "m2"], ["8Gi", "9Gi"], ["sxm", "pcie"])),
)
CARDS = [
    GpuModel(*places) for places in itertools.product(["nv", "amd"], ["m1", "m2"], ["8Gi", "9Gi", ""], ["sxm", "pcie"])
]


@settings(deadline=None)
@given(st.lists(KEYS, unique=True, max_size=6))
def test_a_file_without_ties_has_one_answer_for_every_card(keys: list[CardKey]) -> None:
    texts = [str(key) for key in keys]
    if any(ties(texts)):
        return
    for card in CARDS:
        fitting = [key for key in keys if key.covers(CardKey(card.vendor, card.model, card.memory, card.interface))]
        most = max((key.named for key in fitting), default=0)
        assert sum(key.named == most for key in fitting) <= 1
        rate = card_rate(card, {str(key): key.named for key in keys})
        assert rate == (most if fitting else None)


@settings(deadline=None)
@given(KEYS, KEYS)
def test_what_two_keys_share_is_what_both_cover(one: CardKey, two: CardKey) -> None:
    both = one.shared(two)
    for card in CARDS:
        exact = CardKey(card.vendor, card.model, card.memory, card.interface)
        assert (one.covers(exact) and two.covers(exact)) == (both is not None and both.covers(exact))
