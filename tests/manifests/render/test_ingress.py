from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.hostnames import static_host
from manifests.manifest import HttpOptions
from manifests.render.ingress import ingress_hosts, ingresses, nginx_annotations


def test_a_service_answers_to_its_own_names_and_a_generated_one(build, lease, site):
    web = build.service("web", build.expose(8080, 80, hosts=("b.example.com", "a.example.com")))
    generated = static_host(lease, "web", "ingress.example.net")
    assert ingress_hosts(lease, web, site) == ("a.example.com", "b.example.com", generated)
    assert ingress_hosts(lease, web, replace(site, static_hosts=False)) == ("a.example.com", "b.example.com")


@pytest.mark.parametrize("port", [{"port": 443}, {"port": 80, "proto": "UDP"}, {"port": 80, "to": "db"}], ids=str)
def test_what_is_not_public_tcp_80_has_no_names(build, lease, site, port):
    assert ingress_hosts(lease, build.service("web", build.expose(**port, hosts=("a.example.com",))), site) == ()


def test_each_name_is_routed_to_port_80_of_the_service(build, lease, site):
    web = build.service("web", build.expose(8080, 80, hosts=("a.example.com",)))
    made = ingresses(lease, web, replace(site, static_hosts=False))[0]
    assert made["metadata"]["name"] == "a.example.com"
    assert made["spec"] == {
        "ingressClassName": "akash-ingress-class",
        "rules": [
            {
                "host": "a.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "web", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ],
    }


def test_a_withheld_name_gets_no_route(build, lease, site):
    web = build.service("web", build.expose(80, hosts=("a.example.com", "b.example.com")))
    made = ingresses(lease, web, replace(site, static_hosts=False), frozenset({"a.example.com"}))
    assert [i["metadata"]["name"] for i in made] == ["b.example.com"]


def option(options, name):
    return nginx_annotations(options).get(f"nginx.ingress.kubernetes.io/{name}")


@pytest.mark.parametrize(("milliseconds", "seconds"), [(60000, "60"), (1, "1"), (1500, "2"), (0, "0")])
def test_times_are_whole_seconds_rounded_up(milliseconds, seconds):
    options = HttpOptions(read_timeout_ms=milliseconds, next_timeout_ms=milliseconds)
    assert option(options, "proxy-read-timeout") == seconds
    assert option(options, "proxy-next-upstream-timeout") == seconds


@pytest.mark.parametrize(
    ("case", "cases", "expected"),
    [
        ("as the SDL fills it in", ("error", "timeout"), "error timeout"),
        ("statuses get their prefix", ("500", "502", "error"), "http_500 http_502 error"),
        ("off stands alone", ("error", "off"), "off"),
        ("an empty word is nothing", ("", "error"), "error"),
        ("only an empty word", ("",), "error timeout"),
        ("none at all", (), "error timeout"),
        ("an unknown status", ("418", "503"), "http_503"),
        ("a smuggled directive", ("error; proxy_pass http://x", "timeout"), "timeout"),
        ("a newline", ("error\n}",), "error timeout"),
        ("twice the same", ("502", "502"), "http_502"),
    ],
)
def test_only_known_conditions_reach_the_proxy(case, cases, expected):
    assert option(HttpOptions(next_cases=cases), "proxy-next-upstream") == expected


def test_a_body_limit_of_zero_stands_for_the_defaults():
    assert nginx_annotations(HttpOptions(0, 0, 0, 0, 0, ())) == nginx_annotations(HttpOptions())


@pytest.mark.parametrize(("size", "expected"), [(0, None), (16384, "16k"), (1, "1k"), (1 << 32, "1024k")])
def test_a_proxy_buffer_is_given_in_kibibytes_and_bounded(size, expected):
    assert option(HttpOptions(proxy_buffer_size_bytes=size), "proxy-buffer-size") == expected
