"""One case: what the reference was given and made, and what we render for the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifests.digest import revision
from manifests.gpus import GpuModel, wish
from manifests.ids import LeaseID
from manifests.manifest import Manifest, ManifestGroup
from manifests.render import render
from manifests.render.crd import manifest_object
from manifests.render.site import Plan, ServicePlan, Site
from manifests.wire import parse_manifest
from provider.cluster.site import site_of
from provider.settings import ClusterSettings

Object = dict[str, Any]
Key = tuple[str, str]
"""Kind and name: each once in a case."""

DEFAULT: dict[str, Any] = {
    "ingress_domain": "ingress.example.test",
    "public_hostname": "provider.example.test",
    "api_servers": ("10.244.0.1:17443",),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "default": DEFAULT,
    "gateway-overcommit": {
        **DEFAULT,
        "ingress_mode": "gateway-api",
        "network_policies": False,
        "overcommit_cpu_percent": 100,
        "overcommit_memory_percent": 150,
        "overcommit_storage_percent": 50,
        "image_pull_secret": "global-pull",
    },
}
"""The recordings' settings (README.md there) as an operator would write them here."""

WRITES = ("create", "update", "patch")


class NotACase(Exception):
    """The folder is no case; says what is missing or not understood."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    site: Site
    leases: tuple[tuple[LeaseID, ManifestGroup, Plan], ...]
    objects: dict[Key, Object]
    """as read back"""
    sent: dict[Key, Object]
    """as last written"""

    def rendered(self) -> Iterator[Object]:
        """What we would apply, the Manifest included."""
        for lease, group, plan in self.leases:
            yield manifest_object(lease, group, plan, self.site)
            yield from render(lease, group, plan, self.site, revision(group))


def read_case(home: Path) -> Case:
    try:
        manifest = parse_manifest((home / "manifest.json").read_bytes())
        about = json.loads((home / "lease.json").read_text())
        objects = json.loads((home / "objects.json").read_text())
        requests = json.loads((home / "requests.json").read_text())
        settings = SETTINGS[about.get("settings", "default")]
        cards = _cards(about)
        leases = tuple(_lease(ids, manifest, cards) for ids in about["ids"])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as bad:
        raise NotACase(f"{home} is not a case: {type(bad).__name__}: {bad}") from bad
    sent = {_key(r["body"]): r["body"] for r in requests if r["verb"] in WRITES and r["code"] < 300}
    site = site_of(ClusterSettings(**settings))
    return Case(home.name, site, leases, {_key(o): o for o in objects}, sent)


def _key(obj: Object) -> Key:
    return obj["kind"], obj["metadata"]["name"]


def _lease(
    ids: dict[str, Any], manifest: Manifest, cards: dict[tuple[int, int], GpuModel]
) -> tuple[LeaseID, ManifestGroup, Plan]:
    lease = LeaseID(ids["owner"], int(ids["dseq"]), ids["gseq"], ids["oseq"], ids["provider"])
    group = manifest[lease.gseq - 1]
    plan = {}
    for service in group.services:
        card = cards.get((lease.gseq, service.resources.id)) if service.resources.gpu.units else None
        runtime = "nvidia" if card is not None and card.vendor == "nvidia" else ""
        plan[service.name] = ServicePlan(runtime, card)
    return lease, group, plan


def _cards(about: dict[str, Any]) -> dict[tuple[int, int], GpuModel]:
    """The card that a bid has promised, by group and resource id: what the winning bid of ours would be kept to."""
    out = {}
    for bid in about["bids"]:
        for offer in bid["resources_offer"]:
            for attribute in offer["resources"]["gpu"]["attributes"]:
                asked = wish(attribute["key"])
                card = GpuModel(asked.vendor, asked.model, asked.memory, asked.interface)
                out[bid["id"]["gseq"], offer["resources"]["id"]] = card
    return out
