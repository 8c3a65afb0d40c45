from __future__ import annotations

import pytest

from bidengine.views import Lease, Provider, Wallet, reason_name
from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from manifests.resources import Attribute


@pytest.mark.parametrize(("state", "live"), [("active", True), ("reclaiming", True), ("closed", False)])
def test_a_reclaiming_lease_lives(state: str, live: bool) -> None:
    assert Lease(LeaseID("akash1t", 1, 1, 1, "akash1us"), state, DecCoin("uact", 1), 1).live is live


@pytest.mark.parametrize(
    ("reason", "name"),
    [(1, "owner"), (10003, "manifest-timeout"), (20000, "insufficient-funds"), (10777, "reason 10777")],
)
def test_why_a_lease_ended_in_words(reason: int, name: str) -> None:
    assert reason_name(reason) == name


def test_what_a_provider_publishes_is_read_from_its_attributes() -> None:
    pairs = {"capabilities/storage/1/class": "beta3", "capabilities/gpu/vendor/nvidia/model/t4": "true", "tier": "x"}
    found = Provider("akash1us", "https://us", tuple(Attribute(k, v) for k, v in pairs.items()))
    assert found.storage_kinds == ((Attribute("class", "beta3"),),)
    assert found.cards == (Attribute("vendor/nvidia/model/t4", "true"),)
    assert found == Provider(found.owner, found.host_uri, found.attributes), "what was worked out is no part of it"


def test_a_wallet_lacks_what_one_more_deposit_would_take_of_what_is_kept() -> None:
    held = Wallet("akash1us", {"uakt": 700}, Coin("uakt", 500), (Coin("uakt", 100), Coin("uakt", 150)))
    assert held.lacking() == (Coin("uakt", 50),)
    assert Wallet("akash1us", {"uakt": 750}, held.deposit, held.kept).lacking() == ()
