"""Whether somebody says that a node's GPUs are sick. Pure.

Single sick devices need no word: the device plugin takes them out of what the node offers. Here the node as a whole is
judged, by the operator's mark (label or annotation `akash.network/gpu=sick`) or by the conditions that node problem
detectors set. Their names are many ("GpuUnhealthy", "AMDGPUUnhealthy", "XIDErrors", "AcceleratedHardwareReady"), so the
rule is what such names have in common. Nothing is remembered: with the mark or the condition gone, they are sold again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MARK, SICK = "akash.network/gpu", "sick"

_OF_GPUS = re.compile(r"gpu|xid|nvlink|nvidia|acceleratedhardware|amdgpu", re.IGNORECASE)
_GOOD_NEWS = re.compile(r"(?<!un)(healthy|ready)$", re.IGNORECASE)
_BAD_NEWS = re.compile(
    r"unhealthy|missing|error|fail|fault|lost|xid|problem|inactive|watch|degraded|sick|flapping", re.IGNORECASE
)


def sickness(labels: Mapping[str, str], annotations: Mapping[str, str], conditions: Iterable[Mapping[str, str]]) -> str:
    """Why the node's GPUs are not to be sold; "" when nobody says so."""
    if SICK in (labels.get(MARK), annotations.get(MARK)):
        return f"marked {MARK}={SICK}"
    for condition in conditions:
        kind, status = condition.get("type", ""), condition.get("status")
        if not _OF_GPUS.search(kind):
            continue
        bad_when = "False" if _GOOD_NEWS.search(kind) else "True" if _BAD_NEWS.search(kind) else None
        if status == bad_when:
            more = condition.get("message") or condition.get("reason") or ""
            return f"condition {kind} is {status}" + (f": {more}" if more else "")
    return ""
