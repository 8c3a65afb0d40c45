"""From settings to identity: files, a Kubernetes Secret, a remote signer; whose account, and who pays."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from provider import keyring
from provider.chain.keys import Key
from provider.cluster.api.kube import Kube
from provider.errors import ConfigError, Unreachable
from provider.sandbox.cluster import EmbeddedCluster
from provider.settings import ClusterSettings, KeySettings, Settings

WORDS = "abandon " * 11 + "about"
KEY, COLD, PAYER = Key.from_mnemonic(WORDS), Key.from_hex("22" * 32).address, Key.from_hex("33" * 32).address


def settings(cluster: ClusterSettings | None = None, **key: Any) -> Settings:
    return Settings(key=KeySettings(**key), cluster=cluster or ClusterSettings())


async def test_usually_all_is_one_account() -> None:
    who = await keyring.unlock(settings(mnemonic=WORDS))
    assert (who.key.address, who.owner, who.pays_fees) == (KEY.address, KEY.address, KEY.address)
    assert not who.delegated


async def test_a_cold_owner_and_somebody_who_pays() -> None:
    who = await keyring.unlock(settings(mnemonic=WORDS, owner=COLD, fee_granter=PAYER))
    assert (who.key.address, who.owner, who.pays_fees) == (KEY.address, COLD, PAYER)
    assert who.delegated


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"fee_granter": KEY.address}, "is the key's own account"),
        ({"owner": COLD[:-1] + ("q" if COLD[-1] != "q" else "p")}, r"key\.owner: .* is no address"),
        ({"fee_granter": COLD[:-1] + ("q" if COLD[-1] != "q" else "p")}, r"key\.fee_granter: .* is no address"),
    ],
    ids=["itself", "owner mistyped", "granter mistyped"],
)
async def test_addresses_that_cannot_be_meant(how: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        await keyring.unlock(settings(mnemonic=WORDS, **how))


async def test_a_key_in_a_kubernetes_secret(tmp_path: Path, exported: dict[str, str]) -> None:
    async with EmbeddedCluster() as cluster:
        local = ClusterSettings(kubeconfig=cluster.kubeconfig)
        async with Kube.connect(local) as kube:
            await kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "akash"}})
            await kube.apply(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": "wallet", "namespace": "akash"},
                    "data": {
                        "words": b64(WORDS.encode()),
                        "hex": b64(b"11" * 32),
                        "picture": b64(b"\xff\x00"),
                        "armor": b64(exported["argon2"].encode()),
                        "passphrase": b64(b"correct horse\n"),
                    },
                }
            )

        async def unlocked(reference: str) -> str:
            return (await keyring.unlock(settings(local, secret=reference))).key.address

        assert await unlocked("akash/wallet/words") == KEY.address
        assert await unlocked("akash/wallet/hex") == Key.from_hex("11" * 32).address
        (tmp_path / "armor").write_text(exported["argon2"])
        for name in ({"secret": "akash/wallet/armor"}, {"armor_file": tmp_path / "armor"}):
            who = await keyring.unlock(settings(local, passphrase_secret="akash/wallet/passphrase", **name))
            assert who.key.address == Key.from_hex("01" * 32).address
        for reference, why in {
            "akash/wallet/other": "no key 'other'. It has: armor, hex, passphrase, picture, words",
            "akash/nothing/words": "no such Secret",
            "akash/wallet/picture": "not text",
        }.items():
            with pytest.raises(ConfigError, match=why) as caught:
                await unlocked(reference)
            assert reference in str(caught.value)
            assert "abandon" not in str(caught.value)


async def test_a_signer_that_is_away_is_told() -> None:
    with pytest.raises(Unreachable, match=r"key\.remote_url"):
        await keyring.unlock(settings(remote_url="http://127.0.0.1:1"))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
