"""The workload of a service: a Deployment, or a StatefulSet when it keeps volumes (kubernetes.md §2.6, §2.9, §2.11).

`serviceAccountName` is written even when empty, together with its deprecated twin: left out, an account that the
reference gave would stay in the template after the service gave up its permissions and the account is gone, and no
pod could be started (kubernetes.md §3.5).

A pod must run on its promised card and should run on the node where the bid reckoned with it: then what other bids
reckon with stays free. It is a wish, not a demand: when the node is gone, the pod goes elsewhere without anybody's
help.
"""

from __future__ import annotations

from typing import Any

from manifests.gpus import usual_resource
from manifests.ids import LeaseID
from manifests.manifest import Service
from manifests.render import names
from manifests.render.container import container
from manifests.render.isolation import pod_annotations, pod_security
from manifests.render.rbac import may_read
from manifests.render.secrets import pull_secret_names
from manifests.render.site import ServicePlan, Site
from manifests.render.storage import claim_templates, claimed, pod_volumes

NVIDIA = usual_resource("nvidia")


def workload(lease: LeaseID, service: Service, plan: ServicePlan, site: Site, revision: str) -> dict[str, Any]:
    out: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet" if claimed(service) else "Deployment",
        "metadata": names.metadata(lease, service.name, revision, service.name),
        "spec": {
            "replicas": service.count,
            "selector": {"matchLabels": names.pod_labels(lease, service.name)},
            "template": {
                "metadata": _pod_metadata(lease, service, site),
                "spec": _pod(lease, service, plan, site),
            },
        },
    }
    if claimed(service):
        out["spec"] |= {
            "revisionHistoryLimit": 1,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "volumeClaimTemplates": claim_templates(service, site),
        }
    else:
        # No surge: an update must not need room, a card or a volume that nobody reserved. A pod goes before its
        # successor comes, so nothing can wait for what its own service holds; `Recreate` would give nothing more, and
        # would wait for a pod on a node that is lost.
        out["spec"] |= {
            "revisionHistoryLimit": 10,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        }
    return out


def runtime_class(service: Service, plan: ServicePlan, site: Site) -> str:
    """The RuntimeClass of the pods; "" is the cluster's own runtime. A sandbox has no cards."""
    if plan.runtime_class:
        return "" if plan.runtime_class == "none" else plan.runtime_class
    return "" if service.resources.gpu.units else site.isolation.runtime_class


def _pod_metadata(lease: LeaseID, service: Service, site: Site) -> dict[str, Any]:
    out: dict[str, Any] = {"labels": names.pod_labels(lease, service.name)}
    annotations = pod_annotations(site.isolation)
    return {**out, "annotations": annotations} if annotations else out


def _pod(lease: LeaseID, service: Service, plan: ServicePlan, site: Site) -> dict[str, Any]:
    account = service.name if may_read(service) else ""
    security = {"runAsNonRoot": False} | pod_security(site.isolation)
    spec: dict[str, Any] = {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": _nodes(service, plan)}},
        "automountServiceAccountToken": bool(account),
        "serviceAccountName": account,
        "serviceAccount": account,
        "securityContext": security,
        "containers": [container(lease, service, plan, site)],
    }
    if plan.nodes:
        wished = spec["affinity"]["nodeAffinity"]
        wished["preferredDuringSchedulingIgnoredDuringExecution"] = [_on(name) for name in sorted(set(plan.nodes))]
    if len(set(plan.nodes)) < len(plan.nodes):
        spec["topologySpreadConstraints"] = [_TOGETHER]
    if runtime := runtime_class(service, plan, site):
        spec["runtimeClassName"] = runtime
    if site.tolerations:
        spec["tolerations"] = [{"key": key, "operator": "Exists"} for key in site.tolerations]
    secrets = pull_secret_names(service, site)
    if secrets:
        spec["imagePullSecrets"] = secrets
    volumes = pod_volumes(service)
    if volumes:
        spec["volumes"] = volumes
    return spec


def _nodes(service: Service, plan: ServicePlan) -> dict[str, Any]:
    """Managed nodes with the card of the plan and each volume's class. Two volumes of one class ask twice, as in
    the reference: the text of a pod template is what decides whether pods restart."""
    wanted = [{"key": names.MANAGED, "operator": "In", "values": ["true"]}]
    if service.resources.gpu.units and plan.gpu is not None:
        wanted += [_has(label) for label in plan.gpu.labels()]
        if plan.gpu.part and plan.gpu.resource == NVIDIA:
            # Where each card is cut alike its parts go by the name of whole cards, which a node of mixed cards has too.
            wanted.append({"key": "nvidia.com/mig.strategy", "operator": "In", "values": ["single"]})
    classes = [storage.storage_class for storage in claimed(service)]
    wanted += [_has(f"{names.CAPABILITY}.storage.class.{name}") for name in classes if name]
    return {"nodeSelectorTerms": [{"matchExpressions": wanted}]}


def _on(node: str) -> dict[str, Any]:
    """The most the scheduler can be asked for; it outweighs how empty other nodes are. By name, since a node's labels
    need not tell it."""
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    return {"weight": 100, "preference": {"matchFields": [field]}}


_TOGETHER = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
"""Without a constraint of its own a pod gets the scheduler's, which would rather have the second replica on another
node than on the one wished for. This one counts no pods, as it selects none."""


def _has(label: str) -> dict[str, Any]:
    return {"key": label, "operator": "Gt", "values": ["0"]}
