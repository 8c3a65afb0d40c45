"""Statuses as kubelets, containerd and kube-scheduler write them, and who can mend what they tell."""

from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.health.causes import PROVIDERS, TENANTS, Cause, Whose, cause, refusal
from provider.cluster.inventory.pods import pod_facts
from provider.errors import Blame

RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: "
)


def waiting(reason: str, message: str = "", last: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "phase": "Running",
        "containerStatuses": [
            {
                "name": "web",
                "state": {"waiting": {"reason": reason, "message": message}},
                "lastState": {"terminated": last} if last is not None else {},
            }
        ],
    }


def crashing(reason: str, exit_code: int, message: str = "") -> dict[str, Any]:
    text = "back-off 5m0s restarting failed container=web pod=web-0_ns(uid)"
    more = {"message": message} if message else {}
    return waiting("CrashLoopBackOff", text, {"reason": reason, "exitCode": exit_code, **more})


def pending(message: str) -> dict[str, Any]:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [told]}


def failed(reason: str, message: str = "") -> dict[str, Any]:
    return {"phase": "Failed", "reason": reason, "message": message}


TABLE = {
    # The tenant's.
    "no such image": (
        waiting(
            "ErrImagePull",
            'failed to pull and unpack image "docker.io/library/nosuch:1": failed to resolve reference '
            '"docker.io/library/nosuch:1": pull access denied, repository does not exist or may require authorization: '
            "server message: insufficient_scope: authorization failed",
        ),
        Cause.IMAGE_PULL,
    ),
    "no such tag": (waiting("ErrImagePull", "docker.io/library/nginx:nosuch: not found"), Cause.IMAGE_PULL),
    "a name that is none": (waiting("InvalidImageName", 'couldn\'t parse image name "A B"'), Cause.IMAGE_PULL),
    "a program that ends in error": (crashing("Error", 1), Cause.CRASH_LOOP),
    "a program that was killed": (crashing("Error", 137), Cause.CRASH_LOOP),
    "a program that ended in error just now": (
        {"phase": "Running", "containerStatuses": [{"state": {"terminated": {"reason": "Error", "exitCode": 3}}}]},
        Cause.CRASH_LOOP,
    ),
    "more memory than it asked for": (crashing("OOMKilled", 137), Cause.OUT_OF_MEMORY),
    "more memory, just now": (
        {
            "phase": "Running",
            "containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}],
        },
        Cause.OUT_OF_MEMORY,
    ),
    "a program that was done": (crashing("Completed", 0), Cause.COMPLETED),
    "a program that is done just now": (
        {"phase": "Running", "containerStatuses": [{"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}]},
        Cause.COMPLETED,
    ),
    "a command that is not in the image": (
        crashing("StartError", 128, RUNC + 'exec: "nosuch": executable file not found in $PATH: unknown'),
        Cause.BAD_COMMAND,
    ),
    "the same, before the first back-off": (
        waiting("RunContainerError", RUNC + 'error during container init: exec: "/app": permission denied'),
        Cause.BAD_COMMAND,
    ),
    "an image for another processor": (
        crashing("StartError", 128, RUNC + "error during container init: exec /app: exec format error"),
        Cause.BAD_COMMAND,
    ),
    "a shell that does not find the command": (crashing("Error", 127), Cause.BAD_COMMAND),
    "an image without a command": (waiting("CreateContainerError", "no command specified"), Cause.BAD_COMMAND),
    "more disk than it asked for": (
        failed("Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 512Mi. "),
        Cause.OVER_LIMIT,
    ),
    # The provider's.
    "no room": (
        pending("0/3 nodes are available: 1 node(s) had untolerated taint {x: y}, 2 Insufficient cpu."),
        Cause.UNSCHEDULABLE,
    ),
    "a volume that is elsewhere": (
        pending("0/3 nodes are available: 1 Insufficient memory, 2 node(s) had volume node affinity conflict."),
        Cause.STORAGE,
    ),
    "a volume nobody makes": (pending("pod has unbound immediate PersistentVolumeClaims."), Cause.STORAGE),
    "the only node is not ready": (
        pending("0/1 nodes are available: 1 node(s) had untolerated taint(s) {node.kubernetes.io/not-ready: }."),
        Cause.NODE_LOST,
    ),
    "a node that was shut down": (
        failed("Terminated", "Pod was terminated in response to imminent node shutdown."),
        Cause.NODE_LOST,
    ),
    "a node that forgot its containers": (crashing("ContainerStatusUnknown", 137), Cause.NODE_LOST),
    "a node that ran out of disk": (
        failed(
            "Evicted",
            "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 2Mi. Container web "
            "was using 9Gi, request is 1Gi, has larger consumption of ephemeral-storage. ",
        ),
        Cause.NODE_PRESSURE,
    ),
    "a full disk under the images": (
        waiting("ErrImagePull", "failed to extract layer: write /var/lib/x: no space left on device"),
        Cause.NODE_PRESSURE,
    ),
    "a device that the node lost (support#209)": (
        failed("UnexpectedAdmissionError", "Pod was rejected: Allocate failed due to no healthy devices present"),
        Cause.ADMISSION,
    ),
    "a node that is fuller than it was thought": (
        failed("OutOfcpu", "Node didn't have enough resource: cpu"),
        Cause.ADMISSION,
    ),
    "a driver that does not load": (
        crashing("StartError", 128, RUNC + "error running prestart hook #0: nvidia-container-cli: driver not loaded"),
        Cause.RUNTIME,
    ),
    "a driver's program that is missing": (
        crashing("StartError", 128, RUNC + 'error running hook: exec: "nvidia-ctk": executable file not found'),
        Cause.RUNTIME,
    ),
    "a name the runtime has not let go of": (
        waiting("CreateContainerError", 'failed to reserve container name "web_0": name is reserved for "1f"'),
        Cause.RUNTIME,
    ),
    # Nobody's, or it cannot be told.
    "a registry that does not answer": (
        waiting("ErrImagePull", 'failed to do request: Head "https://r.example/v2/": dial tcp: i/o timeout'),
        Cause.REGISTRY,
    ),
    "a registry that is not found": (
        waiting("ErrImagePull", "dial tcp: lookup r.example on 10.0.0.10:53: no such host"),
        Cause.REGISTRY,
    ),
    "a registry that has had enough of us": (
        waiting("ErrImagePull", "429 Too Many Requests - Server message: toomanyrequests: You have reached your limit"),
        Cause.REGISTRY,
    ),
    "the pause keeps the reason": (
        waiting("ImagePullBackOff", 'Back-off pulling image "r.example/a": ErrImagePull: dial tcp: connection refused'),
        Cause.REGISTRY,
    ),
    "between two pulls, not saying why": (
        waiting("ImagePullBackOff", 'Back-off pulling image "nosuch:1"'),
        Cause.STARTING,
    ),
    "its image is being pulled": (waiting("ContainerCreating"), Cause.STARTING),
    "nothing is said": ({"phase": "Pending"}, Cause.STARTING),
    "a word nobody knows": (waiting("PostStartHookError"), Cause.UNKNOWN),
}


@pytest.mark.parametrize(("status", "wanted"), TABLE.values(), ids=TABLE.keys())
def test_whose_it_is(status: dict[str, Any], wanted: Cause) -> None:
    pod = pod_facts({"metadata": {"name": "web-0"}, "status": status})
    assert cause(pod.trouble, pod.detail, pod.died, pod.exit_code) is wanted


def test_every_cause_is_somebodys_or_nobodys() -> None:
    assert not TENANTS & PROVIDERS
    assert {c for c in Cause if c.whose is Whose.NOBODY} == {
        Cause.NONE,
        Cause.STARTING,
        Cause.UNKNOWN,
        Cause.REGISTRY,
    }


@pytest.mark.parametrize("blame", Blame)
def test_a_no_to_the_manifest_is_its_tenants_only_where_that_is_known(blame: Blame) -> None:
    assert refusal(blame) is (Cause.REFUSED if blame is Blame.TENANT else Cause.ADMISSION)
