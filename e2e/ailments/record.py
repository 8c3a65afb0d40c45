"""Brings the trouble about, and keeps each status that differs from those seen before of the same pod."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from e2e.ailments import registry
from e2e.ailments.cases import CASES, PORT, Case
from e2e.cluster import Cluster
from e2e.cluster.processes import Processes
from manifests.render.names import SERVICE

Json = dict[str, Any]
PATIENCE_S = 240.0
SILENT_S = 60.0
"""Of trouble that is never told, what is not told after this is recorded."""
RUNTIME = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nosuch"}, "handler": "nosuch"}
OURS = frozenset(
    {"containerID", "imageID", "hostIP", "hostIPs", "podIP", "podIPs", "resources", "allocatedResources", "user"}
    | {"volumeMounts", "qosClass", "lastProbeTime"}
)
"""Keys that tell of this machine, or that nobody reads."""


def record(cluster: Cluster, names: list[str]) -> dict[str, Json]:
    """Name -> `{"versions": …, "pods": […]}`, the pods as they were one after the other."""
    processes = Processes(cluster.run)
    processes.start("registry", [*cluster.inside(), sys.executable, str(registry.__file__), str(PORT)])
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(RUNTIME))
    for name in names:
        whole = {"apiVersion": "v1", "kind": "List", "items": list(_objects(name, CASES[name]))}
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(whole))
    moments: dict[str, list[Json]] = {name: [] for name in names}
    _watch(cluster, moments)
    versions = {"kubernetes": json.loads(cluster.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]}
    versions["containerd"] = subprocess.run(
        ["containerd", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[2]
    return {name: {"versions": versions, "pods": found} for name, found in moments.items()}


def _objects(name: str, case: Case) -> Iterator[Json]:
    labels = {SERVICE: "web"}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    if case.alone or case.deleted:
        metadata: Json = {"name": "web", "namespace": name, "labels": labels}
        if case.deleted:
            metadata["finalizers"] = ["akash.network/e2e"]
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": case.spec}
        return
    template = {"metadata": {"labels": labels}, "spec": case.spec}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": name, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def _watch(cluster: Cluster, moments: Mapping[str, list[Json]]) -> None:
    began = time.monotonic()
    deleted: set[str] = set()
    while True:
        with cluster.api() as http:
            pods = http.get("/api/v1/pods").json()["items"]
        for pod in pods:
            name = pod["metadata"]["namespace"]
            if name not in moments:
                continue
            found = _trimmed(pod, cluster)
            if _words(found) not in [_words(each) for each in moments[name]]:
                moments[name].append(found)
            if CASES[name].deleted and name not in deleted and "running" in _words(found):
                cluster.kubectl("delete", "pod", "web", "-n", name, "--wait=false")
                deleted.add(name)
        waited = time.monotonic() - began
        missing = [name for name, found in moments.items() if not _shown(CASES[name], found, waited)]
        if not missing:
            return
        if waited > PATIENCE_S:
            print(f"not seen after {waited:.0f} s, recorded as it is: {', '.join(missing)}", file=sys.stderr)
            return
        time.sleep(0.3)


def _shown(case: Case, found: list[Json], waited_s: float) -> bool:
    return waited_s > SILENT_S if not case.shows else any(case.shows in _words(pod) for pod in found)


def _words(pod: Json) -> tuple[str, ...]:
    """What of a status tells one from another: phase, reasons, exit codes, in their order."""
    status = pod.get("status") or {}
    out = [status.get("phase", ""), status.get("reason", "")]
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(key) or ():
            for part in ("state", "lastState"):
                for word, said in (container.get(part) or {}).items():
                    out += [word, said.get("reason", ""), str(said.get("exitCode", ""))]
    out += [each.get("reason", "") for each in status.get("conditions") or () if each["status"] == "False"]
    return tuple(out)


def _trimmed(obj: Json, cluster: Cluster) -> Json:
    metadata, spec = obj["metadata"], obj["spec"]
    keep = ("name", "namespace", "labels", "creationTimestamp", "deletionTimestamp")
    text = json.dumps(
        {
            "metadata": {key: metadata[key] for key in keep if key in metadata},
            "spec": {key: spec[key] for key in ("nodeName",) if key in spec},
            "status": _without(obj.get("status") or {}),
        }
    )
    for word, instead in {str(cluster.run): "/run/node", **dict.fromkeys(_resolvers(), "192.0.2.53")}.items():
        text = text.replace(word, instead)
    out: Json = json.loads(text)
    return out


def _resolvers() -> list[str]:
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("nameserver ")]


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(each) for key, each in value.items() if key not in OURS}
    return [_without(each) for each in value] if isinstance(value, list) else value


def write(recordings: Mapping[str, Json], file: Path) -> None:
    """One case a line, by name; others in the file stay."""
    lines = file.read_text().splitlines() if file.exists() else []
    known = {recording["name"]: recording for recording in map(json.loads, lines)}
    known |= {name: {"name": name, **recording} for name, recording in recordings.items()}
    file.write_text("".join(json.dumps(known[name]) + "\n" for name in sorted(known)))
