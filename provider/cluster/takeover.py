"""Leases taken over from other software: their pods go on as they are.

What contains a pod is part of its template, and a template that changes restarts the pods. So where nobody has decided
about a service, its running workload decides: one that was made without containment is left without, until its tenant
sends a manifest. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from manifests.manifest import ManifestGroup
from manifests.render.site import DEFAULT_PLAN, Plan
from provider.cluster.workloads import WorkloadFacts


def as_they_run(plan: Plan, group: ManifestGroup, workloads: Iterable[WorkloadFacts]) -> Plan:
    """The plan by which applying the group restarts nothing that was only taken over."""
    bare = {found.service for found in workloads if not found.contained}
    out = {service.name: plan.get(service.name, DEFAULT_PLAN) for service in group.services}
    return {
        name: replace(wanted, contained=False) if wanted.contained is None and name in bare else wanted
        for name, wanted in out.items()
    }
