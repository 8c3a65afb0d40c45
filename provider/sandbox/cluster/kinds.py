"""Which resources are served: a built-in table, and what CustomResourceDefinitions add to it at run time."""

from __future__ import annotations

from dataclasses import dataclass, field

from provider.sandbox.cluster import models
from provider.sandbox.cluster.shapes import Shape


@dataclass(frozen=True, slots=True)
class Kind:
    """`generations`: changes of the spec count up `metadata.generation`. `custom`: from a definition."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    shape: Shape = models.LOOSE
    status: bool = False
    generations: bool = False
    custom: bool = False
    short: tuple[str, ...] = field(default=())

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """Objects are kept under this, whatever the version they are asked for in."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def path(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def _core(
    plural: str, kind: str, shape: Shape = models.LOOSE, *, namespaced: bool = True, status: bool = False
) -> Kind:
    return Kind("", "v1", plural, kind, namespaced, shape, status)


NAMESPACES = _core("namespaces", "Namespace", models.NAMESPACE, namespaced=False, status=True)
NODES = _core("nodes", "Node", models.NODE, namespaced=False, status=True)
PODS = Kind("", "v1", "pods", "Pod", True, models.POD, status=True, generations=True)
SERVICES = _core("services", "Service", models.SERVICE, status=True)
CLAIMS = _core("persistentvolumeclaims", "PersistentVolumeClaim", models.CLAIM, status=True)
VOLUMES = _core("persistentvolumes", "PersistentVolume", namespaced=False, status=True)
SECRETS = _core("secrets", "Secret", models.SECRET)
CONFIG_MAPS = _core("configmaps", "ConfigMap", models.CONFIG_MAP)
SERVICE_ACCOUNTS = _core("serviceaccounts", "ServiceAccount", models.SERVICE_ACCOUNT)
ENDPOINTS = _core("endpoints", "Endpoints")
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment", True, models.DEPLOYMENT, True, True)
REPLICA_SETS = Kind("apps", "v1", "replicasets", "ReplicaSet", True, models.REPLICA_SET, True, True)
STATEFUL_SETS = Kind("apps", "v1", "statefulsets", "StatefulSet", True, models.STATEFUL_SET, True, True)
INGRESSES = Kind("networking.k8s.io", "v1", "ingresses", "Ingress", True, models.INGRESS, True, True)
POLICIES = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, models.NETWORK_POLICY, False, True)
STORAGE_CLASSES = Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", False)
_RBAC = "rbac.authorization.k8s.io"
ROLES = Kind(_RBAC, "v1", "roles", "Role", True, models.ROLE)
ROLE_BINDINGS = Kind(_RBAC, "v1", "rolebindings", "RoleBinding", True, models.BINDING)
DEFINITIONS = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    False,
    status=True,
    generations=True,
)

BUILT_IN: tuple[Kind, ...] = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    CLAIMS,
    VOLUMES,
    SECRETS,
    CONFIG_MAPS,
    SERVICE_ACCOUNTS,
    ENDPOINTS,
    _core("events", "Event"),
    _core("resourcequotas", "ResourceQuota", status=True),
    _core("limitranges", "LimitRange"),
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Kind("apps", "v1", "daemonsets", "DaemonSet", status=True, generations=True),
    Kind("apps", "v1", "controllerrevisions", "ControllerRevision"),
    Kind("batch", "v1", "jobs", "Job", status=True, generations=True),
    INGRESSES,
    Kind("networking.k8s.io", "v1", "ingressclasses", "IngressClass", False, generations=True),
    POLICIES,
    STORAGE_CLASSES,
    ROLES,
    ROLE_BINDINGS,
    Kind(_RBAC, "v1", "clusterroles", "ClusterRole", False, models.CLUSTER_ROLE),
    Kind(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", False, models.BINDING),
    Kind("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", False),
    Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False),
    Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Kind("coordination.k8s.io", "v1", "leases", "Lease"),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", status=True, generations=True),
    Kind("events.k8s.io", "v1", "events", "Event"),
    DEFINITIONS,
)


class Kinds:
    """Looks a request's group, version and plural up."""

    def __init__(self) -> None:
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in BUILT_IN}

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Kind | None:
        for each in self._by_path.values():
            if each.kind == kind and each.api_version == api_version:
                return each
        return None

    def all(self) -> list[Kind]:
        return list(self._by_path.values())

    def serve(self, group: str, plural: str, versions: list[Kind]) -> None:
        """Serve exactly these versions of a custom resource from now on; an empty list ends it."""
        for path in [each for each in self._by_path if each[0] == group and each[2] == plural]:
            del self._by_path[path]
        for kind in versions:
            self._by_path[(kind.group, kind.version, kind.plural)] = kind
