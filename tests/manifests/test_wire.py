"""The manifest in a request body, read as Go reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.coins import E18, DecCoin
from manifests.errors import ManifestInvalid
from manifests.resources import Cpu, Gpu, GroupSpec, Memory, Requirements, Resources, ResourceUnit, Storage
from manifests.sdl import compile_sdl
from manifests.wire import group_json, groups_json, manifest_json, parse_group, parse_manifest
from manifests.wirevalues import decoded


def body(**service: Any) -> list[dict[str, Any]]:
    """A manifest of one service, its fields replaced."""
    resources = {
        "id": 1,
        "cpu": {"units": {"val": "500"}},
        "memory": {"size": {"val": "536870912"}},
        "storage": [{"name": "default", "size": {"val": "1073741824"}}],
        "gpu": {"units": {"val": "0"}},
        "endpoints": [{"sequence_number": 0}, {"kind": 1, "sequence_number": 0}],
    }
    return [
        {"name": "here", "services": [{"name": "web", "image": "web:1", "resources": resources, "count": 1} | service]}
    ]


def parsed(value: Any) -> Any:
    return parse_manifest(json.dumps(value).encode())


def test_null_is_absent_absent_is_zero_and_unknown_is_dropped() -> None:
    (group,) = parsed(body(command=None, env=["A=b"], expose=None, credentials=None, strange={"x": 1}))
    (service,) = group.services
    assert (service.command, service.args, service.env, service.expose, service.credentials) == (
        None,
        None,
        ("A=b",),
        (),
        None,
    )


def test_no_list_and_an_empty_list_stay_apart_both_ways() -> None:
    manifest = parsed(body(args=[], expose=[{"hosts": []}], params={"storage": []}))
    (service,) = manifest[0].services
    assert (service.command, service.args, service.expose[0].hosts, service.params.storage) == (None, (), (), ())
    written = manifest_json(manifest)[0]["services"][0]
    assert (written["command"], written["args"], written["expose"][0]["hosts"], written["params"]) == (
        None,
        [],
        [],
        {"storage": []},
    )


def test_absent_http_options_are_zeros_not_defaults() -> None:
    options = parsed(body(expose=[{"port": 1}]))[0].services[0].expose[0].http_options
    assert (options.max_body_size_bytes, options.next_cases) == (0, ())


def test_keys_match_in_any_case_and_the_last_wins() -> None:
    text = json.dumps(body()).replace('"image": "web:1"', '"image": "a", "IMAGE": "b", "image": "c", "Image": "d"')
    assert parse_manifest(text.encode())[0].services[0].image == "d"


def test_what_is_optional_is_left_out_when_unset() -> None:
    written = manifest_json(parsed(body(expose=[{"port": 1}])))[0]["services"][0]
    assert list(written) == ["name", "image", "command", "args", "env", "resources", "count", "expose", "credentials"]
    assert written["resources"]["endpoints"] == [{"sequence_number": 0}, {"kind": 1, "sequence_number": 0}]
    assert "proxyBufferSize" not in written["expose"][0]["httpOptions"]
    assert "nextCases" not in written["expose"][0]["httpOptions"]


def test_everything_survives_a_round_trip() -> None:
    full = body(
        command=["a"],
        args=["b"],
        env=["C=d"],
        expose=[
            {
                "port": 80, "externalPort": 81, "proto": "TCP", "service": "x", "global": True, "hosts": ["h"],
                "ip": "i",
                "httpOptions": {
                    "maxBodySize": 1, "readTimeout": 2, "sendTimeout": 3, "nextTries": 4, "nextTimeout": 5,
                    "nextCases": ["off"], "proxyBufferSize": 6,
                },
                "endpointSequenceNumber": 7,
            }
        ],
        params={
            "storage": [{"name": "v", "mount": "/v", "readOnly": True}],
            "permissions": {"read": ["logs"]},
            "tee": {"type": "cpu", "attestation": True},
        },
        credentials={"host": "h", "email": "e", "username": "u", "password": "p"},
    )  # fmt: skip
    assert manifest_json(parsed(full)) == full


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ({"count": "1"}, "[0].services[0].count"),
        ({"count": 1.0}, "[0].services[0].count"),
        ({"count": -1}, "[0].services[0].count"),
        ({"count": 2**32}, "[0].services[0].count"),
        ({"count": True}, "[0].services[0].count"),
        ({"image": 5}, "[0].services[0].image"),
        ({"env": "A=b"}, "[0].services[0].env"),
        ({"env": [1]}, "[0].services[0].env[0]"),
        ({"expose": [{"global": "yes"}]}, "[0].services[0].expose[0].global"),
        ({"params": []}, "[0].services[0].params"),
        ({"resources": None}, "[0].services[0].resources.cpu"),
        ({"resources": {"cpu": {"units": {"val": 5}}}}, "[0].services[0].resources.memory"),
    ],
)
def test_garbage_is_named(service: dict[str, Any], path: str) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        parsed(body(**service))
    assert refused.value.path == path


@pytest.mark.parametrize("val", ["5.0", "", " 5", "1" * 79, 5, None])
def test_quantities_are_whole_numbers_in_a_string(val: Any) -> None:
    value = body()
    value[0]["services"][0]["resources"]["cpu"]["units"]["val"] = val
    with pytest.raises(ManifestInvalid) as refused:
        parsed(value)
    assert refused.value.path == "[0].services[0].resources.cpu.units.val"


@pytest.mark.parametrize("kind", [2**31, -(2**31) - 1, "SHARED_HTTP", 1.0])
def test_endpoint_kinds(kind: Any) -> None:
    value = body()
    value[0]["services"][0]["resources"]["endpoints"][0]["kind"] = kind
    with pytest.raises(ManifestInvalid, match="kind"):
        parsed(value)


@pytest.mark.parametrize("kind", [0, 2, 3, -1])
def test_a_kind_nobody_knows_is_kept_for_the_hash(kind: int) -> None:
    value = body()
    value[0]["services"][0]["resources"]["endpoints"][0]["kind"] = kind
    written = manifest_json(parsed(value))[0]["services"][0]["resources"]["endpoints"][0]
    assert written.get("kind", 0) == kind


def test_no_list_of_exposes_and_an_empty_one_are_two_manifests() -> None:
    for written in (None, []):
        again = manifest_json(parsed(body(expose=written)))
        assert again[0]["services"][0]["expose"] == written


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b"[1]",
        b"{}",
        b'"x"',
        b"[" * 100_000,
        b'[{"services": 5}]',
        b"[" + b"9" * 5000 + b"]",
        b"\xef\xbb\xbf[]",
    ],
)
def test_what_is_no_manifest(text: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        parse_manifest(text)


def test_null_is_an_empty_manifest_and_half_a_character_becomes_a_mark() -> None:
    assert parse_manifest(b"null") == ()
    assert parse_manifest(b'[{"name": "\\ud800x"}]')[0].name == "\ufffdx"
    assert parse_manifest(b"[null]")[0].services == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "services", "Resources", "cpu", "units", "val", "expose", "params"]), inner
        )
    ),
    max_leaves=15,
)


@settings(max_examples=80, deadline=None)
@given(st.binary() | JSON.map(lambda v: json.dumps(v).encode()))
def test_any_body_is_a_manifest_or_refused(data: bytes) -> None:
    try:
        manifest = parse_manifest(data)
    except ManifestInvalid:
        return
    assert parse_manifest(json.dumps(manifest_json(manifest)).encode()) == manifest


def test_groups() -> None:
    resources = Resources(1, Cpu(100), Memory(2), (Storage("default", 3),), Gpu())
    (written,) = groups_json(
        [GroupSpec("g", Requirements(), (ResourceUnit(resources, 2, DecCoin("uact", 5 * E18 // 2)),))]
    )
    assert list(written) == ["name", "requirements", "resources"]
    assert written["requirements"] == {"signed_by": {"all_of": None, "any_of": None}, "attributes": None}
    assert written["resources"][0]["price"] == {"denom": "uact", "amount": "2.500000000000000000"}
    assert written["resources"][0]["resource"]["endpoints"] == []


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "examples").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_group_that_was_written_is_read_again(path: Path) -> None:
    for group in compile_sdl(path.read_bytes()).groups:
        assert parse_group(decoded(json.dumps(group_json(group)).encode())) == group


def test_a_group_without_units_is_refused() -> None:
    with pytest.raises(ManifestInvalid, match="resources: is missing"):
        parse_group(decoded(b'{"name": "here", "resources": []}'))
