"""What the server refuses with 422: bad names, labels and specs, and changes of what may not change.

The rules are those a provider's objects can run into; each cause names its field as the real server does.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

from provider.sandbox.cluster.kinds import Kind
from provider.sandbox.cluster.selectors import matches
from provider.sandbox.cluster.status import Cause, bad, duplicate, forbidden_field, required, unsupported
from provider.sandbox.cluster.validate_pods import pod_template, spec_of_pod

Json = dict[str, Any]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_KEY_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

_SUBDOMAIN_RULE = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
_LABEL_RULE = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
_1035_RULE = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', and start with a letter"
_VALUE_RULE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
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
    elif kind.resource == "namespaces":
        if len(name) > 63 or not _LABEL.fullmatch(name):
            yield bad("metadata.name", name, _LABEL_RULE if len(name) <= 63 else "must be no more than 63 characters")
    elif kind.resource == "services":
        if len(name) > 63 or not _LABEL_1035.fullmatch(name):
            yield bad("metadata.name", name, _1035_RULE if len(name) <= 63 else "must be no more than 63 characters")
    elif kind.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            yield bad("metadata.name", name, "may not contain '/' or '%'")
    elif len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        yield bad("metadata.name", name, _SUBDOMAIN_RULE if len(name) <= 253 else "must be no more than 253 characters")
    yield from _labels(meta.get("labels") or {}, "metadata.labels")
    for key in meta.get("annotations") or {}:
        yield from _key(key, "metadata.annotations")
    for finalizer in meta.get("finalizers") or []:
        if "/" not in finalizer and finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            yield bad(
                "metadata.finalizers[0]",
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            )


def _labels(labels: dict[str, str], field: str) -> Iterator[Cause]:
    for key, value in labels.items():
        yield from _key(key, field)
        if len(value) > 63:
            yield bad(field, value, "must be no more than 63 bytes")
        elif not _VALUE.fullmatch(value):
            yield bad(field, value, _VALUE_RULE)


def _key(key: str, field: str) -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        yield bad(field, key, f"prefix part {_SUBDOMAIN_RULE}")
    if len(name) > 63 or not _KEY_NAME.fullmatch(name):
        yield bad(field, key, "name part must be 63 characters or less, of alphanumeric characters, '-', '_' or '.'")


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
    if selector is None:
        yield required("spec.selector")
    elif not selector:
        yield bad("spec.selector", selector, "empty selector is invalid for deployment")
    if not selector or not matches(selector, labels):
        yield bad("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _labels(labels, "spec.template.labels")


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
    yield from pod_template(spec["template"], more_volumes=claims)


def _pod(new: Json, live: Json | None) -> Iterator[Cause]:
    yield from spec_of_pod(new["spec"], "spec")
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


def _service(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec["type"] not in kinds:
        yield unsupported("spec.type", spec["type"], kinds)
    ports = spec.get("ports", [])
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    names: set[str] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        name = port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{field}.name")
        elif name and (len(name) > 63 or not _LABEL.fullmatch(name)):
            yield bad(f"{field}.name", name, _LABEL_RULE if len(name) <= 63 else "must be no more than 63 characters")
        elif name and name in names:
            yield duplicate(f"{field}.name", name)
        names.add(name)
        if not 1 <= port.get("port", 0) <= 65535:
            yield bad(f"{field}.port", port.get("port", 0), "must be between 1 and 65535, inclusive")
        if port["protocol"] not in ("SCTP", "TCP", "UDP"):
            yield unsupported(f"{field}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))
        target = port.get("targetPort")
        if isinstance(target, int) and not 1 <= target <= 65535:
            yield bad(f"{field}.targetPort", target, "must be between 1 and 65535, inclusive")
    yield from _labels(spec.get("selector") or {}, "spec.selector")
    if live is not None:
        before, after = live["spec"].get("clusterIPs"), spec.get("clusterIPs")
        if before and "ExternalName" not in (live["spec"]["type"], spec["type"]) and after != before:
            yield bad("spec.clusterIPs[0]", after, "may not change once set")


def _claim(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if "storage" not in spec.get("resources", {}).get("requests", {}):
        yield required("spec.resources[storage]")
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


def _ingress(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new.get("spec", {})
    if not spec.get("rules") and "defaultBackend" not in spec:
        yield bad("spec", [], "either `defaultBackend` or `rules` must be specified")
    for r, rule in enumerate(spec.get("rules", [])):
        host = rule.get("host", "")
        if host and not _SUBDOMAIN.fullmatch(host.removeprefix("*.")):
            yield bad(f"spec.rules[{r}].host", host, _SUBDOMAIN_RULE)
        for p, path in enumerate(rule.get("http", {}).get("paths", [])):
            field = f"spec.rules[{r}].http.paths[{p}]"
            types = ("Exact", "ImplementationSpecific", "Prefix")
            if "pathType" not in path:
                yield required(f"{field}.pathType", "pathType must be specified")
            elif path["pathType"] not in types:
                yield unsupported(f"{field}.pathType", path["pathType"], types)
            elif path["pathType"] != "ImplementationSpecific" and not path.get("path", "").startswith("/"):
                yield bad(f"{field}.path", path.get("path", ""), "must be an absolute path")
            service = path.get("backend", {}).get("service")
            if service is not None and not service.get("name"):
                yield required(f"{field}.backend.service.name")


def _policy(new: Json, live: Json | None) -> Iterator[Cause]:
    spec = new["spec"]
    for index, each in enumerate(spec["policyTypes"]):
        if each not in ("Egress", "Ingress"):
            yield unsupported(f"spec.policyTypes[{index}]", each, ("Egress", "Ingress"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for r, rule in enumerate(spec.get(direction, [])):
            for p, peer in enumerate(rule.get(peers, [])):
                yield from _peer(peer, f"spec.{direction}[{r}].{peers}[{p}]")
            for n, port in enumerate(rule.get("ports", [])):
                number = port.get("port")
                if isinstance(number, int) and not 1 <= number <= 65535:
                    where = f"spec.{direction}[{r}].ports[{n}].port"
                    yield bad(where, number, "must be between 1 and 65535, inclusive")


def _peer(peer: Json, field: str) -> Iterator[Cause]:
    if not peer:
        yield required(field, "must specify a peer")
    if "ipBlock" in peer:
        if len(peer) > 1:
            yield forbidden_field(field, "may not specify both ipBlock and another peer")
        cidr = peer["ipBlock"].get("cidr", "")
        try:
            ipaddress.ip_network(cidr if "/" in cidr else "")
        except ValueError:
            yield bad(f"{field}.ipBlock.cidr", cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")


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
    "services": _service,
    "secrets": _secret,
    "configmaps": _config_map,
    "persistentvolumeclaims": _claim,
    "deployments.apps": _workload,
    "replicasets.apps": _workload,
    "statefulsets.apps": _stateful_set,
    "ingresses.networking.k8s.io": _ingress,
    "networkpolicies.networking.k8s.io": _policy,
    "roles.rbac.authorization.k8s.io": _role,
    "clusterroles.rbac.authorization.k8s.io": _role,
    "rolebindings.rbac.authorization.k8s.io": _binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _binding,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
}
