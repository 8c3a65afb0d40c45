"""The RuntimeClasses that pods of leases are started with, and what each adds to what a pod asks of its node.

A pod whose RuntimeClass the cluster does not have is refused for ever, and one whose class is for other nodes waits for
ever, so nothing that needs them may be promised. The subtle part is whom it concerns: NVIDIA's is that of pods with
NVIDIA cards only, the sandbox is that of pods without any; cards of other vendors are started by the cluster's own
runtime (manifests/render/workload.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bidengine.reasons import Decline, Reason
from manifests.gpus import GpuModel

VENDOR = "nvidia"


@dataclass(frozen=True, slots=True)
class Overhead:
    """What a pod takes of its node besides what its containers ask."""

    cpu_milli: int = 0
    memory_bytes: int = 0
    ephemeral_bytes: int = 0


NO_OVERHEAD = Overhead()


@dataclass(frozen=True, slots=True)
class Runtimes:
    """`nvidia` and `sandbox` are names, "" for the cluster's own runtime. `known` are those the cluster has; None while
    nobody has looked, and nothing is lacking then. `nowhere` is why no node takes pods of `sandbox`, "" when some does;
    `withheld` are cards that no pod can have where they are, each with the reason."""

    nvidia: str = "nvidia"
    sandbox: str = ""
    known: Mapping[str, Overhead] | None = None
    nowhere: str = ""
    withheld: Mapping[GpuModel, str] = field(default_factory=dict)

    def of(self, *, gpus: int, vendor: str) -> str:
        """The class of pods with so many cards of this vendor."""
        if gpus:
            return self.nvidia if vendor == VENDOR else ""
        return self.sandbox

    def lacks(self, name: str) -> bool:
        return bool(name) and self.known is not None and name not in self.known

    def overhead(self, name: str) -> Overhead:
        return (self.known or {}).get(name, NO_OVERHEAD)

    def why_not(self, name: str) -> str:
        """In words, with the cure, why nothing that needs a class the cluster lacks is promised."""
        if name == self.sandbox == self.nvidia:
            return (
                f"the cluster has no RuntimeClass {name!r}, which pods without GPUs and those with NVIDIA cards are"
                f" started with: create it, or change cluster.isolation.runtime_class and cluster.gpu_runtime_class"
            )
        if name == self.sandbox:
            return (
                f"the cluster has no RuntimeClass {name!r}, which pods without GPUs are started with: create it, or"
                f" change cluster.isolation.runtime_class"
            )
        return (
            f"the cluster has no RuntimeClass {name!r}, which pods with NVIDIA cards are started with: create it"
            f" (NVIDIA's GPU operator does), or change cluster.gpu_runtime_class, empty where NVIDIA's runtime is the"
            f" nodes' default"
        )

    def decline(self, name: str) -> Decline:
        return Decline(Reason.NO_RUNTIME_CLASS, self.why_not(name), final=False)


UNSEEN = Runtimes()
"""Before anybody has looked."""
