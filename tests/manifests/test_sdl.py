"""From a tenant's file to what is sent: to the chain the groups and the hash, to the provider the manifest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.digest import version
from manifests.resources import EndpointKind
from manifests.sdl import SdlInvalid, compile_sdl

SHOP = """\
version: "2.0"
services:
  web:
    image: registry.example/shop:1
    expose:
      - port: 3000
        as: 80
        to:
          - global: true
  db:
    image: registry.example/db:16
    expose:
      - port: 5432
        to:
          - service: web
profiles:
  compute:
    small:
      resources:
        cpu:
          units: 0.5
        memory:
          size: 256Mi
        storage:
          size: 1Gi
  placement:
    near:
      attributes:
        region: eu-west
      pricing:
        small:
          denom: uact
          amount: 1.5
deployment:
  web:
    near:
      profile: small
      count: 2
  db:
    near:
      profile: small
      count: 1
"""


def changed(old: str, new: str) -> str:
    assert SHOP.count(old) == 1, f"{old!r} must stand in the file once"
    return SHOP.replace(old, new)


def refused(text: str | bytes) -> SdlInvalid:
    with pytest.raises(SdlInvalid) as no:
        compile_sdl(text)
    return no.value


def test_a_shop_becomes_one_group_and_one_manifest() -> None:
    compiled = compile_sdl(SHOP)
    (group,) = compiled.groups
    assert group.name == "near"
    assert [(a.key, a.value) for a in group.requirements.attributes] == [("region", "eu-west")]
    assert group.ceiling_e18 == 3 * 15 * 10**17, "1.5 a block for each of three replicas"
    (manifest,) = compiled.manifest
    assert (manifest.name, [(s.name, s.count, s.image) for s in manifest.services]) == (
        "near",
        [("db", 1, "registry.example/db:16"), ("web", 2, "registry.example/shop:1")],
    )
    db, web = manifest.services
    assert (web.resources.cpu.milli, web.resources.memory.quantity_bytes) == (500, 256 << 20)
    assert [s.quantity_bytes for s in web.resources.storage] == [1 << 30]
    assert [(e.port, e.external_port, e.global_, e.service) for e in web.expose] == [(3000, 80, True, "")]
    assert [(e.port, e.global_, e.service) for e in db.expose] == [(5432, False, "web")]
    assert [unit.resources.endpoints[0].kind for unit in group.resources if unit.count == 2] == [
        EndpointKind.SHARED_HTTP
    ]
    assert (compiled.reclamation_min_window_s, compiled.warnings) == (None, ())


def test_the_version_is_the_manifests_hash() -> None:
    compiled = compile_sdl(SHOP)
    assert compiled.version == version(compiled.manifest)
    assert len(compiled.version) == 32


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        # what the tenant must send anew: the hash and manifest (an update), or the groups (a new deployment)
        ("shop:1", "shop:2", {"manifest", "version"}),
        ("as: 80", "as: 80\n        accept: [shop.example]", {"manifest", "version"}),
        ("amount: 1.5", "amount: 2", {"groups"}),
        ("region: eu-west", "region: eu-east", {"groups"}),
        ("count: 2", "count: 3", {"manifest", "version", "groups"}),
        ("units: 0.5", "units: 500m", set()),
        ('version: "2.0"', 'version: "2.0" # the shop', set()),
        ("size: 256Mi", "size: 268435456", set()),
    ],
)
def test_what_a_change_of_the_file_changes(old: str, new: str, parts: set[str]) -> None:
    before, after = compile_sdl(SHOP), compile_sdl(changed(old, new))
    assert {
        part for part in ("groups", "manifest", "version") if getattr(before, part) != getattr(after, part)
    } == parts


def test_text_and_its_bytes_are_one_file() -> None:
    assert compile_sdl(SHOP.encode()) == compile_sdl(SHOP)
    assert compile_sdl(SHOP.replace("\n", "\r\n")) == compile_sdl(SHOP)


def test_each_placement_is_a_group_and_both_sides_name_them_alike() -> None:
    far = "    far:\n      pricing:\n        small:\n          denom: uact\n          amount: 1\n"
    text = changed("    near:\n      attributes", far + "    near:\n      attributes")
    compiled = compile_sdl(text.replace("  db:\n    near:", "  db:\n    far:"))
    assert [g.name for g in compiled.groups] == [g.name for g in compiled.manifest] == ["far", "near"]
    assert [[s.name for s in g.services] for g in compiled.manifest] == [["db"], ["web"]]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("90500ms", 91), ("1h0.000000001s", 3601), ("1ns", 1), ("24h", 86_400)],
)
def test_a_window_to_move_away_is_asked_for_in_whole_seconds_rounded_up(written: str, seconds: int) -> None:
    compiled = compile_sdl(f"{SHOP}reclamation:\n  min_window: {written}\n")
    assert compiled.reclamation_min_window_s == seconds
    assert replace(compiled, reclamation_min_window_s=None) == compile_sdl(SHOP), "the rest does not know of it"


REFUSED: dict[str, tuple[str, str, str, int, str]] = {
    # what is written, instead -> path, line, and a word of the message
    "a profile nobody described": (
        *("web:\n    near:\n      profile: small", "web:\n    near:\n      profile: smal"),
        *("deployment.web.near.profile", 37, "no compute profile 'smal'"),
    ),
    "a service without image": (
        *("    image: registry.example/db:16\n", ""),
        *("services.db", 10, "no image"),
    ),
    "a limit of the chain": (
        *("units: 0.5", "units: 999"),
        *("profiles.compute.small.resources.cpu.units", 21, "10 to 384000"),
    ),
    "a limit of memory": (
        *("size: 256Mi", "size: 1"),
        *("profiles.compute.small.resources.memory.size", 23, "1048576 to "),
    ),
    "a limit of the manifest": (
        *("as: 80", "as: 80\n        accept: [Shop!]"),
        *("services.web.expose[0].accept[0]", 8, "not a host name"),
    ),
    "nothing the world could reach": (
        *("- global: true", "- service: db"),
        *("", 1, "no service is exposed to the world"),
    ),
}


@pytest.mark.parametrize(("old", "new", "path", "line", "word"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_the_place_in_the_file(old: str, new: str, path: str, line: int, word: str) -> None:
    """... also when the file is well written and a limit of the chain or of the manifest is what refuses it."""
    refusal = refused(changed(old, new))
    assert (refusal.path, refusal.line) == (path, line)
    assert word in refusal.message
    assert str(refusal) == (f"{path}: {refusal.message}" if path else refusal.message)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "hello", "a: [", "a: *b", b"\xff", b"\x00", "version: !!binary é", "version: '2.0'", "? {}", "\t"],
    ids=repr,
)
def test_whatever_is_no_sdl_file_is_refused_in_one_way(text: str | bytes) -> None:
    assert refused(text).message


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        (changed("denom: uact", "denom: uakt"), "profiles.placement.near.pricing.small.denom", 32),
        (changed("count: 2", "count: 60"), "deployment.web.near.count", 38),
        (SHOP + "---\nversion: '2.0'\n", "", None),
    ],
    ids=["another coin", "many replicas", "a second document"],
)
def test_what_is_only_surprising_compiles_with_a_warning(text: str, path: str, line: int | None) -> None:
    compiled = compile_sdl(text)
    assert [(warning.path, warning.line) for warning in compiled.warnings] == [(path, line)]
    assert compiled.groups
