"""Compute and placement profiles: amounts, attributes and prices."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.coins import E18
from manifests.errors import SdlInvalid
from manifests.resources import Attribute
from manifests.sdl import compile_sdl
from manifests.wire import groups_json


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("8.2", 8200),
        ("4.35", 4350),
        ("1.005", 1004),
        ("16.1", 16100),
        ("0.29", 290),
        ("0.07", 70),
        ('"1e2"', 100000),
        ("1_0", 10000),
        ('"+1"', 1000),
        (".5", 500),
        ("5.", 5000),
        ("010", 10000),
        ("384", 384000),
        ("100m", 100),
        ('"0x1p-2"', 250),
    ],
)
def test_cpu(compiled: Any, text: str, milli: int) -> None:
    assert compiled(cpu=text).groups[0].resources[0].resources.cpu.milli == milli


@pytest.mark.parametrize(
    "text",
    ["0x10", "0.0099", '"100M"', '"0.5m"', "384.001", '"inf"', ".nan", "-1", "", '"1 "', "4294967.796", "[1]", "1e999"],
)
def test_cpu_refused(refused: Any, text: str) -> None:
    error = refused(cpu=text)
    assert (error.path, error.line) == ("profiles.compute.small.resources.cpu.units", 15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5Gi", 1610612736),
        ("0.1Gi", 107374182),
        ("10.7Gi", 11489037516),
        ("0.001Ti", 1099511627),
        ("1_000Mi", 1048576000),
        ('"1e9"', 10**9),
        ("4096k", 4096000),
        ("1.1G", 1100000000),
        ("1Mi", 1048576),
        ("2Ti", 2199023255552),
    ],
)
def test_memory(compiled: Any, text: str, expected: int) -> None:
    assert compiled(memory=text).groups[0].resources[0].resources.memory.quantity_bytes == expected


@pytest.mark.parametrize(
    "text", ["512mi", "512MB", "512Gb", '"512 Mi"', '"512Mi "', "1048575", "2.1Ti", "1Pi", "-5Gi", "", '"0x10Mi"']
)
def test_memory_refused(refused: Any, text: str) -> None:
    assert refused(memory=text).path == "profiles.compute.small.resources.memory.size"


@pytest.mark.parametrize(
    ("text", "e18"),
    [
        ("1", E18),
        ('"0.000000000000000001"', 1),
        ("10000000", 10**7 * E18),
        ('"+5"', 5 * E18),
        ("001", E18),
        ("1.10", 11 * E18 // 10),
    ],
)
def test_amount(compiled: Any, text: str, e18: int) -> None:
    assert compiled(amount=text).groups[0].resources[0].price.amount_e18 == e18


@pytest.mark.parametrize(
    "text",
    [
        '"0.0000000000000000001"',
        "1e3",
        "1_000",
        ".5",
        "5.",
        "0",
        '"0.0"',
        "-1",
        "10000000.1",
        "0x10",
        "",
        '"1,000"',
        "9" * 5000,
    ],
)
def test_amount_refused(refused: Any, text: str) -> None:
    assert refused(amount=text).path == "profiles.placement.here.pricing.small.amount"


@pytest.mark.parametrize(
    ("denom", "good"),
    [
        ("uact", True),
        ("ibc/17AB", True),
        ("UAKT", True),
        ("uk", False),
        ('""', False),
        ("1uakt", False),
        ("u$akt", False),
    ],
)
def test_denom(compiled: Any, refused: Any, denom: str, good: bool) -> None:
    if good:
        assert compiled(denom=denom).groups[0].denom == denom
    else:
        assert refused(denom=denom).path.endswith("pricing.small.denom")


def test_attributes_are_text_in_byte_order(compiled: Any) -> None:
    placement = 'attributes: {b: true, A: 1.50, a/b: ~, "x y": z, c: "null", Z: on}'
    found = [(a.key, a.value) for a in compiled(placement=placement).groups[0].requirements.attributes]
    assert found == [("A", "1.50"), ("Z", "on"), ("a/b", ""), ("b", "true"), ("c", "null"), ("x y", "z")]


def test_signed_by(compiled: Any) -> None:
    signed_by = (
        compiled(placement="signedBy: {anyOf: [a, b], allOf: [c], all_of: [d]}").groups[0].requirements.signed_by
    )
    assert (signed_by.any_of, signed_by.all_of) == (("a", "b"), ("c",))


@pytest.mark.parametrize(
    "placement", ["attributes: {a: [1]}", "signedBy: [a]", "signedBy: {anyOf: a}", "attributes: x"]
)
def test_placement_refused(refused: Any, placement: str) -> None:
    assert refused(placement=placement).path.startswith("profiles.placement.here.")


def test_cpu_arch_is_an_attribute_and_nothing_else_is(compiled: Any, refused: Any) -> None:
    cpu = compiled(cpu="1\n          attributes: {arch: arm64}").groups[0].resources[0].resources.cpu
    assert cpu.attributes == (Attribute("arch", "arm64"),)
    assert "known are arch" in refused(cpu="1\n          attributes: {speed: 3}").message
    assert "known are arch" in refused(cpu="1\n          attributes: {<<: {arch: x}}").message
    assert "twice" in refused(cpu="1\n          attributes: {arch: a, arch: b}").message


@pytest.mark.parametrize(
    ("attributes", "arch"),
    [("", []), ("[]", []), ("x", []), ("{arch: }", [""]), ("[arch, arm64]", ["arm64"]), ("{arch: !mine 5}", ["5"])],
)
def test_cpu_attributes_are_read_by_hand(compiled: Any, attributes: str, arch: list[str]) -> None:
    cpu = compiled(cpu=f"1\n          attributes: {attributes}").groups[0].resources[0].resources.cpu
    assert [a.value for a in cpu.attributes] == arch


def test_a_price_of_a_profile_nobody_uses_may_be_missing(compiled: Any) -> None:
    assert compiled(amount="1\n        other:").groups == compiled(amount="1").groups


@pytest.mark.parametrize(
    ("signed_by", "json"),
    [
        ("", (None, None)),
        ("signedBy: {allOf: [], anyOf: }", ([], None)),
        ("signedBy: {allOf: [~], anyOf: [a]}", ([], ["a"])),
    ],
)
def test_an_empty_list_of_auditors_shows_in_json_and_means_none(
    compiled: Any, signed_by: str, json: tuple[Any, Any]
) -> None:
    (group,) = compiled(placement=signed_by).groups
    (written,) = groups_json([group])
    assert tuple(written["requirements"]["signed_by"].values()) == json
    assert group.requirements.signed_by.all_of == ()
    if json[1] is None:
        assert group.requirements == compiled().groups[0].requirements, "on chain they are one"


def test_what_makes_the_reference_crash_is_refused(sdl: Any, refused: Any) -> None:
    used = sdl().replace(
        "pricing:\n        small:\n          denom: uact\n          amount: 100\n", "pricing: {small: }\n"
    )
    with pytest.raises(SdlInvalid, match="needs a denom"):
        compile_sdl(used)
