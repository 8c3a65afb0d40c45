"""The account's key, wherever it lies: words, hex, an armoured export, or a service that signs for us.

`source` says which of the settings names it, `of_text` makes it from words, hex or armour as read from a file or a
Kubernetes Secret. Whatever the source, a key is an address, a public key and `signature`; no error and no repr ever
shows a secret.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from provider.chain.keys import armor
from provider.chain.keys.local import Key, address_of
from provider.errors import ConfigError
from provider.settings import KeySettings

__all__ = ["Key", "SigningKey", "address_of", "load", "of_text", "source"]

SOURCES = ("mnemonic_file", "hex_file", "armor_file", "secret", "remote_url", "mnemonic")


class SigningKey(Protocol):
    """What a transaction needs of a key."""

    @property
    def address(self) -> str: ...
    @property
    def public_key(self) -> bytes:
        """33 bytes, compressed"""

    async def signature(self, document: bytes) -> bytes:
        """64 bytes r‖s over SHA-256 of the document. Unreachable, Refused or Fatal only from a key that lies
        elsewhere."""


def source(settings: KeySettings) -> str:
    """The one setting that names the key; ConfigError when there is none, or more than one."""
    given = [name for name in SOURCES if getattr(settings, name)]
    if not given:
        cure = "Set key.mnemonic_file (12-24 words), or another of " + ", ".join(f"key.{n}" for n in SOURCES[1:5]) + "."
        raise ConfigError("key", "no key is set", cure)
    if len(given) > 1:
        raise ConfigError("key", f"{' and '.join(given)} are both set", "Keep one: two sources may name two accounts.")
    return given[0]


def load(settings: KeySettings, passphrase: str | None = None) -> Key:
    """The key that lies in a file or in the settings; ConfigError says which setting is wrong, and how to cure it. An
    armoured one opens with `passphrase` or, without it, with that of key.passphrase_file."""
    name = source(settings)
    given = getattr(settings, name)
    if isinstance(given, Path):
        text, kind = _read(f"key.{name}", given), name.removesuffix("_file")
        return of_text(f"key.{name} ({given})", text, settings, kind, passphrase)
    return of_text("key.mnemonic", str(given), settings, "mnemonic")


def of_text(where: str, text: str, settings: KeySettings, kind: str = "", passphrase: str | None = None) -> Key:
    """From a text of a kind: mnemonic, hex, armor, or "" to go by its looks."""
    kind = kind or _looks_like(text)
    try:
        match kind:
            case "hex":
                return Key.from_hex(text)
            case "armor":
                return Key.from_bytes(armor.opened(text, _passphrase(settings, passphrase)))
            case _:
                return Key.from_mnemonic(text, settings.index)
    except armor.WrongPassphrase as bad:
        cure = "Check key.passphrase_file or key.passphrase_secret."
        raise ConfigError(where, str(bad), cure) from None
    except armor.LibraryMissing as bad:
        cure = "Install them: pip install 'akash-provider[armor]'."
        raise ConfigError(where, str(bad), cure) from None
    except ValueError as bad:
        raise ConfigError(where, str(bad), _CURES[kind]) from None


_CURES = {
    "hex": "Write the private key as 64 hex digits.",
    "armor": "Export it anew: akash keys export NAME.",
    "mnemonic": "Write all words of the mnemonic, separated by spaces.",
}


def _read(where: str, file: Path) -> str:
    try:
        return file.read_text()
    except OSError as bad:
        raise ConfigError(
            f"{where} ({file})", bad.strerror or "cannot be read", "Give a file the daemon's user can read."
        ) from None
    except UnicodeDecodeError:
        cure = "Write the words, the hex digits or the armoured block as plain text."
        raise ConfigError(f"{where} ({file})", "not text", cure) from None


def _passphrase(settings: KeySettings, given: str | None) -> str:
    if given is None and settings.passphrase_file is not None:
        given = _read("key.passphrase_file", settings.passphrase_file)
    if given is None:
        cure = "Set key.passphrase_file to a file with the passphrase given to akash keys export."
        raise ConfigError("key", "the armoured key needs its passphrase", cure)
    return given.rstrip("\r\n")


def _looks_like(text: str) -> str:
    if armor.looks_armored(text):
        return "armor"
    return "mnemonic" if len(text.split()) > 1 else "hex"
