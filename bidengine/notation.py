"""A group in one line, the way people say it: `3*2xh100,16cpu,64Gi,100Gi:beta3`.

    group := unit [+ unit …]
    unit  := [replicas*] item [, item …]
    item  := 2xh100 · 16cpu · 500m · 64Gi (memory) · 100Gi:beta3 (a volume) · 1ip · 2port

GPUs are `count x model`: `2xh100`, `1xnvidia/a100/80Gi/sxm`, `1xa100|h100` (either), `4xnvidia/*`, `1x*` (any). A model
without a vendor is one of any vendor. Volumes name their class; `ephemeral` is the container's own disk and `ram`
memory. What `in_short` writes, `parse_group` reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bidengine.needs import leased_ips, node_ports
from manifests.coins import DecCoin
from manifests.errors import Invalid
from manifests.gpus import GpuModel, wish
from manifests.resources import (
    Attribute,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    Storage,
)
from manifests.units import format_bytes, format_cpu_milli, parse_cpu_milli, parse_quantity

VENDORS = ("nvidia", "amd", "intel")
HELP = "e.g. 3*2xh100,16cpu,64Gi,100Gi:beta3"
MOST = 10_000
"""replicas, GPUs or endpoints; more is a slip of the finger"""

_REPLICAS = re.compile(r"([0-9]{1,9})\*(.+)", re.ASCII)
_GPUS = re.compile(r"([0-9]{1,9})x(.+)", re.ASCII)
_CPU = re.compile(r"(([0-9]+(?:\.[0-9]+)?)cpu|[0-9]+m)", re.ASCII)
_ENDPOINTS = re.compile(r"([0-9]{1,9})(ip|port)s?", re.ASCII)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?[KMGTP]i?|[0-9]+)(?::([a-z0-9]([a-z0-9.-]*[a-z0-9])?))?", re.ASCII)
_RAM = re.compile(r"[0-9]+[KMGTP]i", re.ASCII)


def parse_group(text: str) -> GroupSpec:
    """Raises `Invalid`, which names the item and what is allowed."""
    units = tuple(_unit(number, part.strip()) for number, part in enumerate(text.split("+"), 1))
    return GroupSpec("asked", Requirements(), units)


def in_short(spec: GroupSpec) -> str:
    """What a group asks for, in one line; addresses and node ports stand with the first unit."""
    parts = [_unit_in_short(unit) for unit in spec.resources]
    for count, word in ((node_ports(spec), "port"), (leased_ips(spec), "ip")):
        if count and parts:
            parts[0] += f",{count}{word}"
    return " + ".join(parts) or "nothing"


def card_in_short(card: GpuModel) -> str:
    return "/".join(filter(None, (card.vendor, card.model, card.memory, card.interface)))


def _unit(number: int, text: str) -> ResourceUnit:
    replicas = 1
    if found := _REPLICAS.fullmatch(text):
        replicas, text = _count(found[1], text), found[2]
    cpu_milli = memory_bytes = 0
    gpu = Gpu()
    volumes: list[Storage] = []
    endpoints: list[Endpoint] = []
    given: set[str] = set()
    for item in (part.strip() for part in text.split(",")):
        kind = "volume"
        if found := _ENDPOINTS.fullmatch(item):
            kind = found[2]
            endpoints += _endpoints(_count(found[1], item), kind, number)
        elif _CPU.fullmatch(item):
            kind, cpu_milli = "cpu", parse_cpu_milli(item.removesuffix("cpu"))
        elif found := _GPUS.fullmatch(item):
            kind, gpu = "gpu", Gpu(_count(found[1], item), _wishes(found[2], item))
        elif found := _SIZE.fullmatch(item):
            size = parse_quantity(found[1])
            if found[2]:
                volumes.append(_volume(f"v{len(volumes) + 1}", size, found[2]))
            else:
                kind, memory_bytes = "memory", size
        else:
            raise Invalid("", f"{item!r} is no part of an order; {HELP}", value=item)
        if kind in given - {"volume"}:
            cure = "a volume says its class, like 100Gi:beta3" if kind == "memory" else "say it once per unit"
            raise Invalid("", f"{item!r}: {kind} is there already; {cure}", value=item)
        given.add(kind)
    resources = Resources(number, Cpu(cpu_milli), Memory(memory_bytes), tuple(volumes), gpu, tuple(endpoints))
    return ResourceUnit(resources, replicas, DecCoin("uact", 0))


def _count(digits: str, where: str) -> int:
    if not 1 <= int(digits) <= MOST:
        raise Invalid("", f"{where!r}: a count is a number from 1 to {MOST}", value=where)
    return int(digits)


def _endpoints(count: int, kind: str, unit: int) -> list[Endpoint]:
    if kind == "port":
        return [Endpoint(EndpointKind.RANDOM_PORT)] * count
    # Addresses with one sequence number are one address, so each gets its own, in every unit.
    return [Endpoint(EndpointKind.LEASED_IP, unit * MOST + n) for n in range(1, count + 1)]


def _volume(name: str, size: int, storage_class: str) -> Storage:
    if storage_class == "ephemeral":
        return Storage(name, size)
    persistent = "false" if storage_class == "ram" else "true"
    return Storage(name, size, (Attribute("class", storage_class), Attribute("persistent", persistent)))


def _wishes(text: str, item: str) -> tuple[Attribute, ...]:
    if text == "*":
        return ()
    keys: list[str] = []
    for model in text.split("|"):
        first, *rest = model.split("/")
        vendors: Sequence[str] = (first,) if first in VENDORS else VENDORS
        name, *more = rest or [""] if first in VENDORS else (first, *rest)
        ram = [part for part in more if _RAM.fullmatch(part)]
        interface = [part for part in more if not _RAM.fullmatch(part)]
        if not all((first, name, *more)) or len(ram) > 1 or len(interface) > 1:
            raise Invalid("", f"{item!r}: a GPU is written [vendor/]model[/80Gi][/sxm]", value=item)
        keys += [GpuModel(v, name, *ram or ("",), *interface or ("",)).key() for v in vendors]
    return tuple(Attribute(key, "true") for key in keys)


def _unit_in_short(unit: ResourceUnit) -> str:
    r = unit.resources
    items = [f"{r.gpu.units}x{_models(r.gpu)}"] if r.gpu.units else []
    if r.cpu.milli:
        items.append(f"{r.cpu.milli // 1000}cpu" if r.cpu.milli % 1000 == 0 else format_cpu_milli(r.cpu.milli))
    if r.memory.quantity_bytes:
        items.append(format_bytes(r.memory.quantity_bytes))
    for volume in r.storage:
        c = volume.storage_class or ("default" if volume.persistent else "ephemeral")
        items.append(f"{format_bytes(volume.quantity_bytes)}:{c}")
    return (f"{unit.count}*" if unit.count != 1 else "") + ",".join(items)


def _models(gpu: Gpu) -> str:
    """A model wished of every vendor is written without one."""
    names: dict[str, list[str]] = {}
    for attribute in gpu.attributes:
        if attribute.value != "true":
            continue
        try:
            w = wish(attribute.key)
        except Invalid:
            return "?"
        names.setdefault("/".join(filter(None, (w.model, w.memory, w.interface))), []).append(w.vendor)
    whole = [
        name if tuple(vendors) == VENDORS and not name.startswith("*") else "|".join(f"{v}/{name}" for v in vendors)
        for name, vendors in names.items()
    ]
    return "|".join(whole) or "*"
