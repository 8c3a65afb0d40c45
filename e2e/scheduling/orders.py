"""Tenants' orders at random, as SDL: from one small container to several units with cards and volumes. From a seed."""

from __future__ import annotations

from random import Random
from typing import Any

import yaml

from manifests.sdl import Compiled, compile_sdl

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
    units = random.choice((1, 1, 1, 2, 2, 3))
    services = [f"s{n}" for n in range(units)]
    sdl: dict[str, Any] = {
        "version": "2.0",
        "services": {name: {"image": "web:1", "expose": [{"port": 80, "to": [{"global": True}]}]} for name in services},
        "profiles": {"compute": {}, "placement": {"here": {"pricing": {}}}},
        "deployment": {},
    }
    for name in services:
        resources = _resources(random)
        sdl["profiles"]["compute"][name] = {"resources": resources}
        sdl["profiles"]["placement"]["here"]["pricing"][name] = {"denom": "uact", "amount": 100000}
        # Replicas with volumes come up one after the other, which takes its time.
        counts = (1, 2) if "data" in str(resources["storage"]) else (1, 1, 2, 3, 5)
        sdl["deployment"][name] = {"here": {"profile": name, "count": random.choice(counts)}}
        sdl["services"][name] |= _mounts(resources)
    return compile_sdl(yaml.safe_dump(sdl))


def _resources(random: Random) -> dict[str, Any]:
    cores = random.choice((0.1, 0.5, 1, 2, 4, 7, 12))
    storage: list[dict[str, Any]] = [{"size": f"{random.choice((1, 5, 20, 60))}Gi"}]
    match random.randrange(8):
        case 0:
            kind = random.choice(("beta2", "beta3"))
            storage.append({"name": "data", "size": "5Gi", "attributes": {"persistent": True, "class": kind}})
        case 1:
            storage.append({"name": "shm", "size": "1Gi", "attributes": {"persistent": False, "class": "ram"}})
    out: dict[str, Any] = {
        "cpu": {"units": cores},
        "memory": {"size": f"{random.choice((128, 512, 1024, 4096, 12000, 30000))}Mi"},
        "storage": storage,
    }
    if random.random() < 0.4:
        out["gpu"] = {
            "units": random.choice((1, 1, 2, 4)),
            "attributes": {"vendor": {"nvidia": random.choice(MODELS)}},
        }
    return out


def _mounts(resources: dict[str, Any]) -> dict[str, Any]:
    named = [volume["name"] for volume in resources.get("storage", ()) if "name" in volume]
    return {"params": {"storage": {name: {"mount": f"/{name}"} for name in named}}} if named else {}
