"""What the server refuses in a pod or a pod template. Field names in causes follow the real server's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from provider.sandbox.cluster import quantity
from provider.sandbox.cluster.status import Cause, bad, duplicate, required, unsupported

Json = dict[str, Any]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_RULE = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
_PORT_RULE = "must be between 1 and 65535, inclusive"


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
        volumes.add(name)
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    names: set[str] = set()
    for index, container in enumerate(spec.get("containers", [])):
        where = f"{field}.containers[{index}]"
        yield from _name(container.get("name", ""), f"{where}.name", names)
        names.add(container.get("name", ""))
        yield from _container(container, where, volumes)
    if spec["terminationGracePeriodSeconds"] < 0:
        yield bad(
            f"{field}.terminationGracePeriodSeconds", spec["terminationGracePeriodSeconds"], "must be non-negative"
        )
    policies = ("Always", "OnFailure", "Never")
    if spec["restartPolicy"] not in policies:
        yield unsupported(f"{field}.restartPolicy", spec["restartPolicy"], policies)


def _name(name: str, field: str, taken: set[str]) -> Iterator[Cause]:
    if not name:
        yield required(field)
    elif len(name) > 63:
        yield bad(field, name, "must be no more than 63 bytes")
    elif not _LABEL.fullmatch(name):
        yield bad(field, name, _LABEL_RULE)
    elif name in taken:
        yield duplicate(field, name)


def _container(container: Json, field: str, volumes: set[str]) -> Iterator[Cause]:
    image = container.get("image", "")
    if not image:
        yield required(f"{field}.image")
    elif image != image.strip():
        yield bad(f"{field}.image", image, "must not have leading or trailing whitespace")
    for index, port in enumerate(container.get("ports", [])):
        number = port.get("containerPort", 0)
        where = f"{field}.ports[{index}]"
        if not number:
            yield required(f"{where}.containerPort")
        elif not 1 <= number <= 65535:
            yield bad(f"{where}.containerPort", number, _PORT_RULE)
        if port["protocol"] not in ("SCTP", "TCP", "UDP"):
            yield unsupported(f"{where}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))
    for index, env in enumerate(container.get("env", [])):
        name = env.get("name", "")
        if not name:
            yield required(f"{field}.env[{index}].name")
        elif "=" in name:
            why = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            yield bad(f"{field}.env[{index}].name", name, why)
    yield from _resources(container.get("resources", {}), f"{field}.resources")
    yield from _mounts(container.get("volumeMounts", []), f"{field}.volumeMounts", volumes)
    policies = ("Always", "IfNotPresent", "Never")
    if container["imagePullPolicy"] not in policies:
        yield unsupported(f"{field}.imagePullPolicy", container["imagePullPolicy"], policies)


def _resources(resources: Json, field: str) -> Iterator[Cause]:
    limits = resources.get("limits", {})
    for name, amount in resources.get("requests", {}).items():
        if name in limits and quantity.parse(amount) > quantity.parse(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            yield bad(f"{field}.requests", amount, why)
        if quantity.parse(amount) < 0:
            yield bad(f"{field}.requests[{name}]", amount, "must be greater than or equal to 0")
    for name, amount in limits.items():
        if quantity.parse(amount) < 0:
            yield bad(f"{field}.limits[{name}]", amount, "must be greater than or equal to 0")


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
