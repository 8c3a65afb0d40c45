"""The published vectors of the digest, and agreement with OpenSSL where it has it."""

from __future__ import annotations

import hashlib

import pytest

from provider.chain import ripemd160


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        (b"a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"),
        (b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
        (b"message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"),
        (b"abcdefghijklmnopqrstuvwxyz", "f71c27109c692c1b56bbdceb5b9d2865b3708dbc"),
        (b"1234567890" * 8, "9b752e45573d4b39f4dbd3323cab82bf63326bfb"),
    ],
)
def test_the_published_vectors(data: bytes, digest: str) -> None:
    assert ripemd160.plain(data).hex() == digest


def test_every_length_around_a_block_agrees_with_openssl() -> None:
    try:
        hashlib.new("ripemd160")
    except ValueError:
        pytest.skip("this OpenSSL has no ripemd160 to compare with")
    for length in range(200):
        data = bytes(i * 7 % 256 for i in range(length))
        assert ripemd160.plain(data) == hashlib.new("ripemd160", data).digest()


def test_without_openssls_digest_the_plain_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, data: bytes) -> None:
        raise ValueError("unsupported hash type")

    monkeypatch.setattr(hashlib, "new", refuse)
    assert ripemd160.ripemd160(b"abc").hex() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
