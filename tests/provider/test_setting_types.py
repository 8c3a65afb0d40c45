"""What is typed wrongly is refused at start, what is unusual is not, and the chart's schema agrees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from helm.generate import values_schema
from provider.errors import ConfigError
from provider.setting_types import CAPABILITIES
from provider.settings import load

SCHEMA = values_schema()
LONG = "a" * 64
BY_CODE_ONLY = {
    "ingress_domain": ("10.0.0.1", ".".join(["a" * 60] * 4)),
    "public_hostname": ("1.2.3.4.5:80", ":::"),
    "manifest_namespace": (LONG,),
    "tolerations": ([LONG],),
    "api_servers": (["10.0.0:6443"], ["10.0.0.1:70000"], ["10.0.0.1:0"]),
    "dns_addresses": (["10.0.0"], ["fd00::1::1"]),
    "isolation.unbought_disk": ("500m", "0"),
    "isolation.egress_bandwidth": ("200", "2E"),
}
WRONG: dict[str, tuple[Any, ...]] = {
    "manifest_namespace": ("", "Lease", "a.b", "lease "),
    "ingress_class": ("", "Nginx", "my_class"),
    "gateway_name": ("", "edge/", "Edge"),
    "gateway_namespace": ("", "nginx-gateway/edge"),
    "gateway_section": ("HTTPS", "https "),
    "ingress_namespaces": (["Contour"], ["a", "b.c"]),
    "tls_issuer": ("ClusterIssuer/le", "Let's Encrypt"),
    "ingress_domain": (".bad.", "UPPER.example", "*.apps.example.com", "https://apps.example.com", "apps.example.com."),
    "public_hostname": ("https://p.example.com", "p.example.com:8443", "p.example.com.", "p_1.example.com"),
    "blocked_hostnames": (["*bad"], ["*"], ["."], [""], ["a..b"], ["**.bad.example"], ["bücher.example"], ["a.*.b"]),
    "api_servers": (["10.0.0.1"], ["api.example.com:6443"], ["fd00::1:6443"], ["https://10.0.0.1:6443"]),
    "dns_addresses": (["169.254.20.10/32"], ["dns.example"], ["fe80::1%eth0"]),
    "ip_pool": ("My Pool", "pool_1", "metallb-system/pool"),
    "load_balancer_class": ("a b", "A.b/c/d", "/x"),
    "load_balancer_annotations": ({"a b": "x"}, {"x/y/z": "x"}, {"": "x"}),
    "tolerations": (["nvidia.com/gpu=true:NoSchedule"], ["nvidia.com/gpu:NoSchedule"], [""], ["a b"]),
    "gpu_runtime_class": ("Nvidia", "nvidia..x"),
    "image_pull_secret": ("My Secret", "ns/secret"),
    "storage": ({"beta3": "10TB"}, {"beta3": "-1Gi"}, {"beta3": "lots"}, {"beta 3": "1Ti"}, {"beta3": ""}),
    "storage_classes": ({"beta3": "Fast"}, {"beta3": ""}, {"Beta3": "fast"}, {"": "fast"}),
    "isolation.unbought_disk": ("-1Gi", "1GB", "some"),
    "isolation.ingress_bandwidth": ("fast", "-1M", "200Mbit"),
    "isolation.drop_capabilities": (["CAP_NET_RAW"], ["net_raw"], ["NETRAW"]),
    "isolation.runtime_class": ("Kata!", "a_b"),
}
UNUSUAL: dict[str, tuple[Any, ...]] = {
    "manifest_namespace": ("0", "a-b", LONG[:63]),
    "ingress_class": ("nginx.v2", "1"),
    "gateway_section": ("", "https-443", "a.b"),
    "ingress_namespaces": ([], ["contour", "0"], "contour,haproxy"),
    "tls_issuer": ("", "le.prod"),
    "ingress_domain": ("", "lan", "10.0.0.1.nip.io", "xn--bcher-kva.example", "0.example"),
    "public_hostname": ("", "localhost", "203.0.113.7", "fd00::7", "Provider.Example.COM"),
    "blocked_hostnames": ([], ["localhost"], [".Bad.Example", "*.bad.example", " a.example "], "a.example, .b.example"),
    "api_servers": ([], ["10.0.0.1:443", "[fd00::1]:6443"], "10.0.0.1:443,10.0.0.2:443"),
    "dns_addresses": ([], ["10.96.0.10", "fd00::a"], "10.0.0.10"),
    "ip_pool": ("", "pool.v4", "0"),
    "load_balancer_class": ("", "kube-vip.io/kube-vip-class", "Internal_VIP"),
    "load_balancer_annotations": ({}, {"Example.COM/Key_1": "{'a': {}}"}, {"key": ""}),
    "tolerations": ([], ["nvidia.com/gpu", "Dedicated", "node.kubernetes.io/not-ready"], "a,b/c"),
    "gpu_runtime_class": ("", "nvidia-cdi", "nvidia.v2"),
    "image_pull_secret": ("", "regcred.v1"),
    "storage": ({}, {"beta3": "0"}, {"local-path": "1.5Ti", "default": "1e12"}, {"fast.nvme": "1000000000000"}),
    "storage_classes": ({}, {"gold.v2": "fast.nvme"}, {"default": "default"}),
    "isolation.unbought_disk": ("", "1M", "0.5Gi", "1e9"),
    "isolation.egress_bandwidth": ("", "1k", "1P", "2.5G"),
    "isolation.drop_capabilities": ([], ["ALL"], "NET_RAW,SYS_CHROOT", list(CAPABILITIES)),
    "isolation.runtime_class": ("", "gvisor", "kata-qemu.v3"),
}


def pairs(table: dict[str, tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(name, value, id=f"{name}={value}"[:80]) for name, values in table.items() for value in values]


def configured(name: str, value: Any) -> dict[str, Any]:
    *sections, key = name.split(".")
    found: dict[str, Any] = {key: value}
    for section in reversed(sections):
        found = {section: found}
    return {"cluster": found}


def written(config: dict[str, Any], tmp_path: Path) -> Path:
    file = tmp_path / "akp.yaml"
    file.write_text(json.dumps(config))
    return file


@pytest.mark.parametrize(("name", "value"), [*pairs(WRONG), *pairs(BY_CODE_ONLY)])
def test_what_is_typed_wrongly_is_refused_with_place_value_and_cure(name: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as no:
        load(written(configured(name, value), tmp_path))
    assert f"cluster.{name}" in no.value.where
    assert "found " in no.value.what
    assert no.value.cure not in ("", "See docs/settings.md.")


@pytest.mark.parametrize(("name", "value"), pairs(WRONG))
def test_the_chart_refuses_it_too(name: str, value: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"config": configured(name, value)}, SCHEMA)


@pytest.mark.parametrize(("name", "value"), pairs(UNUSUAL))
def test_what_is_unusual_is_taken(name: str, value: Any, tmp_path: Path) -> None:
    load(written(configured(name, value), tmp_path))
    if not (isinstance(value, str) and name in ONE_TEXT):
        jsonschema.validate({"config": configured(name, value)}, SCHEMA)


ONE_TEXT = {
    "ingress_namespaces", "blocked_hostnames", "api_servers", "dns_addresses", "tolerations",
    "isolation.drop_capabilities",
}  # fmt: skip
"""Lists that may be one text with commas, in the environment; the chart wants lists."""


def test_each_is_tried_both_ways() -> None:
    assert UNUSUAL.keys() >= WRONG.keys() - {"gateway_name", "gateway_namespace", "isolation.ingress_bandwidth"}
