"""Whether groups and manifests are acceptable, in themselves and to each other: the reference's verdicts
(sdl-manifest.md §12.2–12.4).

Every "no" is a ManifestInvalid whose path is a place in the JSON: `groups[0].resources[1].cpu` in the groups on chain,
`[0].services[1].expose[2].port` in the manifest. Where the reference would crash, this refuses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from manifests.agreement import check_agreement as check_agreement
from manifests.attributes import valid_key
from manifests.coins import E18, shown
from manifests.errors import ManifestInvalid
from manifests.hostnames import is_hostname
from manifests.manifest import Expose, Manifest, Service
from manifests.resources import Attributes, GroupSpec, Resources, ResourceUnit
from manifests.units import MIB, TIB

CPU_MILLI = (10, 384_000)
GPU_UNITS = (0, 24)
MEMORY_BYTES = (MIB, 2 * TIB)
VOLUME_BYTES = (5 * MIB, 32 * TIB)
MAX_PRICE_E18 = 10_000_000 * E18
"""Smallest and largest of one replica, and the highest price per replica and block."""

MAX_GROUP_CPU_MILLI = 50 * CPU_MILLI[1]
MAX_GROUP_GPU_UNITS = 50 * GPU_UNITS[1]
MAX_GROUP_MEMORY_BYTES = 50 * MEMORY_BYTES[1]

_DENOM = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{2,127}", re.ASCII)
_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*", re.ASCII)


def valid_denom(text: str) -> bool:
    """Whether the chain could have a coin of that name."""
    return _DENOM.fullmatch(text) is not None


def check_groups(groups: Sequence[GroupSpec]) -> None:
    """All groups of a deployment: at least one, each good in itself, different names, one denomination."""
    if not groups:
        raise ManifestInvalid("groups", "there is no group: nothing is deployed")
    names: set[str] = set()
    for i, group in enumerate(groups):
        path = f"groups[{i}]"
        check_group(group, path)
        if group.denom != groups[0].denom:
            _refuse(
                path,
                f"is priced in {group.denom} and the first group in {groups[0].denom}; use one denomination",
                group.denom,
            )
        if group.name in names:
            _refuse(f"{path}.name", f"a second group is named {group.name!r}", group.name)
        names.add(group.name)


def check_group(group: GroupSpec, path: str = "groups[0]") -> None:
    """One group within the chain's limits."""
    if not group.name:
        _refuse(f"{path}.name", "is empty")
    ids: set[int] = set()
    for i, unit in enumerate(group.resources):
        at = f"{path}.resources[{i}]"
        if unit.resources.id == 0 or unit.resources.id in ids:
            _refuse(f"{at}.id", "must be above zero and unlike the others of the group", unit.resources.id)
        ids.add(unit.resources.id)
        _check_resources(unit.resources, at)
        _check_price(unit, group.denom, at)
    _check_totals(group, path)


def check_manifest(manifest: Manifest) -> None:
    """A manifest in itself: names, order, ports, hosts, environment, and something the world can reach."""
    if not manifest:
        raise ManifestInvalid("", "the manifest is empty")
    hosts: dict[str, str] = {}
    names: set[str] = set()
    for g, group in enumerate(manifest):
        if not group.services:
            _refuse(f"[{g}].services", f"group {group.name!r} has no service")
        if group.name in names:
            _refuse(f"[{g}].name", f"a second group is named {group.name!r}", group.name)
        names.add(group.name)
        for s, service in enumerate(group.services):
            path = f"[{g}].services[{s}]"
            if s and service.name < group.services[s - 1].name:
                _refuse(f"{path}.name", "services must be in the order of their names", service.name)
            _check_service(service, path, hosts)
    if not any(e.global_ for group in manifest for service in group.services for e in service.expose):
        _refuse("", "no service is exposed to the world: at least one expose needs to: [{global: true}]")


def expose_before(x: Expose, y: Expose) -> bool:
    """The order exposes must have: service, port, protocol, then global ones first. Nothing else counts."""
    if (x.service, x.port, x.proto) != (y.service, y.port, y.proto):
        return (x.service, x.port, x.proto) < (y.service, y.port, y.proto)
    return x.global_ and not y.global_


def _check_resources(r: Resources, at: str) -> None:
    _within(f"{at}.cpu", r.cpu.milli, CPU_MILLI, "millicpu")
    _check_keys(f"{at}.cpu", r.cpu.attributes)
    _within(f"{at}.gpu", r.gpu.units, GPU_UNITS, "GPUs")
    if r.gpu.attributes and not r.gpu.units:
        _refuse(f"{at}.gpu", "has attributes but no units")
    _check_keys(f"{at}.gpu", r.gpu.attributes)
    _within(f"{at}.memory", r.memory.quantity_bytes, MEMORY_BYTES, "bytes of memory")
    _check_keys(f"{at}.memory", r.memory.attributes)
    if not r.storage:
        _refuse(f"{at}.storage", "is missing; each replica needs at least one volume")
    for i, volume in enumerate(r.storage):
        _within(f"{at}.storage[{i}].size", volume.quantity_bytes, VOLUME_BYTES, "bytes of storage")
        _check_keys(f"{at}.storage[{i}]", volume.attributes)


def _within(path: str, value: int, limits: tuple[int, int], unit: str) -> None:
    low, high = limits
    if not low <= value <= high:
        _refuse(path, f"{value} {unit} is outside of what one replica may have, {low} to {high}", value)


def _check_keys(path: str, attributes: Attributes) -> None:
    seen: set[str] = set()
    for a in attributes:
        if not valid_key(a.key):
            _refuse(path, f"the attribute {a.key[:140]!r} has a key the chain does not take", a.key)
        if a.key in seen:
            _refuse(path, f"the attribute {a.key!r} is given twice", a.key)
        seen.add(a.key)


def _check_price(unit: ResourceUnit, denom: str, at: str) -> None:
    price = unit.price
    if not valid_denom(price.denom):
        _refuse(f"{at}.price.denom", f"{price.denom!r} is not a denomination", price.denom)
    if not 0 <= price.amount_e18 <= MAX_PRICE_E18:
        _refuse(
            f"{at}.price.amount",
            f"{shown(price.amount_e18)} is outside of 0 to 10000000 per replica and block",
            str(price),
        )
    if price.denom != denom:
        _refuse(
            f"{at}.price.denom",
            f"is in {price.denom} and the first of the group in {denom}; use one denomination",
            price.denom,
        )


def _check_totals(group: GroupSpec, path: str) -> None:
    units = group.resources
    cpu_milli = sum(u.resources.cpu.milli * u.count for u in units)
    gpu_units = sum(u.resources.gpu.units * u.count for u in units)
    memory_bytes = sum(u.resources.memory.quantity_bytes * u.count for u in units)
    if not cpu_milli or not memory_bytes:
        _refuse(path, f"group {group.name!r} asks for nothing in all; a count must be above zero")
    for value, limit, unit in (
        (cpu_milli, MAX_GROUP_CPU_MILLI, "millicpu"),
        (gpu_units, MAX_GROUP_GPU_UNITS, "GPUs"),
        (memory_bytes, MAX_GROUP_MEMORY_BYTES, "bytes of memory"),
    ):
        if value > limit:
            _refuse(path, f"group {group.name!r} asks for {value} {unit} in all; at most {limit} are allowed", value)


def _check_service(s: Service, path: str, hosts: dict[str, str]) -> None:
    if not _SERVICE_NAME.fullmatch(s.name):
        what = f"{s.name[:80]!r} cannot be a service's name: small letters, digits and - only, a letter first"
        _refuse(f"{path}.name", what, s.name)
    if not s.image:
        _refuse(f"{path}.image", f"service {s.name!r} has no image")
    if s.resources.id == 0:
        _refuse(f"{path}.resources.id", "must be above zero")
    for i, entry in enumerate(s.env or ()):
        name = entry.partition("=")[0]
        if not _ENV_NAME.fullmatch(name) or name == "." or name.startswith(".."):
            what = f"{name[:80]!r} cannot be the name of a variable: letters, digits and ._- only, no digit first"
            _refuse(f"{path}.env[{i}]", what, name)
    for i, e in enumerate(s.expose):
        at = f"{path}.expose[{i}]"
        if i and expose_before(e, s.expose[i - 1]):
            _refuse(at, "exposes must be in the order of service, port, protocol, global ones first")
        _check_expose(e, at, s.name, hosts)


def _check_expose(e: Expose, at: str, service: str, hosts: dict[str, str]) -> None:
    if not 1 <= e.port <= 65535:
        _refuse(f"{at}.port", "must be a port from 1 to 65535", e.port)
    if e.proto not in ("TCP", "UDP"):
        _refuse(f"{at}.proto", "must be TCP or UDP", e.proto)
    for i, host in enumerate(e.hosts or ()):
        if not is_hostname(host):
            what = f"{host[:260]!r} is not a host name: small letters, digits, - and . only, at most 253 characters"
            _refuse(f"{at}.hosts[{i}]", what, host)
        if host in hosts:
            what = f"{host!r} is already used by {hosts[host]}; a host name belongs to one expose to one receiver"
            _refuse(f"{at}.hosts[{i}]", what, host)
        hosts[host] = f"port {e.port} of service {service!r}"


def _refuse(path: str, message: str, value: object = None) -> NoReturn:
    raise ManifestInvalid(path, message, value=value)
