"""Names by kind and changes of what may not change; bad fields of new objects stand in tests/contract."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from provider.sandbox.cluster import kinds
from provider.sandbox.cluster.defaults import defaulted
from provider.sandbox.cluster.kinds import Kind
from provider.sandbox.cluster.validate import faults

Json = dict[str, Any]


def fields_of(kind: Kind, new: Json, live: Json | None = None) -> list[str]:
    new, live = defaulted(kind.resource, new), None if live is None else defaulted(kind.resource, live)
    return [cause.field for cause in faults(kind, new, live)]


def workload(**spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "a:1"}]}}
    return {
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


def claim(size: str = "1Gi", *, status: Json | None = None, **spec: Any) -> Json:
    base = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return {"metadata": {"name": "c"}, "spec": base, "status": status or {}}


def bare(name: str) -> Json:
    return {"metadata": {"name": name}}


NAMES: dict[str, tuple[Kind, str, bool]] = {
    "a subdomain": (kinds.CONFIG_MAPS, "a.b-c", True),
    "of 253 letters": (kinds.CONFIG_MAPS, "x" * 253, True),
    "of 254 letters": (kinds.CONFIG_MAPS, "x" * 254, False),
    "a namespace has no dot": (kinds.NAMESPACES, "a.b", False),
    "a namespace may start with a digit": (kinds.NAMESPACES, "1a", True),
    "a role may be called anything": (kinds.ROLES, "system:Node_1", True),
    "but is no path": (kinds.ROLES, "a/b", False),
    "nor a part of one": (kinds.ROLES, "..", False),
}


@pytest.mark.parametrize(("kind", "name", "good"), NAMES.values(), ids=NAMES)
def test_names(kind: Kind, name: str, good: bool) -> None:
    assert fields_of(kind, bare(name)) == ([] if good else ["metadata.name"])


METADATA: dict[str, tuple[Json, list[str]]] = {
    "standard finalizers": ({"finalizers": ["orphan", "foregroundDeletion", "a.test/b"]}, []),
    "others need a domain": ({"finalizers": ["a.test/b", "mine"]}, ["metadata.finalizers[1]"]),
    "annotations may hold anything": ({"annotations": {"A.test/b": "x y\n" * 100}}, []),
    "under a proper key": ({"annotations": {"a b": "x"}}, ["metadata.annotations"]),
    "up to 256 KiB with their keys": ({"annotations": {"a": "x" * ((256 << 10) - 1)}}, []),
    "and not a byte more": ({"annotations": {"a": "x" * (256 << 10)}}, ["metadata.annotations"]),
}


@pytest.mark.parametrize(("metadata", "fields"), METADATA.values(), ids=METADATA)
def test_metadata(metadata: Json, fields: list[str]) -> None:
    assert fields_of(kinds.CONFIG_MAPS, {"metadata": {"name": "a", **metadata}}) == fields


BOUND = {"phase": "Bound", "capacity": {"storage": "2Gi"}}
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "web", "image": "a:1"}]}}
OTHER_IMAGE = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "web", "image": "a:2", "imagePullPolicy": "IfNotPresent"}]},
}
OTHER_COMMAND = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "web", "image": "a:1", "command": ["x"]}]}}
ROLE = {"kind": "Role", "name": "r"}
DEFINITION: Json = {
    "metadata": {"name": "manifests.akash.network"},
    "spec": {
        "group": "akash.network",
        "scope": "Namespaced",
        "names": {"plural": "manifests", "kind": "Manifest"},
        "versions": [{"name": "v1", "storage": True, "schema": {"openAPIV3Schema": {}}}],
    },
}
FROZEN = {"metadata": {"name": "a"}, "data": {"a": "b"}, "immutable": True}

CHANGES: dict[str, tuple[Kind, Json, Json, list[str]]] = {
    "replicas": (kinds.DEPLOYMENTS, workload(replicas=1), workload(replicas=2), []),
    "the selector": (
        kinds.DEPLOYMENTS,
        workload(),
        workload(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
        ["spec.selector"],
    ),
    "the pace of a stateful set": (kinds.STATEFUL_SETS, workload(), workload(updateStrategy={"type": "OnDelete"}), []),
    "the name service of a stateful set": (kinds.STATEFUL_SETS, workload(), workload(serviceName="b"), ["spec"]),
    "a pod's image": (kinds.PODS, POD, OTHER_IMAGE, []),
    "a pod's command": (kinds.PODS, POD, OTHER_COMMAND, ["spec"]),
    "a waiting claim's size": (kinds.CLAIMS, claim("1Gi"), claim("2Gi"), ["spec"]),
    "a waiting claim's volume": (kinds.CLAIMS, claim(), claim(volumeName="pv"), []),
    "a bound claim's volume": (
        kinds.CLAIMS,
        claim("2Gi", status=BOUND, volumeName="pv"),
        claim("2Gi", volumeName="other"),
        ["spec"],
    ),
    "a bound claim grows": (kinds.CLAIMS, claim("2Gi", status=BOUND), claim("3Gi"), []),
    "and does not shrink": (
        kinds.CLAIMS,
        claim("2Gi", status=BOUND),
        claim("1Gi"),
        ["spec.resources.requests.storage"],
    ),
    "a growth thought better of": (kinds.CLAIMS, claim("5Gi", status=BOUND), claim("2Gi"), []),
    "a secret's type": (kinds.SECRETS, bare("s"), bare("s") | {"type": "a.test/b"}, ["type"]),
    "what was frozen": (kinds.CONFIG_MAPS, FROZEN, FROZEN | {"data": {"a": "c"}}, ["data"]),
    "the frost itself": (kinds.CONFIG_MAPS, FROZEN, {**bare("a"), "data": {"a": "b"}}, ["data"]),
    "a binding's subjects": (
        kinds.ROLE_BINDINGS,
        bare("b") | {"roleRef": ROLE},
        bare("b") | {"roleRef": ROLE, "subjects": [{"kind": "User", "name": "a"}]},
        [],
    ),
    "a binding's role": (
        kinds.ROLE_BINDINGS,
        bare("b") | {"roleRef": ROLE},
        bare("b") | {"roleRef": ROLE | {"name": "other"}},
        ["roleRef"],
    ),
    "a definition's scope": (
        kinds.DEFINITIONS,
        DEFINITION,
        DEFINITION | {"spec": DEFINITION["spec"] | {"scope": "Cluster"}},
        ["spec.scope"],
    ),
}


@pytest.mark.parametrize(("kind", "live", "new", "fields"), CHANGES.values(), ids=CHANGES)
def test_changes(kind: Kind, live: Json, new: Json, fields: list[str]) -> None:
    assert fields_of(kind, new, live) == fields


SELECTORS: dict[str, tuple[Any, list[str]]] = {
    "none": (None, ["spec.selector", "spec.template.metadata.labels"]),
    "an empty one": ({}, ["spec.selector"]),
    "one that cannot be": ({"matchLabels": {"app": "a b"}}, ["spec.selector.matchLabels", "spec.selector"]),
    "one that misses": ({"matchLabels": {"app": "db"}}, ["spec.template.metadata.labels"]),
    "one by expression": ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, []),
}


@pytest.mark.parametrize(("selector", "fields"), SELECTORS.values(), ids=SELECTORS)
def test_a_workload_selects_its_own_pods(selector: Any, fields: list[str]) -> None:
    assert fields_of(kinds.DEPLOYMENTS, workload(selector=selector)) == fields


def test_a_stateful_sets_claims_are_claims() -> None:
    bad = {"metadata": {"name": "data"}, "spec": {"accessModes": ["Some"]}}
    where = "spec.volumeClaimTemplates[0].spec"
    assert fields_of(kinds.STATEFUL_SETS, workload(volumeClaimTemplates=[bad])) == [
        f"{where}.accessModes",
        f"{where}.resources[storage]",
    ]


def test_an_image_with_spaces_is_seen_in_a_pod_only() -> None:
    """A template with one is taken, and its pods are not."""
    spaced = {"containers": [{"name": "web", "image": " a:1"}]}
    assert fields_of(kinds.PODS, {"metadata": {"name": "p"}, "spec": spaced}) == ["spec.containers[0].image"]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spaced}
    assert fields_of(kinds.DEPLOYMENTS, workload(template=template)) == []


def credentials(text: bytes) -> Json:
    data = {".dockerconfigjson": base64.b64encode(text).decode()}
    return {"metadata": {"name": "s"}, "type": "kubernetes.io/dockerconfigjson", "data": data}


def test_registry_credentials_are_json_and_never_repeated_in_a_refusal() -> None:
    assert fields_of(kinds.SECRETS, credentials(b'{"auths": {}}')) == []
    (cause,) = faults(kinds.SECRETS, credentials(b"hunter2"), None)
    assert cause.field == "data[.dockerconfigjson]"
    assert "hunter2" not in cause.message
    assert base64.b64encode(b"hunter2").decode() not in cause.message


DEFINITIONS: dict[str, tuple[Json, Json, list[str]]] = {
    "a good one": ({}, {}, []),
    "another name": ({"name": "x.akash.network"}, {}, ["metadata.name"]),
    "no version stored": ({}, {"versions": []}, ["spec.versions"]),
    "a version without a schema": (
        {},
        {"versions": [{"name": "v1", "storage": True}]},
        ["spec.versions[0].schema.openAPIV3Schema"],
    ),
    "a scope of its own": ({}, {"scope": "Universe"}, ["spec.scope"]),
}


@pytest.mark.parametrize(("metadata", "spec", "fields"), DEFINITIONS.values(), ids=DEFINITIONS)
def test_definitions(metadata: Json, spec: Json, fields: list[str]) -> None:
    new: Json = {part: dict(each) for part, each in DEFINITION.items()}
    new["metadata"] |= metadata
    new["spec"] |= spec
    assert fields_of(kinds.DEFINITIONS, new) == fields


def test_rules_of_paths_need_no_resources() -> None:
    rules = [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}, {"verbs": ["get"], "resources": ["pods"]}]
    assert fields_of(kinds.ROLES, bare("r") | {"rules": rules}) == ["rules[1].apiGroups"]
