"""The top level: counts, reclamation, keys."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl import compile_sdl


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("51", 51),
        ("1.0", 1),
        ("1.9", 1),
        ("0x10", 16),
        ("010", 8),
        ("08", 8),
        ("1_0", 10),
        ("0o17", 15),
        ("0b11", 3),
        ("1e2", 100),
        ("+7", 7),
    ],
)
def test_counts_in_all_spellings(compiled: Any, text: str, count: int) -> None:
    assert compiled(count=text).groups[0].resources[0].count == count


@pytest.mark.parametrize(
    "text", ["-1", '"1"', "true", "4294967296", "4294967295", "1000000", "0", "", "x", "[1]", "0x", ".inf", ".nan"]
)
def test_counts_refused(refused: Any, text: str) -> None:
    assert refused(count=text).message


@pytest.mark.parametrize(("window", "seconds"), [("24h", 86400), ("1us", 1), ("1500ms", 2)])
def test_the_reclamation_window_is_beside_the_manifest(compiled: Any, window: str, seconds: int) -> None:
    with_, without = compiled(top=f"reclamation: {{min_window: {window}}}"), compiled()
    assert with_.reclamation_min_window_s == seconds
    assert without.reclamation_min_window_s is None
    assert with_.version == without.version


@pytest.mark.parametrize(
    ("top", "path"),
    [
        ("reclamation:", "reclamation.min_window"),
        ("reclamation: {min_window: 0s}", "reclamation.min_window"),
        ("reclamation: {min_window: 0.5ns}", "reclamation.min_window"),
        ("reclamation: {min_window: 90}", "reclamation.min_window"),
        ("foo: bar", "foo"),
        ("x-anchors: {}", "x-anchors"),
        ("include: a", "include"),
        ("~: x", "~"),
        ("<<: {}", "<<"),
    ],
)
def test_top_level_refused(refused: Any, top: str, path: str) -> None:
    assert refused(top=top).path == path


def more(compiled: Any, block: str) -> Any:
    """A file with `block` behind it, without the warning that other tools refuse that."""
    done = compiled(top=block)
    assert [w.message for w in done.warnings if "join the two blocks" in w.message]
    return done


def test_a_second_block_adds_to_the_first(compiled: Any) -> None:
    image = "services: {app: {image: other, expose: [{port: 1, to: [{global: true}]}]}}"
    assert more(compiled, image).manifest[0].services[0].image == "other"
    twice = "deployment: {app: {here: {profile: small, count: 7}}}"
    assert more(compiled, twice).groups[0].resources[0].count == 7
    price = "profiles: {placement: {here: {pricing: {small: {denom: uact, amount: 5}}}}}"
    assert more(compiled, price).groups[0].resources[0].price.amount_e18 == 5 * 10**18
    assert more(compiled, "version: nonsense").groups == compiled().groups, "the first version counts"
    assert more(compiled, "profiles:").groups == more(compiled, "services: {app: }").groups == compiled().groups


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("services:", "no service 'app'"),
        ("deployment:", "no group"),
        ("profiles: {compute: }", "no compute profile"),
        ("services: {app: {image: [x]}}", "a text"),
        ("services: {app: {}}", "no image"),
    ],
)
def test_a_second_block_can_take_away_or_be_wrong(refused: Any, block: str, words: str) -> None:
    assert words in refused(top=block).message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  app:\n    here:", "  ghost:\n    here:", "no service 'ghost'"),
        ("    here:\n      profile", "    there:\n      profile", "no placement 'there'"),
        ("profile: small", "profile: large", "no compute profile 'large'"),
        ("        small:\n          denom", "        large:\n          denom", "no price for the profile 'small'"),
        ("  app:\n    image", "  App:\n    image", "no service 'app'"),
        ("deployment:\n  app:", "deployment: {}\nendpoints:\n  app:", "no group|not used|must be ip"),
        ("          - global: true", "          - global: false", "exposed to the world"),
        ("      resources:", "      resourcez:", "needs resources"),
        ("        cpu:", "        gpu2:", "needs cpu"),
    ],
)
def test_references(sdl: Any, old: str, new: str, words: str) -> None:
    text = sdl()
    assert old in text
    with pytest.raises(SdlInvalid, match=words):
        compile_sdl(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "text", ["", "\n# nothing\n", "---\n", "just words", "- a\n- b", "~", 'version: "2.0"', "version: null", "[]", "42"]
)
def test_what_is_no_sdl(text: str) -> None:
    with pytest.raises(SdlInvalid):
        compile_sdl(text)


def test_byte_order_mark_crlf_and_later_documents_do_not_matter(sdl: Any) -> None:
    plain = compile_sdl(sdl())
    assert compile_sdl("\ufeff" + sdl()).version == plain.version
    assert compile_sdl(sdl().replace("\n", "\r\n")).version == plain.version
    followed = compile_sdl("---\n" + sdl() + "---\n{ not [ yaml")
    assert followed.version == plain.version
    assert any("first YAML document" in w.message for w in followed.warnings)
