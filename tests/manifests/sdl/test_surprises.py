"""Each surprise, and the silence of a file without any."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.sdl import compile_sdl

PERSISTENT = "- {size: 1Gi}\n- {size: 2Gi, name: data, attributes: {persistent: true, class: beta2}}"


def test_a_plain_file_has_none(compiled: Any) -> None:
    assert compiled().warnings == ()


@pytest.mark.parametrize(
    ("parts", "path", "words"),
    [
        ({"service": "enviroment: [A=b]"}, "services.app.enviroment", "not read"),
        ({"service": "depends_on: [x]"}, "services.app.depends_on", "not read"),
        ({"expose": "protocol: udp"}, "services.app.expose[0].protocol", "was proto meant"),
        ({"service": "dependencies: [{service: x}]"}, "services.app.dependencies", "ignored"),
        ({"top": "include: [x]"}, "include", "ignored"),
        ({"count": "51"}, "deployment.app.here.count", "more than 50"),
        ({"denom": "uakt"}, "profiles.placement.here.pricing.small.denom", "uact only"),
        ({"version": "2.1", "storage": PERSISTENT}, "profiles.compute.small.resources.storage[1]", "mounts it nowhere"),
        (
            {"storage": "- {size: 1Gi, attributes: {class: ram}}"},
            "profiles.compute.small.resources.storage[0]",
            "/dev/shm",
        ),
        (
            {"storage": "\n".join(f"- {{size: {i}Gi, name: v{i}}}" for i in range(1, 6))},
            "profiles.compute.small.resources.storage",
            "4 volumes",
        ),
        ({"storage": "size: 20Ti", "count": "6"}, "profiles.placement.here", "120 TiB"),
        ({"gpu": "gpu: 1"}, "profiles.compute.small.resources.gpu", "no GPU"),
        ({"service": "args: []"}, "services.app.args", "empty list"),
        ({"service": "env: [A=1, DB_PASSWORD=x]"}, "services.app.env[1]", "clear text"),
        (
            {"service": "credentials: {host: h, username: u, password: p}"},
            "services.app.credentials.password",
            "clear text",
        ),
        (
            {"service": "credentials: {host: h, email: e, username: u, password: p}"},
            "services.app.credentials.email",
            "drops",
        ),
        (
            {"expose": "http_options: {proxy_buffer_size: 1}"},
            "services.app.expose[0].http_options.proxy_buffer_size",
            "refuse",
        ),
    ],
)
def test_surprises(compiled: Any, parts: dict[str, str], path: str, words: str) -> None:
    found = [w for w in compiled(**parts).warnings if w.path == path]
    assert any(words in w.message for w in found), compiled(**parts).warnings
    assert all(w.line for w in found)


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("app:1", "app", "services.app.image", "fixed tag"),
        ("app:1", "app:latest", "services.app.image", "fixed tag"),
        ("docker.io/library/app:1", "localhost:5000/app", "services.app.image", "fixed tag"),
        ("profiles:", "  idle: {image: docker.io/library/x:1}\nprofiles:", "services.idle", "will not run"),
        ("profiles:", "      - port: 9\nprofiles:", "services.app.expose[1]", "open to nobody"),
        ("as: 80", "as: 81", "services.app.expose[0].as", "random number"),
        (
            "profiles:",
            "      - {port: 9, as: 70000, to: [{service: x}]}\nprofiles:",
            "services.app.expose[1].as",
            "65535",
        ),
        ("as: 80", "as: 81\n        accept: [a.com]", "services.app.expose[0].accept", "HTTP only"),
        (
            "profiles:",
            "      - {port: 9, accept: [b.com], to: [{service: x}]}\nprofiles:",
            "services.app.expose[1].accept",
            "no effect",
        ),
    ],
)
def test_surprises_of_exposes(sdl: Any, old: str, new: str, path: str, words: str) -> None:
    warnings = compile_sdl(sdl().replace(old, new, 1)).warnings
    assert any(w.path == path and words in w.message for w in warnings), warnings


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["{port: 8080, as: 80, accept: [b.com], to: [{global: true}]}"], "80/TCP of this service leads to container"),
        (["{port: 8080, as: 80, to: [{service: x}]}"], "write another `as`"),
        (["{port: 22, to: [{global: true}]}", "{port: 2222, as: 22, to: [{global: true}]}"], "so 2222 is not reached"),
        (["{port: 3000, as: 80, accept: [b.com], to: [{service: x}]}"], ""),
        (["{port: 8080, as: 80, proto: udp, to: [{global: true}]}"], ""),
        (["{port: 22, to: [{global: true}]}", "{port: 2222, as: 22, to: [{service: x}]}"], ""),
    ],
    ids=["another host name", "another receiver", "node ports", "the same port", "another protocol", "in and out"],
)
def test_two_ports_under_one_number_lead_to_one(sdl: Any, more: list[str], words: str) -> None:
    text = sdl().replace("profiles:", "".join(f"      - {line}\n" for line in more) + "profiles:", 1)
    last = f"services.app.expose[{len(more)}]"
    found = [w for w in compile_sdl(text).warnings if w.path == last and "leads to container port" in w.message]
    assert [words in w.message for w in found] == ([True] if words else [])


def test_each_leased_address_leads_to_its_own_port(sdl: Any) -> None:
    text = sdl(top="endpoints: {front: {kind: ip}, back: {kind: ip}}")
    lines = [
        f"      - {{port: {port}, as: 443, to: [{{global: true, ip: {ip}}}]}}\n"
        for port, ip in ((1, "front"), (2, "back"))
    ]
    found = compile_sdl(text.replace("profiles:", "".join(lines) + "profiles:", 1)).warnings
    assert not any("leads to container port" in w.message for w in found)


def test_a_zero_count_beside_others_and_a_long_name(sdl: Any) -> None:
    name = "b" * 51
    text = sdl().replace("profiles:", f"  {name}: {{image: docker.io/library/x:1}}\nprofiles:", 1)
    warnings = compile_sdl(text + f"  {name}:\n    here: {{profile: small, count: 0}}\n").warnings
    assert [w.path for w in warnings] == [f"services.{name}", f"deployment.{name}.here"]


def test_a_leased_address_wants_a_provider_that_has_some(sdl: Any) -> None:
    text = sdl(top="endpoints: {front: {kind: ip}}").replace("- global: true", "- {global: true, ip: front}")
    assert [w.path for w in compile_sdl(text).warnings] == ["profiles.placement.here"]
    able = text.replace("      pricing:", "      attributes: {ip-lease: true}\n      pricing:")
    assert compile_sdl(able).warnings == ()
