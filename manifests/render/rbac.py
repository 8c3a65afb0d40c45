"""A service that asked to read its own lease's logs or events: its ServiceAccount, and the Role that lets it.

The Role reaches the lease's namespace and no further. `deployment`, which the SDL accepts and the reference silently
grants nothing for (kubernetes.md §2.5), here lets a service see the lease's workloads.
"""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Service
from manifests.render import names

_LOOK = ["get", "list", "watch"]
_RULES: dict[str, list[dict[str, Any]]] = {
    "logs": [
        {"apiGroups": [""], "resources": ["pods"], "verbs": _LOOK},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": _LOOK},
    ],
    "events": [{"apiGroups": [""], "resources": ["events"], "verbs": _LOOK}],
    "deployment": [{"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": _LOOK}],
}


def may_read(service: Service) -> tuple[str, ...]:
    """What the service asked to read: `logs`, `events`, `deployment`; empty for nearly all."""
    permissions = service.params.permissions if service.params else None
    return (permissions.read or ()) if permissions else ()


def access(lease: LeaseID, service: Service, revision: str) -> list[dict[str, Any]]:
    """ServiceAccount, Role and RoleBinding, all named after the service; nothing without permissions."""
    asked = may_read(service)
    if not asked:
        return []
    rules = [dict(rule) for permission in dict.fromkeys(asked) for rule in _RULES.get(permission, [])]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(lease, service, revision)},
        {**rbac, "kind": "Role", "metadata": _metadata(lease, service, revision), "rules": rules},
        {
            **rbac,
            "kind": "RoleBinding",
            "metadata": _metadata(lease, service, revision),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": service.name},
            "subjects": [{"kind": "ServiceAccount", "name": service.name, "namespace": lease_namespace(lease)}],
        },
    ]


def _metadata(lease: LeaseID, service: Service, revision: str) -> dict[str, Any]:
    return names.metadata(lease, service.name, revision, service.name)
