"""The one container of a service: what it runs, its environment, its ports, and what it may use.

Two lists are keyed in server-side apply, env by name and ports by number and protocol, so each key is rendered once:
of two variables of one name the last wins, as in a shell and in Kubernetes.
"""

from __future__ import annotations

from typing import Any

from manifests.errors import PlanInvalid
from manifests.ids import LeaseID
from manifests.manifest import Service
from manifests.render.isolation import container_security, own_variables
from manifests.render.site import ServicePlan, Site
from manifests.render.storage import in_memory, on_disk, volume_mounts
from manifests.units import format_count, format_cpu_milli


def container(lease: LeaseID, service: Service, plan: ServicePlan, site: Site) -> dict[str, Any]:
    out: dict[str, Any] = {"name": service.name, "image": service.image, "imagePullPolicy": "IfNotPresent"}
    if service.command:
        out["command"] = list(service.command)
    if service.args:
        out["args"] = list(service.args)
    out["env"] = environment(lease, service, site)
    ports = dict.fromkeys((e.port, e.proto) for e in service.expose)
    if ports:
        out["ports"] = [{"containerPort": port, "protocol": proto} for port, proto in ports]
    out["resources"] = resources(service, plan, site)
    mounted = volume_mounts(service)
    if mounted:
        out["volumeMounts"] = mounted
    security: dict[str, Any] = {"runAsNonRoot": False, "privileged": False, "allowPrivilegeEscalation": False}
    out["securityContext"] = security | container_security(site.isolation)
    return out


def environment(lease: LeaseID, service: Service, site: Site) -> list[dict[str, str]]:
    """The tenant's variables in order, then those of ours that the tenant did not define (kubernetes.md §2.7)."""
    values: dict[str, str] = {}
    given, shield = own_variables(service.env or (), service.resources.gpu.units, site.isolation)
    for entry in given:
        name, _, value = entry.partition("=")
        values.pop(name, None)  # the place of the last one, since later variables may refer to earlier ones
        values[name] = value
    ours = {
        "AKASH_GROUP_SEQUENCE": str(lease.gseq),
        "AKASH_DEPLOYMENT_SEQUENCE": str(lease.dseq),
        "AKASH_ORDER_SEQUENCE": str(lease.oseq),
        "AKASH_OWNER": lease.owner,
        "AKASH_PROVIDER": lease.provider,
        "AKASH_CLUSTER_PUBLIC_HOSTNAME": site.public_hostname,
        **shield,
    }
    values.update((name, value) for name, value in ours.items() if name not in values)
    return [{"name": name, "value": value} if value else {"name": name} for name, value in values.items()]


def resources(service: Service, plan: ServicePlan, site: Site) -> dict[str, dict[str, str]]:
    """Limits are what was bought, requests what is reserved of it: exactly what the bid engine asks of a node for it
    (bidengine/commit.py), so RAM volumes count in full as memory in both."""
    wanted = service.resources
    ram_bytes = sum(v.quantity_bytes for v in in_memory(service))
    memory_bytes = wanted.memory.quantity_bytes
    disk_bytes = sum(v.quantity_bytes for v in on_disk(service))
    limits = {"cpu": format_cpu_milli(wanted.cpu.milli), "memory": format_count(memory_bytes + ram_bytes)}
    requests = {
        "cpu": format_cpu_milli(committed(wanted.cpu.milli, site.overcommit_cpu_percent)),
        "memory": format_count(committed(memory_bytes, site.overcommit_memory_percent) + ram_bytes),
    }
    if disk_bytes:
        limits["ephemeral-storage"] = format_count(disk_bytes)
        requests["ephemeral-storage"] = format_count(committed(disk_bytes, site.overcommit_storage_percent))
    elif site.isolation.unbought_disk_bytes:
        # Nothing of it is reserved: nothing of it was bought, and the bid has not reckoned with it.
        limits["ephemeral-storage"] = format_count(site.isolation.unbought_disk_bytes)
        requests["ephemeral-storage"] = "0"
    if wanted.gpu.units:
        if plan.gpu is None:
            raise PlanInvalid(
                f"services.{service.name}.resources.gpu", "asks for GPUs, but the lease's plan names no card for it"
            )
        limits[plan.gpu.resource] = requests[plan.gpu.resource] = format_count(wanted.gpu.units)
    return {"limits": limits, "requests": requests}


def committed(amount: int, percent: int) -> int:
    """What is reserved for `amount` where `percent` more is sold than there is: divided by 1 + percent/100, halves
    up, at least 1.

    A true percentage: the reference divides integers and ignores anything below 100 (kubernetes.md §2.8).
    """
    if percent <= 0 or amount <= 0:
        return amount
    whole = 100 + percent
    return max(1, (200 * amount + whole) // (2 * whole))
