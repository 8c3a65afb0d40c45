"""Globs and what they grant."""

from __future__ import annotations

import time

import pytest

from manifests import attributes
from manifests.resources import Attribute, Attributes, Gpu, Storage


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("region", "region", True),
        ("region", "regions", False),
        ("", "", True),
        ("", "a", False),
        ("*", "abc", True),
        ("*", "a/b", False),
        ("*", "", True),
        ("a*", "abc", True),
        ("a*c", "abbc", True),
        ("a*c", "ab/c", False),
        ("a**c", "abc", True),
        ("*/b", "a/b", True),
        ("model/*", "model/a100", True),
        ("model/*", "model/a100/ram/80Gi", False),
        ("model/*/ram/*", "model/a100/ram/80Gi", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a?", "a", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        ("a[^b]c", "a/c", True),
        ("[]a]", "]", False),
        ("[\\]a]", "]", True),
        ("[-x]", "x", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("[", "a", False),
        ("a[", "a", False),
        ("a\\", "a\\", False),
        ("[a-]", "a", False),
        ("*x*", "abxcd", True),
        ("*ab", "aab", True),
        ("*[^a]*b", "x/zb", False),
        ("é?", "éü", True),
    ],
)
def test_glob(pattern: str, text: str, matches: bool) -> None:
    assert attributes.glob(pattern, text) is matches


def test_a_hostile_pattern_takes_no_time() -> None:
    began = time.process_time()
    assert not attributes.glob("*a" * 60 + "*b", "a" * 128)
    assert time.process_time() - began < 20, "trying every way takes years"


def some(**pairs: str) -> Attributes:
    return tuple(Attribute(k.replace("__", "/"), v) for k, v in pairs.items())


def test_every_requirement_needs_a_key_that_matches_with_the_same_value() -> None:
    own = some(region="eu", tier="1", zone__a="x")
    assert attributes.satisfies((), own)
    assert attributes.satisfies(some(region="eu", tier="1"), own)
    assert attributes.satisfies((Attribute("zone/*", "x"),), own)
    assert not attributes.satisfies(some(region="EU"), own)
    assert attributes.missing(some(region="eu", tier="2", gone="1"), own) == some(tier="2", gone="1")


STORAGE = (
    Attribute("capabilities/storage/1/class", "beta2"),
    Attribute("capabilities/storage/2/class", "beta3"),
    Attribute("capabilities/storage/1/persistent", "true"),
    Attribute("capabilities/storage/2/persistent", "true"),
    Attribute("capabilities/storage/3/class", "ram"),
    Attribute("capabilities/storage/9/class/x", "beta1"),
)


@pytest.mark.parametrize(
    ("wanted", "granted"),
    [
        ({}, True),
        ({"class": "beta2", "persistent": "true"}, True),
        ({"class": "beta3", "persistent": "true"}, True),
        ({"class": "ram", "persistent": "false"}, False),
        ({"class": "beta1"}, False),
        ({"class": "ram"}, True),
    ],
)
def test_a_volume_needs_one_kind_of_storage_with_all_it_asks(wanted: dict[str, str], granted: bool) -> None:
    volume = Storage("data", 1, tuple(Attribute(k, v) for k, v in wanted.items()))
    assert attributes.storage_granted(volume, attributes.storage_groups(STORAGE)) is granted


def test_kinds_of_storage_are_gathered_by_number() -> None:
    assert [len(kind) for kind in attributes.storage_groups(STORAGE)] == [2, 2, 1]


CARDS = (
    Attribute("capabilities/gpu/vendor/nvidia/model/a100", "true"),
    Attribute("capabilities/gpu/vendor/nvidia/model/a100/ram/80Gi", "true"),
    Attribute("capabilities/gpu", "true"),
    Attribute("region", "eu"),
)


@pytest.mark.parametrize(
    ("keys", "granted"),
    [
        ((), True),
        (("vendor/nvidia/model/*",), True),
        (("vendor/nvidia/model/h100", "vendor/nvidia/model/a100"), True),
        (("vendor/nvidia/model/h100",), False),
        (("vendor/nvidia/model/a100/ram/80Gi",), True),
        (("vendor/nvidia/model/a100/ram/40Gi",), False),
        (("vendor/amd/model/*",), False),
    ],
)
def test_one_of_the_cards_is_enough(keys: tuple[str, ...], granted: bool) -> None:
    assert (
        attributes.gpu_granted(Gpu(1, tuple(Attribute(k, "true") for k in keys)), attributes.gpu_capabilities(CARDS))
        is granted
    )


def test_no_gpu_needs_no_card() -> None:
    assert attributes.gpu_granted(Gpu(0), ())
    assert len(attributes.gpu_capabilities(CARDS)) == 2


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        ("ab", True),
        ("a", False),
        ("a" * 128, True),
        ("a" * 129, False),
        ("1a", False),
        ("a/b.c-d_e", True),
        ("ab*", True),
        ("a*b", False),
        ("a b", False),
        ("aé", False),
        ("ab\n", False),
    ],
)
def test_keys(key: str, valid: bool) -> None:
    assert attributes.valid_key(key) is valid
