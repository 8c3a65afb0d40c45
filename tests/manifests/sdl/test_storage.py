"""Volumes: attributes and the order that hashes depend on."""

from __future__ import annotations

from typing import Any

import pytest

MOUNT = "params: {storage: {a: {mount: /a}}}"


def volumes(compiled: Any) -> Any:
    return compiled.groups[0].resources[0].resources.storage


def many(*rows: str) -> str:
    return "\n".join(f"- {{{row}}}" for row in rows)


@pytest.mark.parametrize(
    ("names", "order"),
    [("ab", "ba"), ("abc", "cba"), ("dacb", "bcad"), ("a", "a")],
)
def test_equal_ephemeral_volumes_come_out_reversed(compiled: Any, names: str, order: str) -> None:
    storage = many(*(f"size: 1Gi, name: {n}" for n in names))
    assert "".join(v.name for v in volumes(compiled(storage=storage))) == order


def test_sizes_go_first_then_those_without_a_word_on_persistence_then_names(compiled: Any) -> None:
    storage = many(
        "size: 2Gi, name: z, attributes: {persistent: true, class: beta2}",
        "size: 2Gi, name: a, attributes: {persistent: true, class: beta2}",
        "size: 2Gi, name: p, attributes: {persistent: false}",
        "size: 2Gi, name: q",
        "size: 1Gi, name: big",
    )
    assert [v.name for v in volumes(compiled(storage=storage, service=MOUNT))] == ["big", "q", "p", "a", "z"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", {}),
        ("{}", {"persistent": "false"}),
        ("{persistent: no}", {"persistent": "false"}),
        ("{persistent: true}", {"class": "default", "persistent": "true"}),
        ("{persistent: yes}", {"persistent": "true"}),
        ("{persistent: on, class: beta1}", {"class": "beta1", "persistent": "true"}),
        ("{persistent: no, class: beta2}", {"class": "beta2", "persistent": "false"}),
        ("{class: ram}", {"class": "ram", "persistent": "false"}),
        ('{persistent: true, class: ""}', {"class": "default", "persistent": "true"}),
    ],
)
def test_attributes(compiled: Any, attributes: str, expected: dict[str, str]) -> None:
    storage = f"- size: 1Gi\n  name: a\n  attributes: {attributes}"
    found = volumes(compiled(storage=storage, service=MOUNT))[0].attributes
    assert [(a.key, a.value) for a in found] == list(expected.items())


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ("- {size: 64Mi, attributes: {persistent: True}}", "true or false"),
        ("- {size: 64Mi, attributes: {class: ram, persistent: off}}", "memory"),
        ("- {size: 64Mi, attributes: {class: ram, persistent: true}}", "memory"),
        ("- {size: 64Mi, attributes: {class: beta2}}", "persistent: true"),
        ("- {size: 64Mi, attributes: {persistent: true, class: hdd}}", "storage class"),
        ("- {size: 64Mi, attributes: {speed: fast}}", "known are"),
        ("- {size: 64Mi, attributes: [a]}", "block"),
        ("- size: 64Mi\n- size: 64Mi", "second volume"),
        ("- size: 64Mi\n-", "second volume"),
        ("- 64Mi", "block"),
        ("- name: x", "outside"),
        ("- size: 4Mi", "outside"),
        ("- size: 33Ti", "outside"),
        ("[]", "needs storage"),
        ("64Mi", "needs storage"),
        ("~", "needs storage"),
        ("{size: 1Gi, name: []}", "a text"),
        ("- {size: 1Gi, name: data, attributes: {persistent: true}}", "params.storage.data.mount"),
    ],
)
def test_refused(refused: Any, storage: str, words: str) -> None:
    error = refused(storage=storage)
    assert words in error.message
    assert error.path.startswith("profiles.compute.small.resources")


def test_above_twenty_volumes_runs_of_twenty_are_merged(compiled: Any) -> None:
    storage = many(*(f"size: {5 + i * i % 3}Mi, name: v{i}" for i in range(24)))
    ends = "v21 v18 v15 v12 v9 v6 v3 v0 v23 v22 v20 v19 v17 v16 v14 v13 v11 v10 v8 v7 v5 v4 v2 v1"
    assert " ".join(v.name for v in volumes(compiled(storage=storage))) == ends


def test_one_volume_as_a_block_is_always_named_default(compiled: Any) -> None:
    assert [v.name for v in volumes(compiled(storage="size: 5Mi\nname: other"))] == ["default"]


def test_version_2_1_asks_for_no_mount_and_2_0_for_any(compiled: Any) -> None:
    storage = many("size: 1Gi, name: data, attributes: {persistent: true}", "size: 2Gi, name: a")
    assert len(volumes(compiled(version="2.1", storage=storage))) == 2
    assert len(volumes(compiled(version="2.0", storage=storage, service=MOUNT))) == 2


def test_a_mount_is_taken_once_by_its_text(compiled: Any, refused: Any) -> None:
    storage = many("size: 1Gi, name: a", "size: 2Gi, name: b")
    twice = "params: {storage: {a: {mount: /e}, b: {mount: %s}}}"
    assert "already the mount" in refused(storage=storage, service=twice % "/e").message
    assert compiled(storage=storage, service=twice % "/e/").manifest[0].services[0].params.storage[1].mount == "/e/"


def test_ram_may_be_read_only_in_2_0_but_not_in_2_1(compiled: Any, refused: Any) -> None:
    parts = {
        "storage": "- {size: 1Gi, name: a, attributes: {class: ram}}",
        "service": "params: {storage: {a: {mount: /a, readOnly: true}}}",
    }
    assert compiled(**parts).manifest[0].services[0].params.storage[0].read_only
    assert refused(version="2.1", **parts).path == "services.app.params.storage.a.readOnly"
