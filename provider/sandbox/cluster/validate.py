"""What the server refuses with 422: bad names, labels and specs, and changes of what may not change.

The rules are those a provider's objects can run into; each cause names its field as the real server does.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from provider.sandbox.cluster import quantity, validate_network
from provider.sandbox.cluster import validate_names as names
from provider.sandbox.cluster.kinds import Kind
from provider.sandbox.cluster.selectors import matches
from provider.sandbox.cluster.status import Cause, bad, forbidden_field, required, unsupported
from provider.sandbox.cluster.validate_pods import pod_template, spec_of_pod

Json = dict[str, Any]

_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

_ANNOTATION_BYTES = 256 << 10
_ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
IMMUTABLE = "field is immutable"
_STATEFUL_SET_MAY = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_STATEFUL_SET_RULE = f"updates to statefulset spec for fields other than {', '.join(_STATEFUL_SET_MAY)} are forbidden"
_CLAIM_RULE = "spec is immutable after creation except resources.requests for bound claims"


def faults(kind: Kind, new: Json, live: Json | None) -> list[Cause]:
    """Every objection to `new`, and to changing `live` into it; empty when there is none."""
    found = list(_metadata(kind, new["metadata"]))
    check = _BY_RESOURCE.get(kind.resource)
    if check is not None:
        found += check(new, live)
    return found


def _metadata(kind: Kind, meta: Json) -> Iterator[Cause]:
    name = meta.get("name", "")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif kind.resource in ("namespaces", "statefulsets.apps"):
        yield from names.label(name, "metadata.name")
    elif kind.resource == "services":
        yield from names.label_1035(name, "metadata.name")
    elif kind.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            yield bad("metadata.name", name, "may not contain '/' or '%'")
    else:
        yield from names.subdomain(name, "metadata.name")
    yield from names.labels(meta.get("labels") or {}, "metadata.labels")
    annotations = meta.get("annotations") or {}
    for key in annotations:
        yield from names.key(key.lower(), "metadata.annotations")
    if sum(len(text.encode()) for each in annotations.items() for text in each) > _ANNOTATION_BYTES:
        yield Cause(
            "FieldValueTooLong", "metadata.annotations", f"Too long: may not be more than {_ANNOTATION_BYTES} bytes"
        )
    for index, finalizer in enumerate(meta.get("finalizers") or []):
        if "/" not in finalizer and finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            why = "name is neither a standard finalizer name nor is it fully qualified"
            yield bad(f"metadata.finalizers[{index}]", finalizer, why)


def _workload(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    if spec["replicas"] < 0:
        yield bad("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    yield from _selects_template(spec)
    yield from pod_template(spec["template"])
    if live is not None and live["spec"].get("selector") != spec.get("selector"):
        yield bad("spec.selector", spec.get("selector"), IMMUTABLE)


def _selects_template(spec: Json) -> Iterator[Cause]:
    selector, labels = spec.get("selector"), spec["template"]["metadata"].get("labels") or {}
    faults_ = list(names.selector(selector or {}, "spec.selector"))
    if selector is None:
        yield required("spec.selector")
    elif not selector:
        yield bad("spec.selector", selector, "empty selector is invalid for deployment")
    elif faults_:
        yield from faults_
        yield bad("spec.selector", selector, "invalid label selector")
    if selector is None or (selector and not faults_ and not matches(selector, labels)):
        yield bad("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from names.labels(labels, "spec.template.labels")


def _stateful_set(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    if live is not None:
        fixed = [{name: each[name] for name in each if name not in _STATEFUL_SET_MAY} for each in (live["spec"], spec)]
        if fixed[0] != fixed[1]:
            yield forbidden_field("spec", _STATEFUL_SET_RULE)
    if spec["replicas"] < 0:
        yield bad("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    yield from _selects_template(spec)
    claims = {claim["metadata"].get("name", "") for claim in spec.get("volumeClaimTemplates", [])}
    for index, claim in enumerate(spec.get("volumeClaimTemplates", [])):
        yield from _claim_spec(claim["spec"], f"spec.volumeClaimTemplates[{index}].spec")
    yield from pod_template(spec["template"], more_volumes=claims)


def _pod(new: Json, live: Json | None) -> Iterator[Cause]:
    yield from spec_of_pod(new["spec"], "spec")
    for index, container in enumerate(new["spec"].get("containers", [])):
        image = container.get("image", "")
        if image != image.strip():
            yield bad(f"spec.containers[{index}].image", image, "must not have leading or trailing whitespace")
    if live is None:
        return
    before, after = (json.loads(json.dumps(each["spec"])) for each in (live, new))
    for spec in (before, after):
        for name in (
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "nodeName",
            "schedulingGates",
        ):
            spec.pop(name, None)
        for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
            container.pop("image", None)
    if before != after:
        yield forbidden_field("spec", "pod updates may not change fields other than images, tolerations and deadlines")


def _claim(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    yield from _claim_spec(spec, "spec")
    if live is not None:
        before, after = ({**each["spec"]} for each in (live, new))
        if not before.get("volumeName"):
            after.pop("volumeName", None)
            before.pop("volumeName", None)
        for each in (before, after):
            each.pop("resources", None)
        grows = live.get("status", {}).get("phase") == "Bound"
        if before != after or (live["spec"].get("resources") != spec.get("resources") and not grows):
            yield forbidden_field("spec", _CLAIM_RULE)
        size, had = _size(spec), live.get("status", {}).get("capacity", {}).get("storage", "0")
        if grows and size is not None and quantity.parse(size) < quantity.parse(had):
            yield forbidden_field("spec.resources.requests.storage", "field can not be less than status.capacity")


def _claim_spec(spec: Json, field: str) -> Iterator[Cause]:
    modes, size = spec.get("accessModes"), _size(spec)
    if not modes:
        yield required(f"{field}.accessModes", "at least 1 access mode is required")
    for mode in modes or []:
        if mode not in _ACCESS_MODES:
            yield unsupported(f"{field}.accessModes", mode, _ACCESS_MODES)
    if size is None:
        yield required(f"{field}.resources[storage]")
    elif quantity.parse(size) <= 0:
        yield bad(f"{field}.resources[storage]", size, "must be greater than zero")
    if spec.get("storageClassName"):
        yield from names.subdomain(spec["storageClassName"], f"{field}.storageClassName")


def _size(spec: Json) -> Any:
    return spec.get("resources", {}).get("requests", {}).get("storage")


def _secret(new: Json, live: Json | None) -> Iterator[Cause]:
    for key, value in (new.get("data") or {}).items():
        if len(key) > 253 or not _CONFIG_KEY.fullmatch(key):
            yield bad(
                f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            )
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield bad(f"data[{key}]", value, "illegal base64 data")
    if new["type"] == "kubernetes.io/dockerconfigjson":
        text = (new.get("data") or {}).get(".dockerconfigjson")
        if text is None:
            yield required("data[.dockerconfigjson]")
        else:
            try:
                json.loads(base64.b64decode(text))
            except ValueError:
                yield bad("data[.dockerconfigjson]", "<secret contents redacted>", "invalid character")
    if live is not None and live["type"] != new["type"]:
        yield bad("type", new["type"], IMMUTABLE)


def _config_map(new: Json, live: Json | None) -> Iterator[Cause]:
    for key in new.get("data") or {}:
        if len(key) > 253 or not _CONFIG_KEY.fullmatch(key):
            yield bad(
                f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            )
    if live is not None and live.get("immutable") and (live.get("data") != new.get("data") or not new.get("immutable")):
        yield forbidden_field("data", "field is immutable when `immutable` is set")


def _binding(new: Json, live: Json | None) -> Iterator[Cause]:
    if live is not None and live["roleRef"] != new.get("roleRef"):
        yield bad("roleRef", new.get("roleRef"), "cannot change roleRef")
    for index, subject in enumerate(new.get("subjects", [])):
        if not subject.get("name"):
            yield required(f"subjects[{index}].name")


def _role(new: Json, live: Json | None) -> Iterator[Cause]:
    for index, rule in enumerate(new.get("rules", [])):
        if not rule.get("verbs"):
            yield required(f"rules[{index}].verbs", "verbs must contain at least one value")
        if not rule.get("nonResourceURLs"):
            for name in ("apiGroups", "resources"):
                if not rule.get(name):
                    yield required(f"rules[{index}].{name}", f"resource rules must supply at least one of {name}")


def _definition(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    wanted = f"{spec.get('names', {}).get('plural', '')}.{spec.get('group', '')}"
    if new["metadata"].get("name") != wanted:
        yield bad("metadata.name", new["metadata"].get("name"), 'must be spec.names.plural+"."+spec.group')
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        yield unsupported("spec.scope", spec.get("scope", ""), ("Cluster", "Namespaced"))
    stored = [each for each in spec.get("versions", []) if each.get("storage")]
    if len(stored) != 1:
        yield bad("spec.versions", spec.get("versions"), "must have exactly one version marked as storage version")
    for index, version in enumerate(spec.get("versions", [])):
        if "openAPIV3Schema" not in version.get("schema", {}):
            yield required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required")
    if live is not None and live["spec"].get("scope") != spec.get("scope"):
        yield bad("spec.scope", spec.get("scope"), IMMUTABLE)


_BY_RESOURCE = {
    "pods": _pod,
    "services": validate_network.service,
    "secrets": _secret,
    "configmaps": _config_map,
    "persistentvolumeclaims": _claim,
    "deployments.apps": _workload,
    "replicasets.apps": _workload,
    "statefulsets.apps": _stateful_set,
    "ingresses.networking.k8s.io": validate_network.ingress,
    "networkpolicies.networking.k8s.io": validate_network.policy,
    "roles.rbac.authorization.k8s.io": _role,
    "clusterroles.rbac.authorization.k8s.io": _role,
    "rolebindings.rbac.authorization.k8s.io": _binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _binding,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
}
