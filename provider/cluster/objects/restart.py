"""Having the pods of a workload replaced though nothing of it has changed.

A note in the pod template is a new template, and the workload's own strategy rolls it out. It is merged in, not
applied: what we apply later names no such note, and server-side apply leaves alone what it never set itself. So the
next deployment neither takes the restart back nor makes it again.
"""

from __future__ import annotations

from provider.cluster.api.kinds import Kind
from provider.cluster.api.kube import Kube
from provider.cluster.api.marks import RESTARTED


async def restart(kube: Kube, kind: Kind, namespace: str, name: str, when: str) -> None:
    """`when` has to differ from the last time's; NotFound when the workload is not there."""
    note = {"metadata": {"annotations": {RESTARTED: when}}}
    await kube.patch(kind, namespace, name, {"spec": {"template": note}})
