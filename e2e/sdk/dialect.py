"""What the TypeScript SDK makes of an SDL file in other ways than the Go one: one function per difference, which takes
it out of both manifests and leaves everything else as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Pair = tuple[dict[str, Any], dict[str, Any]]
"""One service of the manifest as Go has it, and as TypeScript has it."""


def volume_order(pair: Pair) -> None:
    for service in pair:
        service["resources"]["storage"].sort(key=lambda v: v["name"])


def gpu_order(pair: Pair) -> None:
    for service in pair:
        service["resources"]["gpu"].get("attributes", []).sort(key=lambda a: a["key"])


def endpoint_order(pair: Pair) -> None:
    for service in pair:
        service["resources"]["endpoints"].sort(key=lambda e: (e["sequence_number"], e.get("kind", 0)))


def expose_order(pair: Pair) -> None:
    for service in pair:
        service["expose"].sort(key=lambda e: json.dumps(e, sort_keys=True))


def expose_without_receiver(pair: Pair) -> None:
    for service in pair:
        service["expose"] = [e for e in service["expose"] if e["global"] or e["service"]]


def shared_units(pair: Pair) -> None:
    for service in pair:
        service["resources"]["id"] = 0


def address_numbers(pair: Pair) -> None:
    for service in pair:
        for expose in service["expose"]:
            expose["endpointSequenceNumber"] = 0
        for endpoint in service["resources"]["endpoints"]:
            endpoint["sequence_number"] = 0


def credentials(pair: Pair) -> None:
    for service in pair:
        for key, text in (service["credentials"] or {}).items():
            service["credentials"][key] = "" if key == "email" else text.strip()


def zeros(pair: Pair) -> None:
    """0 stands for these defaults, an empty list for these cases."""
    default = {"maxBodySize": 1048576, "readTimeout": 60000, "sendTimeout": 60000, "nextTries": 3}
    for expose in pair[1]["expose"]:
        options = expose["httpOptions"]
        for name, value in default.items():
            options[name] = options[name] or value
        options["nextCases"] = options.get("nextCases") or ["error", "timeout"]


def empty_lists(pair: Pair) -> None:
    for service in pair:
        for name in ("command", "args", "env"):
            service[name] = service[name] or None
        for expose in service["expose"]:
            expose["hosts"] = expose["hosts"] or None


def no_mounts(pair: Pair) -> None:
    for service in pair:
        if "params" in service:
            service["params"]["storage"] = service["params"]["storage"] or None


def no_permissions(pair: Pair) -> None:
    for service in pair:
        read = service.get("params", {}).get("permissions", {})
        if read.get("read") == []:
            del read["read"]


def sizes_rounded_up(pair: Pair) -> None:
    go, ts = pair
    for ours, theirs in zip(_sizes(go), _sizes(ts), strict=True):
        if int(theirs["val"]) == int(ours["val"]) + 1:
            theirs["val"] = ours["val"]


def cpu_not_cut(pair: Pair) -> None:
    go, ts = pair
    theirs = ts["resources"]["cpu"]["units"]
    if str(int(float(theirs["val"]))) == go["resources"]["cpu"]["units"]["val"]:
        theirs["val"] = go["resources"]["cpu"]["units"]["val"]


def gpu_memory_as_written(pair: Pair) -> None:
    factor = {"Mi": 1 / 1024, "Gi": 1}
    for attribute in pair[1]["resources"]["gpu"].get("attributes", []):
        attribute["key"] = re.sub(
            r"/ram/([0-9.]+)(Mi|Gi)", lambda m: f"/ram/{int(float(m[1]) * factor[m[2]])}Gi", attribute["key"]
        )


def gpu_without_model(pair: Pair) -> None:
    for attribute in pair[1]["resources"]["gpu"].get("attributes", []):
        attribute["key"] = attribute["key"].replace("/model/undefined", "/model/")


def any_gpu_as_empty_list(pair: Pair) -> None:
    go, ts = (service["resources"]["gpu"] for service in pair)
    if "attributes" not in ts and [a["key"] for a in go.get("attributes", [])] == ["vendor/nvidia/model/*"]:
        ts["attributes"] = go["attributes"]


def persistence_unsaid(pair: Pair) -> None:
    for service in pair:
        for volume in service["resources"]["storage"]:
            for attribute in volume.get("attributes", []):
                attribute["value"] = {"no": "false"}.get(attribute["value"], attribute["value"])
            if volume.get("attributes") == [{"key": "persistent", "value": "false"}]:
                del volume["attributes"]


def name_of_a_single_volume(pair: Pair) -> None:
    go, ts = (service["resources"]["storage"] for service in pair)
    if len(go) == len(ts) == 1 and go[0]["name"] == "default":
        ts[0]["name"] = "default"


def _sizes(service: dict[str, Any]) -> Iterator[dict[str, str]]:
    yield service["resources"]["memory"]["size"]
    yield from (volume["size"] for volume in service["resources"]["storage"])


ORDERS = (volume_order, gpu_order, endpoint_order, expose_order)
"""Those that sort, and therefore come after those that change what is sorted."""
