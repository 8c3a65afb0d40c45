"""Exposes, their order, and what they cost in endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.errors import SdlInvalid
from manifests.resources import Endpoint, EndpointKind
from manifests.sdl import compile_sdl

HTTP, PORT, IP = EndpointKind.SHARED_HTTP, EndpointKind.RANDOM_PORT, EndpointKind.LEASED_IP


def exposes(compiled: Any) -> Any:
    return compiled.manifest[0].services[0].expose


def test_without_receivers_a_port_has_one_private_expose(sdl: Any) -> None:
    text = sdl().replace("profiles:", "      - port: 9\n        to: []\n      - port: 8\nprofiles:", 1)

    found = [(e.port, e.global_, e.service) for e in exposes(compile_sdl(text))]
    assert found == [(8, False, ""), (9, False, ""), (3000, True, "")]


@pytest.mark.parametrize(
    ("first", "kinds"),
    [
        ("port: 80", [HTTP]),
        ("port: 3000\n        as: 80", [HTTP]),
        ("port: 80\n        as: 81", [PORT]),
        ("port: 80\n        proto: UdP", [PORT]),
        ("port: 443", [PORT]),
    ],
)
def test_http_is_tcp_on_port_80_outside(sdl: Any, first: str, kinds: list[EndpointKind]) -> None:

    compiled = compile_sdl(sdl().replace("port: 3000\n        as: 80", first))
    assert [e.kind for e in compiled.groups[0].resources[0].resources.endpoints] == kinds


def test_a_leased_address_costs_an_endpoint_besides(sdl: Any) -> None:
    text = sdl(top="endpoints: {front: {kind: ip}}").replace("- global: true", "- {global: true, ip: front}", 1)

    unit = compile_sdl(text).groups[0].resources[0]
    assert unit.resources.endpoints == (Endpoint(HTTP, 0), Endpoint(IP, 1))


def test_address_numbers_count_private_receivers_and_keep_their_last_place(sdl: Any) -> None:

    more = """\
      - {port: 1, as: 1, to: [{service: x}, {service: y}]}
      - {port: 2, as: 2, to: [{global: true, ip: ipb}]}
      - {port: 3, as: 3, to: [{global: true, ip: ipa}]}
      - {port: 4, as: 4, to: [{global: true, ip: ipa}]}
profiles:"""
    text = sdl(top="endpoints: {ipa: {kind: ip}, ipb: {kind: ip}}").replace("profiles:", more, 1)
    numbers = {(e.ip, e.endpoint_sequence_number) for e in exposes(compile_sdl(text)) if e.ip}
    assert numbers == {("ipa", 4), ("ipb", 5)}


def test_a_port_without_receivers_does_not_count(sdl: Any) -> None:
    more = """\
      - {port: 1}
      - {port: 2, to: []}
      - {port: 3, as: 3, to: [{global: true, ip: ipa}]}
profiles:"""
    (at_ip,) = [
        e for e in exposes(compile_sdl(sdl(top="endpoints: {ipa: {kind: ip}}").replace("profiles:", more, 1))) if e.ip
    ]
    assert at_ip.endpoint_sequence_number == 1


def test_a_service_named_under_deployment_counts_even_if_it_is_placed_nowhere(sdl: Any) -> None:
    text = sdl(top="endpoints: {ipa: {kind: ip}}").replace("- global: true", "- {global: true, ip: ipa}", 1)
    other = "services:\n  other: {image: x, expose: [{port: 1, to: [{service: app}, {service: app}]}]}"
    text = text.replace("services:", other, 1)

    def number(deployed: str) -> int:
        return exposes(compile_sdl(text.replace("deployment:", f"deployment:{deployed}", 1)))[
            0
        ].endpoint_sequence_number

    assert number("") == 1
    assert number("\n  other:") == number("\n  other: {}") == 3
    assert number("\n  nobody:") == 1


@pytest.mark.parametrize(
    ("receiver", "top", "words"),
    [
        ("{ip: front}", "endpoints: {front: {kind: ip}}", "global: true"),
        ("{global: true, ip: back}", "endpoints: {front: {kind: ip}}", "no endpoint 'back'"),
        ("{global: true}", "endpoints: {front: {kind: ip}}", "not used"),
        ("{global: true, ip: front}", "endpoints: {front: {kind: port}}", "must be ip"),
        ("{global: true, ip: front}", "endpoints: {front: {}}", "must be ip"),
        ("{global: true, ip: f}", "endpoints: {f: {kind: ip}}", "at least two"),
        ("{global: true, ip: Front}", "endpoints: {Front: {kind: ip}}", "at least two"),
    ],
)
def test_addresses_refused(sdl: Any, receiver: str, top: str, words: str) -> None:

    with pytest.raises(SdlInvalid, match=words):
        compile_sdl(sdl(top=top).replace("- global: true", f"- {receiver}", 1))


def test_options_of_a_receiver_are_read_and_forgotten(sdl: Any) -> None:
    text = sdl().replace("- global: true", "- {global: true, http_options: {max_body_size: %s}}", 1)
    assert compile_sdl(text % "5").manifest == compile_sdl(sdl()).manifest
    with pytest.raises(SdlInvalid, match="whole number"):
        compile_sdl(text % "five")


def test_two_ports_of_an_address_without_as_collide_and_the_cure_is_named(sdl: Any) -> None:

    two = """\
      - {port: 1, to: [{global: true, ip: front}]}
      - {port: 2, to: [{global: true, ip: front}]}
profiles:"""
    text = sdl(top="endpoints: {front: {kind: ip}}").replace("profiles:", two, 1)
    with pytest.raises(SdlInvalid, match="set `as`"):
        compile_sdl(text)
    apart = text.replace("port: 2,", "port: 2, as: 2,")  # "" and 2 differ
    assert len(exposes(compile_sdl(apart))) == 3
    spelled = text.replace("port: 2,", "port: 2, proto: tcp,")  # "" and tcp are told apart by their text
    assert len(exposes(compile_sdl(spelled))) == 3
