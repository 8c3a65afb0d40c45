"""From the settings to the accounts we act with: the key that signs, the provider it acts for, and who pays the fees.

Usually all three are one account. With `key.owner` the provider's own key stays cold: the hot key signs, and each
message travels inside a MsgExec under grants of the owner (chain.md §2.6). This file stands above chain and cluster
because the key may lie in a Kubernetes Secret.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from manifests import bech32
from provider.chain import keys
from provider.chain.keys import SigningKey
from provider.chain.keys.remote import RemoteKey
from provider.cluster.api.kinds import SECRET
from provider.cluster.api.kube import Kube
from provider.errors import ConfigError, NotFound, Refused
from provider.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    key: SigningKey
    """signs; its address is the hot one where `owner` is another"""
    owner: str
    """the provider's account: whose bids, leases and deposits these are"""
    fee_granter: str = ""
    """pays the fees where the key's own account does not"""

    @property
    def delegated(self) -> bool:
        """The key acts for somebody else."""
        return self.key.address != self.owner

    @property
    def pays_fees(self) -> str:
        return self.fee_granter or self.key.address


async def unlock(settings: Settings) -> Identity:
    """ConfigError names the setting that is missing, doubled or wrong; Unreachable when what holds the key is away."""
    key = await _key(settings)
    granter = settings.key.fee_granter
    if granter == key.address:
        cure = "Leave key.fee_granter empty: an account pays its own fees without a grant."
        raise ConfigError("key.fee_granter", f"{granter} is the key's own account", cure)
    for name in ("owner", "fee_granter"):
        _check_address(f"key.{name}", getattr(settings.key, name))
    return Identity(key, settings.key.owner or key.address, granter)


async def owner(settings: Settings) -> str:
    """The provider's account; no key is needed where the settings name it."""
    return settings.key.owner or (await unlock(settings)).owner


def named(settings: Settings) -> bool:
    """Whether the settings say whose provider this is, be it only by a key."""
    return bool(settings.key.owner) or any(getattr(settings.key, name) for name in keys.SOURCES)


async def _key(settings: Settings) -> SigningKey:
    ours = settings.key
    if keys.source(ours) == "remote_url":
        return await RemoteKey.connect(ours)
    if not ours.secret and not (ours.armor_file and ours.passphrase_secret):
        return keys.load(ours)
    passphrase = None
    async with Kube.connect(settings.cluster) as kube:
        if ours.passphrase_secret:
            passphrase = await _secret(kube, "key.passphrase_secret", ours.passphrase_secret)
        if ours.secret:
            text = await _secret(kube, "key.secret", ours.secret)
            return keys.of_text(f"key.secret ({ours.secret})", text, ours, "", passphrase)
    return keys.load(ours, passphrase)


async def _secret(kube: Kube, setting: str, reference: str) -> str:
    namespace, name, key = reference.split("/")
    where = f"{setting} ({reference})"
    try:
        found = await kube.get(SECRET, namespace, name)
    except NotFound:
        raise ConfigError(
            where, "no such Secret", f"Make it, or name another: kubectl -n {namespace} get secrets."
        ) from None
    except Refused as no:
        raise ConfigError(where, str(no), f"Let the daemon's service account get secrets in {namespace}.") from None
    data = found.get("data") or {}
    if key not in data:
        raise ConfigError(where, f"the Secret has no key {key!r}", f"It has: {', '.join(sorted(data)) or 'none'}.")
    try:
        return base64.b64decode(data[key]).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ConfigError(where, "not text", "Store words, hex or the armoured block as plain text.") from None


def _check_address(where: str, address: str) -> None:
    if address:
        try:
            bech32.decode(address)
        except ValueError as bad:
            raise ConfigError(where, f"{address} is no address: {bad}", "Copy the whole address.") from None
