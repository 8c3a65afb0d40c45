"""Why a pod is not ready, in Kubernetes' own words, read from its status. Pure.

A container that waits for its next start says only that it waits; why it ended before is in its last state, and that
tells more. So both are kept: what it is doing now, and what it died of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_COMING = frozenset({"", "PodInitializing", "ContainerCreating"})
"""Waiting for these is part of starting."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """`reason` is Kubernetes' word ("" when nothing is said), `detail` the sentence that goes with it. `died` is why
    its container last ended (OOMKilled, Error, Completed, StartError …), with its exit code."""

    reason: str = ""
    detail: str = ""
    died: str = ""
    exit_code: int | None = None


def trouble(status: Mapping[str, Any]) -> Trouble:
    """The most telling reason: of a pod that was ended as a whole (evicted, say; its containers only died of that),
    else of a container that waits or died, else of the scheduler. A pod whose volumes cannot be mounted has none; then
    the detail says how far it has come."""
    if status.get("phase") == "Failed" and status.get("reason"):
        return Trouble(status["reason"], status.get("message", ""))
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state = container.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if (waiting.get("reason") or "") not in _COMING:
            last = (container.get("lastState") or {}).get("terminated") or {}
            return _waits(waiting, last)
        if ended.get("exitCode"):
            reason = ended.get("reason") or "Error"
            return Trouble(reason, _ended(ended), reason, ended["exitCode"])
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated") or {}
        if ended and status.get("phase") == "Running":
            return Trouble("Completed", "exit code 0; it is started again", "Completed", 0)
    conditions = {c.get("type"): c for c in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return Trouble(scheduled.get("reason") or "Unschedulable", scheduled.get("message", ""))
    if status.get("phase") == "Failed":
        return Trouble("Failed", status.get("message", ""))
    if status.get("phase") == "Pending" and conditions.get("PodReadyToStartContainers", {}).get("status") == "False":
        return Trouble(detail="its volumes or its sandbox are not there yet, the pod's events tell more")
    return Trouble()


def _waits(waiting: Mapping[str, Any], last: Mapping[str, Any]) -> Trouble:
    died = last.get("reason") or ("Error" if "exitCode" in last else "")
    before = f"exit code {last['exitCode']} ({died})" if "exitCode" in last else ""
    said = (before, last.get("message", ""), waiting.get("message", ""))
    return Trouble(waiting["reason"], "; ".join(filter(None, said)), died, last.get("exitCode"))


def _ended(ended: Mapping[str, Any]) -> str:
    return "; ".join(filter(None, (f"exit code {ended['exitCode']}", ended.get("message", ""))))
