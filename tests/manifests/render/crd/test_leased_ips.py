from __future__ import annotations

from manifests.render.crd import provider_leased_ips


def test_each_port_of_an_address_is_claimed_under_owner_endpoint_protocol_and_port(build, lease, site):
    group = build.group(build.service("web", build.expose(8080, 80, ip="meYOU"), build.expose(80)))
    (made,) = provider_leased_ips(lease, group, site)
    key = "akash1owner-ip-ps9pn7rkocct7m9ivtovuktb"
    assert (made["metadata"]["name"], made["metadata"]["namespace"]) == (f"{key}-tcp-80", "lease")
    labels = made["metadata"]["labels"]
    assert {k: v for k, v in labels.items() if not k.startswith("akash.network")} == {
        "service-name": "web",
        "external-port": "80",
        "proto": "TCP",
    }
    assert made["spec"] == {
        "lease_id": {"owner": "akash1owner", "dseq": "1234", "gseq": 1, "oseq": 1, "provider": "akash1provider"},
        "service_name": "web",
        "port": 8080,
        "external_port": 80,
        "protocol": "TCP",
        "sharing_key": key,
    }
