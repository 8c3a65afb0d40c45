"""Pod templates as rendered and no more: fields that somebody has added by hand are taken out.

Server-side apply puts back what was changed and leaves what was added: host networking, a volume of the host, a
selector of nodes. Who has added what stands in managedFields, so it costs nothing to see that there is nothing.

The subtle part is who would come back for ever. What a webhook adds is held by nobody and stays; a tool that adds a
field each time gets its way once it was taken out once, since every time restarts the pods. Both are told in the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from provider.cluster.api.kinds import DEPLOYMENT, STATEFUL_SET, Kind, kind_of
from provider.cluster.api.kube import FIELD_MANAGER, Kube, Object
from provider.cluster.api.marks import RESTARTS
from provider.cluster.api.writers import REFERENCE, TAKEOVER
from provider.errors import Conflict, NotFound, Refused, Retry

log = structlog.get_logger()

_ATTEMPTS = 5
_UNTOLD = frozenset(f".metadata.annotations.{note}" for note in RESTARTS)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Fields of others that were seen in a template, and whether taking them out changed it."""

    fields: frozenset[str]
    taken_out: bool


class Templates:
    """Remembers what was taken out of which workload."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Kind, str, str], _Seen] = {}

    async def only(self, kube: Kube, obj: Mapping[str, Any], applied: Object) -> Object:
        """A workload that was just applied, as it is with nothing in its template but what is rendered, defaults and
        what webhooks add. Retry when somebody keeps writing to it."""
        kind, metadata = kind_of(obj), obj["metadata"]
        if kind not in (DEPLOYMENT, STATEFUL_SET) or "template" not in obj["spec"]:
            return applied
        where = kind, metadata["namespace"], metadata["name"]
        fields, before = added(applied), self._seen.get(where, _Seen(frozenset(), False))
        if not fields:
            return applied
        named = {"object": f"{kind}/{where[2]}", "namespace": where[1], "fields": sorted(fields)}
        if fields <= before.fields:
            if before.taken_out:
                log.warning("somebody has added the same to a pod template again, it is left there", **named)
            return applied
        try:
            would = await replace_template(kube, obj, dry_run=True)
            changes = would is not None and would["spec"]["template"] != applied["spec"]["template"]
            made = await replace_template(kube, obj) if changes else None
        except Conflict:
            raise
        except Refused as no:
            log.warning("what somebody has added to a pod template cannot be taken out", why=str(no), **named)
            return applied
        self._seen[where] = _Seen(fields | before.fields, changes)
        if made is None:
            return applied
        log.warning("somebody had added to a pod template, it is taken out and the pods are replaced", **named)
        return made

    def forget(self, namespace: str) -> None:
        """Its lease is over."""
        for where in [where for where in self._seen if where[1] == namespace]:
            del self._seen[where]


def added(obj: Mapping[str, Any]) -> frozenset[str]:
    """Fields of a workload's template that others hold and the daemon does not, e.g. `.spec.hostNetwork`."""
    ours: set[str] = set()
    theirs: set[str] = set()
    for entry in obj["metadata"].get("managedFields") or ():
        if entry.get("subresource") or entry.get("manager") in (REFERENCE, TAKEOVER):
            continue
        spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        held = ours if entry.get("manager") == FIELD_MANAGER else theirs
        held.update(_leaves(spec.get("f:template") or {}))
    return frozenset(theirs - ours - _UNTOLD)


async def replace_template(kube: Kube, obj: Mapping[str, Any], *, dry_run: bool = False) -> Object | None:
    """Make a workload's template be the one rendered, whoever holds what of it, but for the note by which its pods were
    replaced; as the workload then is, None when it is not there. Retry when somebody keeps writing to it: counting its
    pods is enough."""
    kind, metadata = kind_of(obj), obj["metadata"]
    for _ in range(_ATTEMPTS):
        try:
            live = await kube.get(kind, metadata["namespace"], metadata["name"])
            template = _with_notes(obj["spec"]["template"], live["spec"]["template"])
            newer = {**live, "spec": {**live["spec"], "template": template}}
            return await kube.update(newer, manager=TAKEOVER, dry_run=dry_run)
        except NotFound:
            return None
        except Conflict as same_time:
            last = same_time
    raise Retry(str(last)) from last


def _with_notes(template: Mapping[str, Any], live: Mapping[str, Any]) -> Mapping[str, Any]:
    noted = (live.get("metadata") or {}).get("annotations") or {}
    kept = {key: value for key, value in noted.items() if key in RESTARTS}
    if not kept:
        return template
    metadata = template["metadata"]
    return {**template, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **kept}}}


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Of managedFields: `f:name` is a field, `k:{…}` an item of a list by its keys, `v:…` one of a set, `.` the object
    itself."""
    for part, below in tree.items():
        if part == ".":
            continue
        kind, _, name = part.partition(":")
        at = f"{path}.{name}" if kind == "f" else f"{path}[{name}]"
        if below:
            yield from _leaves(below, at)
        else:
            yield at
