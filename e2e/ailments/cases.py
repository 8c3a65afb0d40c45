"""Each kind of trouble as the pod that has it, and the word that shows it has come.

Most are a Deployment of one pod, as tenants' services are. What a scheduler would never do is a pod alone, put on the
node by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.cluster.images import WEB
from e2e.cluster.node import NAME

PORT = 5000
REGISTRY = f"127.0.0.1:{PORT}"
"""Inside the node."""
EAT = ["busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=128M", "count=1"]
"""Needs 128 MiB at once."""
FILL = "busybox dd if=/dev/zero of={}/fill bs=1M count=24; exec sleep 3600"


@dataclass(frozen=True, slots=True)
class Case:
    """`shows` is a word of the pod's status (a reason, or its phase); "" where Kubernetes says nothing, ever. A pod
    that is `deleted` is held by a finalizer, so that its end can be seen."""

    spec: Mapping[str, Any]
    shows: str
    alone: bool = False
    deleted: bool = False


def _pod(
    command: list[str] | None = None, image: str = WEB, more: Mapping[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    container = {"name": "web", "image": image, "imagePullPolicy": "IfNotPresent", **(more or {})}
    if command is not None:
        container["command"] = command
    return {"terminationGracePeriodSeconds": 2, "containers": [container], **spec}


def _limits(**limits: str) -> dict[str, Any]:
    return {"resources": {"limits": limits, "requests": limits}}


def _mount(path: str, **volume: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "data", **volume}], "more": {"volumeMounts": [{"name": "data", "mountPath": path}]}}


def _shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def _pull(image: str) -> Case:
    return Case(_pod(image=image), "ImagePullBackOff")


CASES = {
    # Images.
    "no-such-tag": _pull(f"{REGISTRY}/web:nosuch"),
    "image-denied": _pull(f"{REGISTRY}/denied/web:1"),
    "image-of-another-processor": _pull(f"{REGISTRY}/foreign/web:1"),
    "registry-busy": _pull(f"{REGISTRY}/busy/web:1"),
    "registry-broken": _pull(f"{REGISTRY}/broken/web:1"),
    "registry-not-found": _pull("registry.invalid/web:1"),
    "registry-closed": _pull("127.0.0.1:5001/web:1"),
    "image-name-invalid": Case(_pod(image="A B"), "InvalidImageName"),
    # Programs.
    "crash-loop": Case(_pod(_shell("exit 3")), "CrashLoopBackOff"),
    "completed": Case(_pod(_shell("exit 0")), "CrashLoopBackOff"),
    "out-of-memory": Case(_pod(EAT, more=_limits(memory="32Mi")), "CrashLoopBackOff"),
    "out-of-memory-of-a-child": Case(
        _pod(_shell(f"{' '.join(EAT)}; exit 1"), more=_limits(memory="32Mi")), "CrashLoopBackOff"
    ),
    "command-not-in-image": Case(_pod(["nosuch"]), "CrashLoopBackOff"),
    "command-by-path-not-in-image": Case(_pod(["/bin/nosuch"]), "CrashLoopBackOff"),
    "command-is-a-folder": Case(_pod(["/www"]), "CrashLoopBackOff"),
    "command-is-no-program": Case(_pod(["/www/index.html"]), "CrashLoopBackOff"),
    "command-not-found-by-the-shell": Case(_pod(_shell("nosuch")), "CrashLoopBackOff"),
    "folder-not-to-be-made": Case(_pod(more={"workingDir": "/bin/sh/none"}), "CrashLoopBackOff"),
    "ended-by-a-signal": Case(_pod(_shell("sh -c 'kill -SEGV $$$$'; exit $?")), "CrashLoopBackOff"),
    "init-container-fails": Case(
        _pod(initContainers=[{"name": "first", "image": WEB, "command": _shell("exit 4")}]), "CrashLoopBackOff"
    ),
    "told-to-end": Case(_pod(_shell("trap 'exit 143' TERM; while :; do sleep 1; done")), "143", deleted=True),
    "will-not-end": Case(_pod(_shell("trap '' TERM; while :; do sleep 1; done")), "137", deleted=True),
    # Volumes and settings.
    "mount-over-a-file": Case(_pod(**_mount("/bin/busybox", emptyDir={})), "CrashLoopBackOff"),
    "mount-of-what-is-not-there": Case(_pod(**_mount("/data", secret={"secretName": "nosuch"})), ""),
    "mount-of-a-folder-that-is-none": Case(
        _pod(**_mount("/data", hostPath={"path": "/etc/passwd", "type": "Directory"})), ""
    ),
    "setting-of-what-is-not-there": Case(
        _pod(more={"envFrom": [{"secretRef": {"name": "nosuch"}}]}), "CreateContainerConfigError"
    ),
    "may-not-be-root": Case(_pod(securityContext={"runAsNonRoot": True}), "CreateContainerConfigError"),
    "over-its-disk": Case(_pod(_shell(FILL.format("/tmp")), more=_limits(**{"ephemeral-storage": "4Mi"})), "Evicted"),
    "over-its-volume": Case(
        _pod(_shell(FILL.format("/data")), **_mount("/data", emptyDir={"sizeLimit": "4Mi"})), "Evicted"
    ),
    # Room.
    "no-room": Case(_pod(more=_limits(cpu="1000")), "Unschedulable"),
    "no-such-node": Case(_pod(nodeSelector={"kind": "none"}), "Unschedulable"),
    "volume-not-made": Case(_pod(**_mount("/data", persistentVolumeClaim={"claimName": "nosuch"})), "Unschedulable"),
    "no-such-runtime-handler": Case(_pod(runtimeClassName="nosuch"), ""),
    "node-is-full": Case(_pod(more=_limits(cpu="1000"), nodeName=NAME), "Failed", alone=True),
    "node-is-another": Case(_pod(nodeSelector={"kind": "none"}, nodeName=NAME), "Failed", alone=True),
}
