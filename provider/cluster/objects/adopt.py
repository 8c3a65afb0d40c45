"""Taking over what the Go provider left standing, without restarting a pod.

What is rendered here differs from what the reference rendered in small things (a label, a security default), and any
difference in a pod's template restarts it. So the template of a workload that somebody else made is left alone until
its tenant sends another manifest. A mark on the workload says for which manifest that holds, so that a restart of the
daemon restarts no pod either.

The subtle part is ownership of fields. Server-side apply drops a field only when nobody else holds it; what the
reference wrote it would hold for ever, and a port that a tenant gives up later would stay open. So its entries are
taken away from each object that was applied; and a template that was left alone, and so is nobody's, is replaced
whole before it is applied for the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from provider.cluster.api.kinds import MANIFEST, Kind, kind_of
from provider.cluster.api.kube import Kube, Object
from provider.cluster.api.writers import TAKEOVER, ours, without_reference
from provider.cluster.health.workloads import ADOPTED, WorkloadFacts
from provider.errors import Conflict, NotFound, Retry

log = structlog.get_logger()

_ATTEMPTS = 5
_LEFT = ("replicas",)
"""What of a workload's spec is applied while its template is left alone."""


async def as_found(
    kube: Kube,
    objects: Iterable[Mapping[str, Any]],
    found: Mapping[tuple[Kind, str], WorkloadFacts],
    manifest: tuple[str, str],
    revision: str,
    *,
    dry_run: bool = False,
) -> list[Mapping[str, Any]]:
    """The objects to apply: workloads that are to stay as they were found without their templates. `found` are the
    lease's workloads by kind and name, `manifest` is namespace and name of its Manifest."""
    out: list[Mapping[str, Any]] = []
    theirs: bool | None = None
    for obj in objects:
        facts = found.get((kind_of(obj), obj["metadata"]["name"]))
        if facts is None or (facts.ours and not facts.adopted):
            out.append(obj)
            continue
        keep = facts.adopted == revision
        if not facts.ours:
            if theirs is None:
                theirs = await _foreign(kube, *manifest)
            keep = theirs  # a manifest that we have stored since is an update, which its tenant waits for
        if not keep and not dry_run:
            await _replace_template(kube, obj)
        out.append(_left_alone(obj, revision) if keep else obj)
    return out


async def take_fields(kube: Kube, applied: Object) -> None:
    """Make the reference hold no field of an object that has just been applied. Conflict when somebody keeps writing
    to it."""
    for attempt in range(_ATTEMPTS):
        left = without_reference(applied)
        if left is None:
            return
        kind, metadata = kind_of(applied), applied["metadata"]
        change = {"metadata": {"managedFields": left, "resourceVersion": metadata["resourceVersion"]}}
        try:
            await kube.patch(kind, metadata.get("namespace"), metadata["name"], change)
        except Conflict:  # a controller counts pods, say
            if attempt == _ATTEMPTS - 1:
                raise
            applied = await kube.get(kind, metadata.get("namespace"), metadata["name"])
        else:
            log.info("taken over", object=f"{kind}/{metadata['name']}", namespace=metadata.get("namespace"))
            return


async def _foreign(kube: Kube, namespace: str, name: str) -> bool:
    try:
        return not ours(await kube.get(MANIFEST, namespace, name))
    except NotFound:
        return False


def _left_alone(obj: Mapping[str, Any], revision: str) -> Mapping[str, Any]:
    metadata, spec = obj["metadata"], obj["spec"]
    marked = {**metadata, "annotations": {**metadata.get("annotations", {}), ADOPTED: revision}}
    return {**obj, "metadata": marked, "spec": {key: spec[key] for key in _LEFT}}


async def _replace_template(kube: Kube, obj: Mapping[str, Any]) -> None:
    """Retry when somebody keeps writing to it: counting its pods is enough."""
    kind, metadata = kind_of(obj), obj["metadata"]
    for _ in range(_ATTEMPTS):
        try:
            live = await kube.get(kind, metadata["namespace"], metadata["name"])
            newer = {**live, "spec": {**live["spec"], "template": obj["spec"]["template"]}}
            await kube.update(newer, manager=TAKEOVER)
            return
        except NotFound:
            return
        except Conflict as same_time:
            last = same_time
    raise Retry(str(last)) from last
