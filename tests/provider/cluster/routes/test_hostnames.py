from __future__ import annotations

import pytest

from provider.cluster.routes.hostnames import keeping, why_blocked
from provider.settings import ClusterSettings

SETTINGS = ClusterSettings(
    ingress_domain="ingress.p.example",
    public_hostname="p.example",
    blocked_hostnames=("bad.com", ".worse.com", "*.below.com"),
)
GENERATED = "f4hda8nk11ccj27s3g7t401ok0.ingress.p.example"


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("good.com", None),
        ("bad.com", 'hostname not allowed: "bad.com" is blocked by this provider'),
        ("www.bad.com", None),
        ("worse.com", 'hostname not allowed: domain ".worse.com" is blocked by this provider'),
        ("a.worse.com", 'hostname not allowed: domain ".worse.com" is blocked by this provider'),
        ("a.below.com", 'hostname not allowed: domain "*.below.com" is blocked by this provider'),
        ("below.com", None),
        ("p.example", 'hostname not allowed: "p.example" is blocked by this provider'),
        ("ingress.p.example", 'hostname not allowed: "ingress.p.example" is blocked by this provider'),
        ("nice.ingress.p.example", None),
        (GENERATED, f'hostname not allowed: "{GENERATED}" is blocked by this provider'),
    ],
)
def test_names_that_may_not_be_had(host: str, why: str | None) -> None:
    assert why_blocked(["fine.example", host], SETTINGS) == why


def test_a_lease_may_have_the_name_that_was_generated_for_it() -> None:
    assert why_blocked([GENERATED], SETTINGS, {GENERATED}) is None


def test_nothing_is_the_providers_own_where_nothing_is_set() -> None:
    assert why_blocked(["", GENERATED], ClusterSettings()) == 'hostname not allowed: "" is blocked by this provider'
    assert why_blocked([GENERATED], ClusterSettings()) is None


def test_the_name_of_the_providers_gateway_is_kept() -> None:
    kept = keeping(SETTINGS, ["Gate.P.example", "p.example"])
    assert why_blocked(["gate.p.example"], SETTINGS) is None
    assert why_blocked(["gate.p.example"], kept) == (
        'hostname not allowed: "gate.p.example" is blocked by this provider'
    )
    assert why_blocked(["bad.com"], kept) is not None
    assert keeping(kept, ["gate.p.example"]) == kept
