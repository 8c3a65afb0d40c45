"""What the server refuses in a pod or a pod template. Field names in causes follow the real server's."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from provider.sandbox.cluster import quantity
from provider.sandbox.cluster import validate_names as names
from provider.sandbox.cluster.status import Cause, bad, duplicate, forbidden_field, required, unsupported

Json = dict[str, Any]

_PORT_RULE = "must be between 1 and 65535, inclusive"
_NATIVE = ("cpu", "memory", "ephemeral-storage")


def pod_template(template: Json, more_volumes: Set[str] = frozenset()) -> Iterator[Cause]:
    """Of a Deployment and its like, where pods must be restarted always."""
    spec = template["spec"]
    yield from spec_of_pod(spec, "spec.template.spec", more_volumes)
    if spec["restartPolicy"] != "Always":
        yield unsupported("spec.template.spec.restartPolicy", spec["restartPolicy"], ("Always",))


def spec_of_pod(spec: Json, field: str, more_volumes: Set[str] = frozenset()) -> Iterator[Cause]:
    volumes = set(more_volumes)
    for index, volume in enumerate(spec.get("volumes", [])):
        name = volume.get("name", "")
        yield from _name(name, f"{field}.volumes[{index}].name", volumes)
        yield from _volume(volume, f"{field}.volumes[{index}]")
        volumes.add(name)
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    taken: set[str] = set()
    for index, container in enumerate(spec.get("containers", [])):
        where = f"{field}.containers[{index}]"
        yield from _name(container.get("name", ""), f"{where}.name", taken)
        taken.add(container.get("name", ""))
        yield from _container(container, where, volumes)
    policies = ("Always", "OnFailure", "Never")
    if spec["restartPolicy"] not in policies:
        yield unsupported(f"{field}.restartPolicy", spec["restartPolicy"], policies)
    yield from names.labels(spec.get("nodeSelector") or {}, f"{field}.nodeSelector")
    for name in ("serviceAccountName", "runtimeClassName"):
        if spec.get(name):
            yield from names.subdomain(spec[name], f"{field}.{name}")
    yield from _affinity(spec.get("affinity") or {}, f"{field}.affinity.nodeAffinity")
    for index, toleration in enumerate(spec.get("tolerations", [])):
        yield from _toleration(toleration, f"{field}.tolerations[{index}]")


def _volume(volume: Json, field: str) -> Iterator[Cause]:
    for extra in [each for each in volume if each != "name"][1:]:
        yield forbidden_field(f"{field}.{extra}", "may not specify more than 1 volume type")
    if "persistentVolumeClaim" in volume and not volume["persistentVolumeClaim"].get("claimName"):
        yield required(f"{field}.persistentVolumeClaim.claimName")


def _affinity(affinity: Json, field: str) -> Iterator[Cause]:
    """The required terms of nodes only; the rest is kept as it comes."""
    wanted = affinity.get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    if wanted is None:
        return
    field = f"{field}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    if not wanted.get("nodeSelectorTerms"):
        yield required(field, "must have at least one node selector term")
    for t, term in enumerate(wanted.get("nodeSelectorTerms", [])):
        for e, each in enumerate(term.get("matchExpressions", [])):
            yield from names.requirement(each, f"{field}[{t}].matchExpressions[{e}]", ordered=True)


def _toleration(toleration: Json, field: str) -> Iterator[Cause]:
    operator, effect = toleration.get("operator") or "Equal", toleration.get("effect")
    if operator not in ("Equal", "Exists"):
        yield unsupported(f"{field}.operator", operator, ("Equal", "Exists"))
    elif operator == "Exists" and toleration.get("value"):
        yield bad(f"{field}.operator", toleration["value"], "value must be empty when `operator` is 'Exists'")
    elif operator == "Equal" and not toleration.get("key"):
        yield bad(f"{field}.operator", operator, "operator must be Exists when `key` is empty")
    effects = ("NoExecute", "NoSchedule", "PreferNoSchedule")
    if effect and effect not in effects:
        yield unsupported(f"{field}.effect", effect, effects)


def _name(name: str, field: str, taken: set[str]) -> Iterator[Cause]:
    if not name:
        yield required(field)
    else:
        yield from names.label(name, field)
        if name in taken:
            yield duplicate(field, name)


def _container(container: Json, field: str, volumes: set[str]) -> Iterator[Cause]:
    if not container.get("image"):
        yield required(f"{field}.image")
    yield from _ports(container.get("ports", []), f"{field}.ports")
    for index, env in enumerate(container.get("env", [])):
        yield from _env(env, f"{field}.env[{index}]")
    yield from _resources(container.get("resources", {}), f"{field}.resources")
    yield from _mounts(container.get("volumeMounts", []), f"{field}.volumeMounts", volumes)
    policies = ("Always", "IfNotPresent", "Never")
    if container["imagePullPolicy"] not in policies:
        yield unsupported(f"{field}.imagePullPolicy", container["imagePullPolicy"], policies)


def _ports(ports: list[Json], field: str) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, port in enumerate(ports):
        number, name, where = port.get("containerPort", 0), port.get("name", ""), f"{field}[{index}]"
        if not number:
            yield required(f"{where}.containerPort")
        elif not 1 <= number <= 65535:
            yield bad(f"{where}.containerPort", number, _PORT_RULE)
        if name:
            yield from names.port_name(name, f"{where}.name")
            if name in taken:
                yield duplicate(f"{where}.name", name)
        taken.add(name)
        if port["protocol"] not in ("SCTP", "TCP", "UDP"):
            yield unsupported(f"{where}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))


def _env(env: Json, field: str) -> Iterator[Cause]:
    name = env.get("name", "")
    if not name:
        yield required(f"{field}.name")
    elif "=" in name or not (name.isascii() and name.isprintable()):
        why = "a valid environment variable name must consist only of printable ASCII characters other than '='"
        yield bad(f"{field}.name", name, why)
    if env.get("value") and env.get("valueFrom"):
        yield bad(f"{field}.valueFrom", "", "may not be specified when `value` is not empty")


def _resources(resources: Json, field: str) -> Iterator[Cause]:
    """A device (a name with a domain) is counted in whole ones, and requested exactly up to its limit."""
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for part, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            yield from _amount(name, amount, f"{field}.{part}[{name}]")
    for name, amount in requests.items():
        device = "/" in name and "kubernetes.io/" not in name
        if name not in limits:
            if device:
                yield required(f"{field}.limits", "Limit must be set for non overcommitable resources")
        elif device and quantity.parse(amount) != quantity.parse(limits[name]):
            yield bad(f"{field}.requests", amount, f"must be equal to {name} limit of {limits[name]}")
        elif quantity.parse(amount) > quantity.parse(limits[name]):
            yield bad(f"{field}.requests", amount, f"must be less than or equal to {name} limit of {limits[name]}")


def _amount(name: str, amount: str, field: str) -> Iterator[Cause]:
    if "/" in name:
        yield from names.key(name, field)
        if quantity.parse(amount).denominator != 1:
            yield bad(field, amount, "must be an integer")
    elif name not in _NATIVE and not name.startswith("hugepages-"):
        yield bad(field, name, "must be a standard resource for containers")
    if quantity.parse(amount) < 0:
        yield bad(field, amount, "must be greater than or equal to 0")


def _mounts(mounts: list[Json], field: str, volumes: set[str]) -> Iterator[Cause]:
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{field}[{index}].name")
        elif name not in volumes:
            yield Cause("FieldValueNotFound", f"{field}[{index}].name", f'Not found: "{name}"')
        if not path:
            yield required(f"{field}[{index}].mountPath")
        elif path in paths:
            yield bad(f"{field}[{index}].mountPath", path, "must be unique")
        paths.add(path)
        below = mount.get("subPath", "")
        if below.startswith("/") or ".." in below.split("/"):
            yield bad(f"{field}.subPath", below, "must be a relative path without '..'")
