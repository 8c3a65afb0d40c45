"""One setting names the key; whatever it is, errors name setting and cure, and never the secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provider.chain.keys import Key, load, of_text, source
from provider.errors import ConfigError
from provider.settings import KeySettings

ABANDON = "abandon " * 11 + "about"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({}, "no key is set"),
        ({"mnemonic": ABANDON, "hex_file": "k"}, "both set"),
        ({"mnemonic": "one two three"}, "3 words"),
        ({"mnemonic": "abandon " * 12}, "checksum"),
        ({"armor_file": "armor"}, "needs its passphrase"),
        ({"armor_file": "armor", "passphrase_file": "missing"}, "No such file"),
        ({"armor_file": "armor", "passphrase_file": "short"}, "does not open it"),
        ({"armor_file": "short", "passphrase_file": "short"}, "not a whole block"),
        ({"hex_file": "binary"}, "not text"),
        ({"mnemonic_file": "missing"}, "No such file"),
        ({"hex_file": "short"}, "64 hex digits"),
        ({"hex_file": "zero"}, "not a private key"),
    ],
)
def test_a_key_that_cannot_be_loaded_names_setting_and_cure(
    how: dict[str, str], says: str, tmp_path: Path, exported: dict[str, str]
) -> None:
    (tmp_path / "short").write_text("abcd")
    (tmp_path / "zero").write_text("0" * 64)
    (tmp_path / "armor").write_text(exported["argon2"])
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    given = {k: v if k == "mnemonic" else tmp_path / v for k, v in how.items()}
    with pytest.raises(ConfigError, match=says) as caught:
        load(KeySettings(**given))
    assert caught.value.where.startswith("key")
    assert caught.value.cure
    assert not {"abandon", "abcd", "0" * 64} & set(str(caught.value).split())


def test_a_key_from_a_file(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(f"\n {ABANDON} \n")
    assert load(KeySettings(mnemonic_file=words)).address == Key.from_mnemonic(ABANDON).address


def test_an_armoured_key_with_its_passphrase_from_a_file(tmp_path: Path, exported: dict[str, str]) -> None:
    (tmp_path / "armor").write_text(exported["argon2"])
    (tmp_path / "passphrase").write_text("correct horse\n")
    found = load(KeySettings(armor_file=tmp_path / "armor", passphrase_file=tmp_path / "passphrase"))
    assert found.address == Key.from_hex("01" * 32).address


def test_another_account_of_the_same_words() -> None:
    assert load(KeySettings(mnemonic=ABANDON, index=3)).address == Key.from_mnemonic(ABANDON, 3).address


def test_a_text_is_known_by_its_looks(exported: dict[str, str]) -> None:
    settings = KeySettings()
    assert of_text("here", ABANDON, settings).address == Key.from_mnemonic(ABANDON).address
    assert of_text("here", "01" * 32 + "\n", settings).address == Key.from_hex("01" * 32).address
    assert (
        of_text("here", exported["argon2"], settings, passphrase="correct horse").address
        == Key.from_hex("01" * 32).address
    )
    with pytest.raises(ConfigError, match="here: not 64 hex digits"):
        of_text("here", "nonsense", settings)


@pytest.mark.parametrize("name", ["mnemonic_file", "hex_file", "armor_file", "secret", "remote_url", "mnemonic"])
def test_each_source_can_be_the_one(name: str) -> None:
    given: dict[str, Any] = {name: "a/b/c" if name == "secret" else "x"}
    assert source(KeySettings(**given)) == name


def test_settings_never_show_the_words() -> None:
    assert "abandon" not in repr(KeySettings(mnemonic=ABANDON))
