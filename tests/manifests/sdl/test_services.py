"""The services block, one rule at a time."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl import compile_sdl


def service(compiled: Any) -> Any:
    return compiled.manifest[0].services[0]


@pytest.mark.parametrize(
    ("block", "args"),
    [
        pytest.param("", None, id="absent"),
        pytest.param("args:", None, id="null"),
        pytest.param("args: []", (), id="empty list is not absent"),
        pytest.param(
            'args: [7, 0x1F, 2_0, off, 2.50, 2024-02-30, "null", .25]',
            ("7", "0x1F", "2_0", "off", "2.50", "2024-02-30", "null", ".25"),
            id="literal text",
        ),
        pytest.param("args: [a, ~, null, '', b]", ("a", "", "b"), id="nulls dropped, empty text kept"),
        pytest.param("args: [!!str 5, &x y, *x]", ("5", "y", "y"), id="tag and alias"),
        pytest.param(
            "args:\n  - |\n    two\n    lines\n  - >\n    one\n    line",
            ("two\nlines\n", "one line\n"),
            id="block scalars",
        ),
    ],
)
def test_lists_of_text(compiled: Any, block: str, args: Any) -> None:
    assert service(compiled(service=block)).args == args


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ("args: sleep", "services.app.args"),
        ("env: {A: b}", "services.app.env"),
        ("env:\n  - A: b", "services.app.env[0]"),
        ("env: [A=1, 9B=1]", "services.app.env[1]"),
        ('env: [""]', "services.app.env[0]"),
        ("env: [..A=1]", "services.app.env[0]"),
        ("params: {tee: snp}", "services.app.params.tee"),
        ("params: {tee: cpu-gpu}", "services.app.params.tee"),
        ("params: {storage: {nope: {mount: /x}}}", "services.app.params.storage.nope"),
        ("params: {storage: {default: {mount: x}}}", "services.app.params.storage.default.mount"),
        ("params: {storage: {default: }}", "services.app.params.storage.default"),
        ("credentials: {}", "services.app.credentials"),
        ('credentials: {host: h, username: u, password: " "}', "services.app.credentials.password"),
        ("dependencies: [db]", "services.app.dependencies[0]"),
        ("image: twice", "services.app.image"),
        ("params: 5", "services.app.params"),
    ],
)
def test_refusals_name_the_place(refused: Any, block: str, path: str) -> None:
    error = refused(service=block)
    assert error.path == path
    assert error.line is not None


def test_permissions_and_tee_reach_the_manifest(compiled: Any) -> None:
    params = service(compiled(service="params: {permissions: {read: [logs]}, tee: cpu}")).params
    assert (params.storage, params.permissions.read, params.tee.type, params.tee.attestation) == (
        None,
        ("logs",),
        "cpu",
        True,
    )


def test_a_tee_becomes_an_attribute_of_the_placement_in_key_order(compiled: Any) -> None:
    group = compiled(service="params: {tee: cpu}", placement="attributes: {zone: a, area: b}").groups[0]
    assert [a.key for a in group.requirements.attributes] == ["area", "tee/type", "zone"]


def test_empty_params_are_not_absent_params(compiled: Any) -> None:
    empty, absent, null = compiled(service="params: {}"), compiled(), compiled(service="params:")
    assert service(empty).params is not None
    assert service(absent).params is None
    assert empty.version != absent.version == null.version


def test_version_2_0_drops_the_email_and_2_1_trims_all(compiled: Any) -> None:
    block = 'credentials: {host: " h ", email: " e ", username: " u", password: "p "}'
    old, new = (service(compiled(version=v, service=block)).credentials for v in ("2.0", "2.1"))
    assert (old.host, old.email, old.username, old.password) == (" h ", "", " u", "p ")
    assert (new.host, new.email, new.username, new.password) == ("h", "e", "u", "p")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", (1048576, 60000, 3, 0, ("error", "timeout"), 0)),
        ("{max_body_size: 0, next_tries: 0, next_cases: []}", (1048576, 60000, 3, 0, ("error", "timeout"), 0)),
        ("{max_body_size: 104857600, read_timeout: 1}", (104857600, 1, 3, 0, ("error", "timeout"), 0)),
        (
            '{next_cases: [500, "502", error, error], next_timeout: 9}',
            (1048576, 60000, 3, 9, ("500", "502", "error", "error"), 0),
        ),
        ("{next_cases: [off], proxy_buffer_size: 1048576}", (1048576, 60000, 3, 0, ("off",), 1048576)),
    ],
)
def test_http_options(compiled: Any, options: str, expected: tuple[Any, ...]) -> None:
    o = service(compiled(expose=f"http_options: {options}")).expose[0].http_options
    got = (
        o.max_body_size_bytes,
        o.read_timeout_ms,
        o.next_tries,
        o.next_timeout_ms,
        o.next_cases,
        o.proxy_buffer_size_bytes,
    )
    assert got == expected


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ("{max_body_size: 104857601}", "max_body_size"),
        ("{send_timeout: 60001}", "send_timeout"),
        ("{proxy_buffer_size: 1048577}", "proxy_buffer_size"),
        ("{next_cases: [error, sometimes]}", "next_cases[1]"),
        ("{next_cases: [error, off]}", "next_cases"),
        ('{max_body_size: "5"}', "max_body_size"),
        ("{next_tries: -1}", "next_tries"),
    ],
)
def test_http_options_refused(refused: Any, options: str, place: str) -> None:
    assert refused(expose=f"http_options: {options}").path == f"services.app.expose[0].http_options.{place}"


@pytest.mark.parametrize(
    ("expose", "path"),
    [
        ("accept: [A.example.com]", "accept[0]"),
        ("accept: ['*.example.com']", "accept[0]"),
        ("accept: [a.example.com, a.example.com]", "accept[1]"),
        ("accept: ['a b']", "accept[0]"),
        ("accept: a.example.com", "accept"),
        ("proto: http", "proto"),
    ],
)
def test_exposes_refused(refused: Any, expose: str, path: str) -> None:
    assert refused(expose=expose).path == f"services.app.expose[0].{path}"


def test_a_service_nobody_deploys_may_be_wrong(sdl: Any) -> None:
    text = sdl().replace(
        "profiles:\n", "  idle:\n    image:\n    expose:\n      - port: 0\n        proto: http\nprofiles:\n", 1
    )
    assert [s.name for s in compile_sdl(text).manifest[0].services] == ["app"]


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        *(
            (h, True)
            for h in (
                "A.example",
                "'*.x'",
                "a_b",
                "a:80",
                "a/b c",
                "é",
                "user@h",
                "'[::1]'",
                "a:80:90",
                "'%C3%A9'",
                "'a\u00a0b'",
            )
        ),
        *((h, False) for h in ("'a b'", "'a#b'", "a^b", "'%zz'", "'a%20b'", "'a:x'", "'a/%zz'", '"a/\\nb"', "'a\\b'")),
    ],
)
def test_hosts_of_a_service_nobody_deploys_need_only_make_a_url(sdl: Any, host: str, taken: bool) -> None:
    text = sdl().replace("profiles:", f"  idle: {{image: x, expose: [{{port: 1, accept: [{host}]}}]}}\nprofiles:", 1)
    if taken:
        assert compile_sdl(text).groups
    else:
        with pytest.raises(SdlInvalid, match="not a host name"):
            compile_sdl(text)
