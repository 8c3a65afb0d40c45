"""Which nodes a RuntimeClass lets its pods on: its field `scheduling`. Pure.

Kubernetes merges it into each pod of the class: the node must carry the labels of `nodeSelector`, and the tolerations
come on top of the pod's own. A toleration that ends after a while is none to us: the pod would be evicted then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_HARD = ("NoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Toleration:
    """`key` "" is that of any taint, `effect` "" any effect; `value` None any value."""

    key: str
    value: str | None
    effect: str

    def tolerates(self, taint: Taint) -> bool:
        return (
            self.key in ("", taint.key)
            and self.effect in ("", taint.effect)
            and (self.value is None or self.value == taint.value)
        )


@dataclass(frozen=True, slots=True)
class Scheduling:
    selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Toleration, ...] = ()

    def why_not(self, name: str, labels: Mapping[str, str], taints: Iterable[Taint]) -> str:
        """What keeps pods of the class `name` off a node with these labels and taints; "" when nothing does."""
        for key, value in self.selector:
            if labels.get(key) != value:
                return f"RuntimeClass {name!r} is for nodes with the label {key}={value}"
        for taint in taints:
            if not any(toleration.tolerates(taint) for toleration in self.tolerations):
                return f"taint {taint.key}" + (f", which RuntimeClass {name!r} does not tolerate" if name else "")
        return ""


ANYWHERE = Scheduling()


def scheduling(obj: Mapping[str, Any]) -> Scheduling:
    """Of a RuntimeClass."""
    said = obj.get("scheduling") or {}
    tolerations = (_toleration(found) for found in said.get("tolerations") or ())
    return Scheduling(
        tuple(sorted((said.get("nodeSelector") or {}).items())), tuple(filter(None, tolerations))
    )  # fmt: skip


def hard_taints(spec: Mapping[str, Any]) -> tuple[Taint, ...]:
    """Those of a node that keep pods off."""
    found = (Taint(t.get("key", ""), t.get("value", ""), t.get("effect", "")) for t in spec.get("taints") or ())
    return tuple(taint for taint in found if taint.effect in _HARD)


def _toleration(said: Mapping[str, Any]) -> Toleration | None:
    """None for operators that compare numbers, which are not on in every cluster."""
    operator = said.get("operator") or "Equal"
    if operator not in ("Equal", "Exists") or said.get("tolerationSeconds") is not None:
        return None
    return Toleration(
        said.get("key") or "", None if operator == "Exists" else said.get("value") or "", said.get("effect") or ""
    )
