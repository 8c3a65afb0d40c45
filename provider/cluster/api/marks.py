"""What a hand could have changed of a deployed object, as one number that stays the same while nobody has. Pure.

Of some kinds the API server counts the changes of the spec itself (metadata.generation). Of the others this is a digest
of what rendering says of them: of Deployments it counts each change of an annotation as well. What controllers add of
their own, a project's label or an account's Secrets, is left out: each lease would be deployed once more for it. So is
the note by which pods were replaced, which applying does not take back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from provider.cluster.api.kinds import (
    DEPLOYMENT,
    NAMESPACE,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Kind,
)

ABSENT = -1
"""Never a mark: for what is not there."""
RESTARTED = "akash.network/restarted-at"
"""Annotation of a pod template, with which the daemon has pods replaced (restart.py)."""

RESTARTS = frozenset({RESTARTED, "kubectl.kubernetes.io/restartedAt"})
"""The latter is an operator's `kubectl rollout restart`."""

_FIELDS: dict[Kind, tuple[str, ...]] = {
    SECRET: ("type", "data"),
    SERVICE_ACCOUNT: ("automountServiceAccountToken",),
    ROLE: ("rules",),
    ROLE_BINDING: ("roleRef", "subjects"),
}
_OF_SERVICE = (
    "type", "selector", "ports", "externalIPs", "externalName", "sessionAffinity", "publishNotReadyAddresses",
    "externalTrafficPolicy", "internalTrafficPolicy",
)  # fmt: skip
_LABELS = ("akash.network", "pod-security.kubernetes.io/")
"""Beginnings of the labels that rendering gives a namespace."""


def mark(kind: Kind, obj: Mapping[str, Any]) -> int:
    """0 or more."""
    if kind is NAMESPACE:
        labels = obj["metadata"].get("labels") or {}
        return _digest({key: value for key, value in labels.items() if key.startswith(_LABELS)})
    if kind is SERVICE:
        return _digest(_some(obj.get("spec") or {}, _OF_SERVICE))
    if kind in (DEPLOYMENT, STATEFUL_SET):
        return mark_of_workload(obj)
    if kind in _FIELDS:
        return _digest(_some(obj, _FIELDS[kind]))
    return int(obj["metadata"].get("generation") or 0)


def mark_of_rules(policy: Mapping[str, Any]) -> int:
    """Of what a NetworkPolicy says, live or as rendered: rendering leaves nothing to the API server's defaults."""
    return _digest(policy.get("spec") or {})


def mark_of_workload(obj: Mapping[str, Any]) -> int:
    """Of a Deployment or StatefulSet."""
    spec = obj.get("spec") or {}
    template = spec.get("template") or {}
    metadata = template.get("metadata") or {}
    notes = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in RESTARTS}
    return _digest({**spec, "template": {**template, "metadata": {**metadata, "annotations": notes}}})


def _some(of: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: of[field] for field in fields if of.get(field) is not None}


def _digest(part: Mapping[str, Any]) -> int:
    text = json.dumps(part, sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
