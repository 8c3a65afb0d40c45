"""The kinds of Kubernetes object the daemon touches, and where the API server keeps them.

A table instead of discovery: the daemon knows its two dozen kinds, and a cluster that lacks one should say so by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Kind:
    """`group` is "" for the core API."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        """As kubectl names it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str | None = None, sub: str = "") -> str:
        """Path below the API server's address. No namespace means all of them (only for reading lists)."""
        out = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            out += f"/namespaces/{quote(namespace, safe='')}"
        elif self.namespaced and name:
            raise ValueError(f"{self.kind} {name} needs a namespace")
        out += f"/{self.plural}"
        if name:
            out += f"/{quote(name, safe='')}"
        return f"{out}/{sub}" if sub else out


NAMESPACE = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
NODE = Kind("", "v1", "nodes", "Node", namespaced=False)
POD = Kind("", "v1", "pods", "Pod")
SERVICE = Kind("", "v1", "services", "Service")
SECRET = Kind("", "v1", "secrets", "Secret")
SERVICE_ACCOUNT = Kind("", "v1", "serviceaccounts", "ServiceAccount")
PERSISTENT_VOLUME_CLAIM = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
PERSISTENT_VOLUME = Kind("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
DEPLOYMENT = Kind("apps", "v1", "deployments", "Deployment")
STATEFUL_SET = Kind("apps", "v1", "statefulsets", "StatefulSet")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
INGRESS = Kind("networking.k8s.io", "v1", "ingresses", "Ingress")
INGRESS_CLASS = Kind("networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False)
HTTP_ROUTE = Kind("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")
DISRUPTION_BUDGET = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
ROLE = Kind("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDING = Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
STORAGE_CLASS = Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
STORAGE_CAPACITY = Kind("storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity")
CSI_NODE = Kind("storage.k8s.io", "v1", "csinodes", "CSINode", namespaced=False)
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
EVENT = Kind("events.k8s.io", "v1", "events", "Event")
RUNTIME_CLASS = Kind("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", namespaced=False)
CUSTOM_RESOURCE = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
MANIFEST = Kind("akash.network", "v2beta2", "manifests", "Manifest")
PROVIDER_HOST = Kind("akash.network", "v2beta2", "providerhosts", "ProviderHost")
PROVIDER_LEASED_IP = Kind("akash.network", "v2beta2", "providerleasedips", "ProviderLeasedIP")
ADDRESS_POOL = Kind("metallb.io", "v1beta1", "ipaddresspools", "IPAddressPool")

KINDS = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    SECRET,
    SERVICE_ACCOUNT,
    PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME,
    DEPLOYMENT,
    STATEFUL_SET,
    NETWORK_POLICY,
    INGRESS,
    INGRESS_CLASS,
    HTTP_ROUTE,
    DISRUPTION_BUDGET,
    ROLE,
    ROLE_BINDING,
    STORAGE_CLASS,
    STORAGE_CAPACITY,
    CSI_NODE,
    ENDPOINT_SLICE,
    EVENT,
    RUNTIME_CLASS,
    CUSTOM_RESOURCE,
    MANIFEST,
    PROVIDER_HOST,
    PROVIDER_LEASED_IP,
    ADDRESS_POOL,
)

_BY_TYPE = {(k.api_version, k.kind): k for k in KINDS}


def kind_of(obj: Mapping[str, Any]) -> Kind:
    """The kind of an object that names its apiVersion and kind; ValueError for one the daemon does not deal in."""
    named = (obj.get("apiVersion", ""), obj.get("kind", ""))
    try:
        return _BY_TYPE[named]
    except KeyError:
        raise ValueError(f"no kind {named[1]!r} of {named[0]!r} is known here") from None
