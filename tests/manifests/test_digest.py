"""The canonical text and its hash."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from manifests.digest import canonical, version
from manifests.manifest import ManifestGroup
from manifests.wire import parse_manifest


def named(name: str) -> bytes:
    return canonical((ManifestGroup(name, ()),))


def test_keys_are_sorted_and_nothing_is_spaced() -> None:
    assert named("g") == b'[{"name":"g","services":[]}]'


def test_go_s_escapes() -> None:
    assert named("<a>&\u2028\u2029") == b'[{"name":"\\u003ca\\u003e\\u0026\\u2028\\u2029","services":[]}]'
    assert (
        named('"\\\b\f\n\r\t\x01\x7f/é😀')
        == '[{"name":"\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f/é😀","services":[]}]'.encode()
    )


def test_the_version_is_sha256_of_it() -> None:
    assert version(()) == hashlib.sha256(b"[]").digest()
    assert len(version((ManifestGroup("g", ()),))) == 32


@given(st.text())
def test_the_hash_does_not_depend_on_how_the_body_was_spelled(name: str) -> None:
    plain = json.dumps([{"name": name, "services": []}], ensure_ascii=False).encode(errors="replace")
    escaped = json.dumps([{"Services": [], "NAME": json.loads(plain)[0]["name"], "more": 1}], indent=3).encode()
    assert version(parse_manifest(plain)) == version(parse_manifest(escaped))
