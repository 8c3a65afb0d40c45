from __future__ import annotations

from dataclasses import replace

from manifests.render.crd import provider_hosts


def test_each_host_name_is_claimed_once_under_its_own_name(build, lease, site):
    group = build.group(
        build.service("a", build.expose(80, hosts=("a.example.com",))), build.service("b", build.expose(22))
    )
    (made,) = provider_hosts(lease, group, replace(site, static_hosts=False))
    assert (made["metadata"]["name"], made["metadata"]["namespace"]) == ("a.example.com", "lease")
    assert made["spec"] == {
        "hostname": "a.example.com",
        "owner": "akash1owner",
        "provider": "akash1provider",
        "dseq": 1234,
        "gseq": 1,
        "oseq": 1,
        "service_name": "a",
        "external_port": 80,
    }
