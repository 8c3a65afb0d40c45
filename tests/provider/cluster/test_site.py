from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from manifests.render.isolation import Isolation
from manifests.render.site import Site
from provider.cluster.site import site_of
from provider.isolation_settings import IsolationSettings
from provider.settings import ClusterSettings


def test_settings_left_alone_are_the_site_as_rendering_knows_it() -> None:
    assert site_of(ClusterSettings()) == Site()


OTHERWISE: dict[str, Any] = {
    "manifest_namespace": "elsewhere",
    "ingress_mode": "gateway-api",
    "ingress_class": "other",
    "gateway_name": "edge",
    "gateway_namespace": "net",
    "gateway_section": "https",
    "ingress_namespaces": ("contour",),
    "tls_issuer": "le",
    "tls_generated_hosts": True,
    "ingress_domain": "ingress.example.net",
    "public_hostname": "provider.example.net",
    "network_policies": False,
    "overcommit_cpu_percent": 1,
    "overcommit_memory_percent": 2,
    "overcommit_storage_percent": 3,
    "tolerations": ("gpu",),
    "image_pull_secret": "pull",
    "dns_addresses": ("10.0.0.10",),
    "disruption_budgets": False,
    "ip_pool": "tenants",
    "load_balancer_class": "other",
    "load_balancer_annotations": {"a": "{key}"},
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_each_setting_reaches_the_site(name: str) -> None:
    needed = {"tls_issuer": "le"} if name == "tls_generated_hosts" else {}
    assert getattr(site_of(ClusterSettings(**{**needed, name: OTHERWISE[name]})), name) == OTHERWISE[name]


def test_no_part_of_the_site_is_forgotten() -> None:
    of_their_own = {"static_hosts", "storage_classes", "api_servers", "isolation"}
    assert {f.name for f in fields(Site)} == OTHERWISE.keys() | of_their_own


def test_names_are_generated_only_where_there_is_a_domain() -> None:
    assert not site_of(ClusterSettings()).static_hosts
    assert site_of(ClusterSettings(ingress_domain="a.example")).static_hosts
    assert not site_of(ClusterSettings(ingress_domain="a.example", static_hosts=False)).static_hosts


def test_what_the_cluster_says_counts_and_api_servers_that_were_set_count_more() -> None:
    found = {"api_servers": (("10.0.0.1", 6443),), "storage_classes": {"beta3": "nvme"}}
    plain = ClusterSettings(storage_classes={"beta2": "ssd", "beta1": "beta1"})
    assert site_of(plain, **found) == replace(Site(), **found)
    assert site_of(plain).storage_classes == {"beta2": "ssd"}
    told = ClusterSettings(api_servers=("10.9.9.9:443", "[fd00::1]:6443"))
    assert site_of(told, **found).api_servers == (("10.9.9.9", 443), ("fd00::1", 6443))


def test_isolation_goes_with_it() -> None:
    isolation = IsolationSettings(closed_ports=(25, 465), unbought_disk="")
    site = site_of(ClusterSettings(isolation=isolation))
    assert site.isolation == Isolation(closed_ports=(25, 465), unbought_disk_bytes=0)
