"""What a service lacks, told apart by who can mend it: its tenant, the provider, or nobody yet. Pure.

Kubernetes' words are for people who look; a lease may be closed over what is read here, so a word that could mean two
things is read as the one that closes nothing. An image that is not there is the tenant's matter, a registry that does
not answer may be ours; a command that is not in the image is the tenant's, a container that could not be started for
another reason is ours; a pod on a node that is not heard of is ours, whatever it said before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from provider.cluster.health.pulls import Keys, Lacks, lacks
from provider.errors import Blame


class Whose(StrEnum):
    """Who can mend it; NOBODY when nothing is wrong, or it is too early to say, or it cannot be told."""

    NOBODY = ""
    TENANT = "tenant"
    PROVIDER = "provider"


class Cause(StrEnum):
    """The words of metrics and `akp leases`; docs/leases.md explains each."""

    NONE = ""
    STARTING = "starting"
    UNKNOWN = "unknown"
    REGISTRY = "registry"
    """or the way to it: ours, the tenant's or the registry's matter (pulls.py)"""

    IMAGE_PULL = "image-pull"
    BAD_COMMAND = "bad-command"
    CRASH_LOOP = "crash-loop"
    OUT_OF_MEMORY = "out-of-memory"
    COMPLETED = "completed"
    OVER_LIMIT = "over-limit"
    """of its ephemeral storage"""
    REFUSED = "refused"
    """the manifest itself, by the API server or by us, for what its tenant wrote"""

    UNSCHEDULABLE = "unschedulable"
    STORAGE = "storage"
    NODE_LOST = "node-lost"
    NODE_PRESSURE = "node-pressure"
    ADMISSION = "admission"
    """a quota, a webhook, a policy of the cluster, a node's own check, or settings that no longer fit"""
    RUNTIME = "runtime"
    """the node could not start a container, or make a sandbox for it"""

    @property
    def whose(self) -> Whose:
        return Whose.TENANT if self in TENANTS else Whose.PROVIDER if self in PROVIDERS else Whose.NOBODY


TENANTS = frozenset(
    {
        Cause.IMAGE_PULL,
        Cause.BAD_COMMAND,
        Cause.CRASH_LOOP,
        Cause.OUT_OF_MEMORY,
        Cause.COMPLETED,
        Cause.OVER_LIMIT,
        Cause.REFUSED,
    }
)
PROVIDERS = frozenset(
    {
        Cause.UNSCHEDULABLE,
        Cause.STORAGE,
        Cause.NODE_LOST,
        Cause.NODE_PRESSURE,
        Cause.ADMISSION,
        Cause.RUNTIME,
    }
)

_PULL = {"ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "RegistryUnavailable"}
_PULLS: Mapping[Lacks, Cause] = {
    "image": Cause.IMAGE_PULL,
    "registry": Cause.REGISTRY,
    "node": Cause.NODE_PRESSURE,
    "unsaid": Cause.STARTING,
}
_RUN = {"RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun", "CreateContainerConfigError"}
_NODES_OWN = {"UnexpectedAdmissionError", "TopologyAffinityError", "NodeAffinity", "SysctlForbidden", "AppArmor"}
_LOST = {"NodeLost", "NodeShutdown", "Shutdown", "Terminated", "ContainerStatusUnknown", "DeletionByTaintManager"}

_NOT_IN_IMAGE = (
    "executable file not found",
    "no such file or directory",
    "exec format error",
    "permission denied",
    "is a directory",
    "not a directory",
    "no command specified",
)
_OF_DEVICES = ("nvidia", "hook", "device", "cdi", "cgroup", "mount")
"""Of such trouble a missing file is not one of the tenant's image."""
_OF_STORAGE = ("persistentvolume", "persistent volume", "volume node affinity", "unbound immediate", "storageclass")
_OF_NODES = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "no nodes available")


def cause(reason: str, detail: str = "", died: str = "", exit_code: int | None = None, keys: Keys = "none") -> Cause:
    """Of a pod that is not ready, going by what its status says (trouble.py) and whose credentials it pulls with."""
    said = detail.lower()
    if reason == "InvalidImageName":
        return Cause.IMAGE_PULL
    if reason in _PULL:
        return Cause.REGISTRY if reason == "RegistryUnavailable" else _PULLS[lacks(detail, keys)]
    if reason == "CrashLoopBackOff":
        return _ended(died, exit_code, said)
    if reason in _RUN:
        return _not_started(said)
    if reason in ("OOMKilled", "Error", "Completed"):
        return _ended(reason, exit_code, said)
    if reason == "Evicted":
        return Cause.NODE_PRESSURE if said.startswith("the node ") else Cause.OVER_LIMIT
    if reason in ("Unschedulable", "SchedulingGated", "SchedulerError"):
        return _unplaced(said)
    if reason in _LOST:
        return Cause.NODE_LOST
    if reason in _NODES_OWN or reason.startswith("OutOf"):
        return Cause.ADMISSION
    return Cause.UNKNOWN if reason else Cause.STARTING


def refusal(blame: Blame) -> Cause:
    """Of a "no" to what was rendered, the API server's or ours."""
    return Cause.REFUSED if blame is Blame.TENANT else Cause.ADMISSION


def _ended(died: str, exit_code: int | None, said: str) -> Cause:
    """126 and 127 are a shell's words for a command it cannot run and one it cannot find."""
    if died == "OOMKilled":
        return Cause.OUT_OF_MEMORY
    if died in _RUN:
        return _not_started(said)
    if died in _LOST:
        return Cause.NODE_LOST
    if died == "Completed" or exit_code == 0:
        return Cause.COMPLETED
    return Cause.BAD_COMMAND if exit_code in (126, 127) else Cause.CRASH_LOOP


def _not_started(said: str) -> Cause:
    tenants = (_any(_NOT_IN_IMAGE, said) and "exec" in said) or "no command specified" in said
    return Cause.BAD_COMMAND if tenants and not _any(_OF_DEVICES, said) else Cause.RUNTIME


def _unplaced(said: str) -> Cause:
    if _any(_OF_NODES, said):
        return Cause.NODE_LOST
    return Cause.STORAGE if _any(_OF_STORAGE, said) else Cause.UNSCHEDULABLE


def _any(words: Iterable[str], said: str) -> bool:
    return any(word in said for word in words)
