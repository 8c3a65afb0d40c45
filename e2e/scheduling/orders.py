"""Tenants' orders at random, as SDL: from one small container to several units with cards and volumes. From a seed."""

from __future__ import annotations

from random import Random
from typing import Any

import yaml

from manifests.sdl import Compiled, compile_sdl

Wanted = dict[str, Any]
MODELS: list[list[dict[str, str]] | None] = [
    [{"model": "a100"}],
    [{"model": "a100", "ram": "80Gi", "interface": "sxm"}],
    [{"model": "h100"}],
    [{"model": "rtx4090"}],
    [{"model": "h100"}, {"model": "a100"}, {"model": "rtx4090"}],
    [{"model": "h200"}],  # nobody has it
    None,  # any
]


def order(random: Random) -> Compiled:
    units = []
    for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
        wanted = _ordinary(random)
        # Replicas with volumes come up one after the other, which takes its time.
        counts = (1, 2) if "data" in str(wanted["storage"]) else (1, 1, 2, 3, 5)
        units.append((wanted, random.choice(counts)))
    return compiled(*units)


def demanding(random: Random) -> Wanted:
    """Of which a cluster takes few: much of one thing, little of the others."""
    out = _resources(0.1, 128, 1)
    match random.randrange(6):
        case 0:
            out["cpu"]["units"] = random.choice((12, 15, 20, 28))
        case 1:
            out["memory"]["size"] = f"{random.choice((60, 100, 120, 200))}Gi"
        case 2:
            out["storage"][0]["size"] = f"{random.choice((99, 201, 333))}Gi"
        case 3:
            models = random.choice([entry for entry in MODELS[:4] if entry])
            out["cpu"]["units"] = random.choice((0.1, 2, 7))
            out["gpu"] = {"units": random.choice((1, 2, 4)), "attributes": {"vendor": {"nvidia": models}}}
        case 4:
            out["gpu"] = {"units": 1, "attributes": {"vendor": {"nvidia": [{"model": "l40s"}]}}}
        case 5:
            out["storage"].append({"name": "data", "size": "5Gi", "attributes": {"persistent": True, "class": "beta1"}})
    return out


def compiled(*units: tuple[Wanted, int]) -> Compiled:
    """The order for so many replicas of each."""
    compute: Wanted = {}
    services: Wanted = {}
    pricing: Wanted = {}
    deployment: Wanted = {}
    for number, (wanted, count) in enumerate(units):
        name = f"s{number}"
        compute[name] = {"resources": wanted}
        pricing[name] = {"denom": "uact", "amount": 100000}
        deployment[name] = {"here": {"profile": name, "count": count}}
        services[name] = {"image": "web:1", "expose": [{"port": 80, "to": [{"global": True}]}]}
        if mounts := {v["name"]: {"mount": f"/{v['name']}"} for v in wanted["storage"] if "name" in v}:
            services[name]["params"] = {"storage": mounts}
    profiles = {"compute": compute, "placement": {"here": {"pricing": pricing}}}
    sdl = {"version": "2.0", "services": services, "profiles": profiles, "deployment": deployment}
    return compile_sdl(yaml.safe_dump(sdl))


def _ordinary(random: Random) -> Wanted:
    cores, mib = random.choice((0.1, 0.5, 1, 2, 4, 7, 12)), random.choice((128, 512, 1024, 4096, 12000, 30000))
    out = _resources(cores, mib, random.choice((1, 5, 20, 60)))
    match random.randrange(8):
        case 0:
            kind = random.choice(("beta2", "beta3"))
            out["storage"].append({"name": "data", "size": "5Gi", "attributes": {"persistent": True, "class": kind}})
        case 1:
            out["storage"].append({"name": "shm", "size": "1Gi", "attributes": {"persistent": False, "class": "ram"}})
    if random.random() < 0.4:
        models = random.choice(MODELS)
        out["gpu"] = {"units": random.choice((1, 1, 2, 4)), "attributes": {"vendor": {"nvidia": models}}}
    return out


def _resources(cores: float, memory_mib: int, disk_gib: int) -> Wanted:
    return {
        "cpu": {"units": cores},
        "memory": {"size": f"{memory_mib}Mi"},
        "storage": [{"size": f"{disk_gib}Gi"}],
    }
