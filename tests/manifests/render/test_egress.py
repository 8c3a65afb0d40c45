from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

from manifests.render.egress import NEVER_OUT, closed_networks, egress, open_ports
from manifests.render.isolation import Isolation


def outside(lease, site):
    return egress(lease, site)[-1]


def test_the_way_out_leads_to_the_lease_to_dns_and_to_public_addresses_only(build, lease, site):
    own, dns, world = egress(lease, site)
    assert list(own) == ["to"]
    assert {p["port"] for p in dns["ports"]} == {53}
    caches = [peer["ipBlock"]["cidr"] for peer in dns["to"] if "ipBlock" in peer]
    assert caches == ["169.254.20.10/32", "169.254.25.10/32"]
    assert world["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(NEVER_OUT)}}]


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("169.254.169.254", "metadata of AWS, Google, Azure and others"),
        ("100.100.100.200", "metadata of Alibaba"),
        ("192.0.0.192", "metadata of Oracle"),
        ("168.63.129.16", "Azure's agent, which hands out certificates"),
        ("10.96.0.1", "the API server's Service"),
        ("172.16.5.4", "a private network"),
        ("192.168.1.1", "a router"),
        ("100.64.0.7", "an overlay between nodes"),
        ("127.0.0.1", "the node itself"),
        ("0.0.0.0", "the node itself, otherwise"),
        ("224.0.0.251", "multicast"),
    ],
)
def test_these_are_never_reached(lease, site, address, what):
    assert any(ipaddress.ip_address(address) in ipaddress.ip_network(closed) for closed in closed_networks(site)), what


def test_an_ordinary_address_is(site):
    assert not any(ipaddress.ip_address("1.1.1.1") in ipaddress.ip_network(closed) for closed in closed_networks(site))


def test_api_servers_and_networks_of_the_site_are_closed_too_where_they_are_public(site):
    here = replace(
        site,
        api_servers=(("10.1.2.3", 6443), ("203.0.113.9", 6443), ("fd00::1", 6443)),
        isolation=Isolation(closed_networks=("198.51.100.0/24", "10.5.0.0/16", "2001:db8::/32")),
    )
    assert closed_networks(here) == [*NEVER_OUT, "198.51.100.0/24", "203.0.113.9/32"]


def test_a_private_network_can_be_opened(lease, site):
    here = replace(site, isolation=Isolation(open_networks=("10.9.0.0/24",)))
    assert outside(lease, here)["to"][1:] == [{"ipBlock": {"cidr": "10.9.0.0/24"}}]


@pytest.mark.parametrize(
    ("closed", "ranges"),
    [
        ((25,), [(1, 24), (26, 65535)]),
        ((1,), [(2, 65535)]),
        ((65535,), [(1, 65534)]),
        ((465, 25), [(1, 24), (26, 464), (466, 65535)]),
        ((25, 26, 25), [(1, 24), (27, 65535)]),
    ],
)
def test_closed_ports_are_left_out_of_what_is_open(closed, ranges):
    found = open_ports(closed)
    assert [(p["port"], p["endPort"]) for p in found if p["protocol"] == "TCP"] == ranges
    assert found[-2:] == [{"protocol": "UDP"}, {"protocol": "SCTP"}], "only TCP has ports that are closed"


def test_mail_is_closed_unless_the_site_opens_it(lease, site):
    assert outside(lease, site)["ports"] == open_ports((25,))
    assert "ports" not in outside(lease, replace(site, isolation=Isolation(closed_ports=())))
