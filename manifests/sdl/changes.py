"""What a new version of an SDL file would change for a deployment made from the old one.

A deployment's groups are fixed when it is created; only the manifest can be replaced. So a change is either an
update, or it needs a new deployment, and the first disagreement of the new manifest with the old groups says why
(sdl-manifest.md §12.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

from manifests.agreement import check_agreement
from manifests.errors import ManifestInvalid
from manifests.manifest import Expose, Manifest, Service
from manifests.resources import Cpu, Gpu, Memory, Storage
from manifests.sdl import Compiled
from manifests.units import format_bytes, format_cpu_milli

_PLACE = re.compile(r"\[([0-9]+)\](?:\.services\[([0-9]+)\])?")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `what` is `added`, `removed` or `changed`; values of variables and passwords are never shown."""

    group: str
    service: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Update:
    """`obstacle` is None when the new file can be sent as an update of the old deployment."""

    changes: tuple[Change, ...]
    same_hash: bool
    obstacle: str | None


def compare(old: Compiled, new: Compiled) -> Update:
    obstacle = None
    try:
        check_agreement(new.manifest, old.groups)
    except ManifestInvalid as e:
        obstacle = _named(e, new.manifest)
    changes = (*_services(old.manifest, new.manifest), *_orders(old, new))
    return Update(changes, old.version == new.version, obstacle)


def _named(e: ManifestInvalid, manifest: Manifest) -> str:
    """The refusal with group and service by name: a path of numbers says nothing to whoever wrote the file."""
    m = _PLACE.match(e.path)
    if m is None:
        return e.message
    group = manifest[int(m[1])]
    service = f" / {group.services[int(m[2])].name}" if m[2] else ""
    return f"{group.name}{service}: {e.message}"


def _services(old: Manifest, new: Manifest) -> Iterator[Change]:
    before = {(g.name, s.name): s for g in old for s in g.services}
    after = {(g.name, s.name): s for g in new for s in g.services}
    for place in sorted(before.keys() | after.keys()):
        if place not in after:
            yield Change(*place, "removed", "the service ends")
        elif place not in before:
            yield Change(*place, "added", f"a new service, image {after[place].image}")
        else:
            yield from (Change(*place, "changed", detail) for detail in _details(before[place], after[place]))


def _details(old: Service, new: Service) -> Iterator[str]:
    if old.image != new.image:
        yield f"image {old.image} → {new.image}"
    if old.count != new.count:
        yield f"count {old.count} → {new.count}"
    yield from _environment(old.env or (), new.env or ())
    for f in fields(old.resources):
        before, after = getattr(old.resources, f.name), getattr(new.resources, f.name)
        if f.name != "endpoints" and before != after:
            yield f"resources: {f.name}{_amounts(before, after)}"
    gone, come = _ports(old.expose) - _ports(new.expose), _ports(new.expose) - _ports(old.expose)
    yield from (f"port {p} closed" for p in sorted(gone))
    yield from (f"port {p} opened" for p in sorted(come))
    hosts, more = _hosts(old.expose), _hosts(new.expose)
    yield from (f"host {h} removed" for h in sorted(hosts - more))
    yield from (f"host {h} added" for h in sorted(more - hosts))
    if not gone and not come and hosts == more and old.expose != new.expose:
        yield "http options or addresses of its ports"
    for name in ("command", "args", "params", "credentials"):
        if getattr(old, name) != getattr(new, name):
            yield name
    if old.env != new.env and (old.env or ()) == (new.env or ()):
        yield "env: an empty list in place of none, or the reverse"


def _environment(old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    before, after = (dict(entry.partition("=")[::2] for entry in env) for env in (old, new))
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"variable {name} removed"
        elif name not in before:
            yield f"variable {name} added"
        elif before[name] != after[name]:
            yield f"variable {name} has another value"
    if before == after and old != new:
        yield "the order of variables" if sorted(old) == sorted(new) else "variables given twice, or without a value"


def _amounts(old: object, new: object) -> str:
    """The part in numbers, where it has one and that one differs; else it is in attributes or volumes."""
    before, after = _amount(old), _amount(new)
    return f" {before} → {after}" if before != after else ""


def _amount(part: object) -> str:
    match part:
        case Cpu():
            return format_cpu_milli(part.milli)
        case Memory():
            return format_bytes(part.quantity_bytes)
        case Gpu():
            return str(part.units)
        case tuple():
            return ", ".join(f"{v.name} {format_bytes(v.quantity_bytes)}" for v in part if isinstance(v, Storage))
    return ""


def _ports(exposes: tuple[Expose, ...]) -> set[str]:
    return {
        f"{e.port}/{e.proto} as {e.effective_port} to {'the world' if e.global_ else e.service or 'itself'}"
        + (f" at {e.ip}" if e.ip else "")
        for e in exposes
    }


def _hosts(exposes: tuple[Expose, ...]) -> set[str]:
    return {h for e in exposes for h in e.hosts or ()}


def _orders(old: Compiled, new: Compiled) -> Iterator[Change]:
    """What is agreed on chain and not in the manifest: an update leaves it as it was."""
    before, after = {g.name: g for g in old.groups}, {g.name: g for g in new.groups}
    for name in sorted(before.keys() & after.keys()):
        if before[name].requirements != after[name].requirements:
            yield Change(
                name, "", "changed", "requirements of the provider; they stay as ordered until a new deployment"
            )
        prices = [{u.price for u in g.resources} for g in (before[name], after[name])]
        if prices[0] != prices[1]:
            yield Change(name, "", "changed", "prices; they stay as ordered until a new deployment")
    if old.reclamation_min_window_s != new.reclamation_min_window_s:
        yield Change("", "", "changed", "the reclamation window; it stays as ordered until a new deployment")
