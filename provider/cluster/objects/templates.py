"""Pod templates that contain: what somebody has added by hand and weakens containment is taken out, once.

Server-side apply puts back what was changed and leaves what was added. Who has added what stands in managedFields, so
it costs nothing to see that there is nothing; what of it weakens is containment.py's. Only that is cut from what
stands: whatever else is there, a webhook's policy included, stays.

The subtle part is who would come back for ever, since every time replaces the tenant's pods. What was taken out is
noted on the workload, in the same write; a tool that adds the same again gets its way, whichever process sees it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from provider.cluster.api.kinds import DEPLOYMENT, STATEFUL_SET, Kind, kind_of
from provider.cluster.api.kube import FIELD_MANAGER, Kube, Object
from provider.cluster.api.marks import RESTARTS
from provider.cluster.api.writers import REFERENCE, TAKEOVER
from provider.cluster.objects.containment import Path, contained, text
from provider.errors import Conflict, NotFound, Refused, Retry

log = structlog.get_logger()

TAKEN_OUT = "akash.network/taken-out"
"""Annotation of a workload: what was taken out of its pod template so far, a JSON list."""

_ATTEMPTS = 5
_MOST = 64
"""Fields that are ever taken out of one workload: a tool that finds a new name each time gets its way then."""
_UNTOLD = frozenset(("f:metadata", "f:annotations", f"f:{note}") for note in RESTARTS)


class Templates:
    """Remembers what was told of which workload."""

    def __init__(self) -> None:
        self._told: dict[tuple[Kind, str, str], set[str]] = {}

    async def only(self, kube: Kube, obj: Mapping[str, Any], applied: Object) -> Object:
        """A workload that was just applied, as it is with nothing in its template that somebody has added and that
        weakens containment. Retry when somebody keeps writing to it."""
        if not rendered_whole(obj):
            return applied
        kind, metadata = kind_of(obj), obj["metadata"]
        last: Exception | None = None
        for _ in range(_ATTEMPTS):
            weak, contains = cut(applied)
            if contains is None:
                what = "somebody has added again what was taken out of a pod template, it stays"
                self._tell(log.error, what, obj, weak)
                return self._told_rest(applied, weak)
            try:
                made = await kube.update(contains)
            except Conflict as same_time:  # counting its pods is enough
                last = same_time
                applied = await kube.get(kind, metadata["namespace"], metadata["name"])
            except NotFound:
                raise
            except Refused as no:
                what = "what somebody has added to a pod template weakens containment and cannot be taken out"
                self._tell(log.error, what, obj, weak, why=str(no))
                return self._told_rest(applied, weak)
            else:
                log.warning("somebody had added to a pod template what weakens containment, it is taken out and the"
                            " pods are replaced", **_named(obj), fields=sorted(weak))  # fmt: skip
                return self._told_rest(made)
        raise Retry(str(last)) from last

    def forget(self, namespace: str) -> None:
        """Its lease is over."""
        for where in [where for where in self._told if where[1] == namespace]:
            del self._told[where]

    def _told_rest(self, found: Object, weak: frozenset[str] = frozenset()) -> Object:
        rest = frozenset(field for field in map(text, added(found)) if not field.startswith(tuple(weak)))
        self._tell(log.warning, "somebody has added to a pod template, it stays", found, rest)
        return found

    def _tell(self, say: Any, what: str, obj: Mapping[str, Any], fields: frozenset[str], **more: str) -> None:
        """Of each field once."""
        metadata = obj["metadata"]
        told = self._told.setdefault((kind_of(obj), metadata["namespace"], metadata["name"]), set())
        if new := fields - told:
            say(what, **_named(obj), fields=sorted(new), **more)
            told |= new


def rendered_whole(obj: Mapping[str, Any]) -> bool:
    """Whether it is a workload, and its template is not left as it was found (adopt.py)."""
    return kind_of(obj) in (DEPLOYMENT, STATEFUL_SET) and "template" in obj["spec"]


def cut(applied: Object) -> tuple[frozenset[str], Object | None]:
    """What weakens containment of what others have added to a workload that was applied, and the workload without it,
    which bears a note of that; None when there is nothing, or it was all taken out before."""
    template, weak = contained(applied["spec"]["template"], added(applied))
    metadata = applied["metadata"]
    before = _noted(metadata)
    if weak <= before or len(weak | before) > _MOST:
        return weak, None
    note = {TAKEN_OUT: json.dumps(sorted(weak | before))}
    noted = {**metadata, "annotations": {**(metadata.get("annotations") or {}), **note}}
    return weak, {**applied, "metadata": noted, "spec": {**applied["spec"], "template": template}}


def added(obj: Mapping[str, Any]) -> frozenset[Path]:
    """Fields of a workload's template that others hold and the daemon does not, but for the note of a restart."""
    ours: set[Path] = set()
    theirs: set[Path] = set()
    for entry in obj["metadata"].get("managedFields") or ():
        if entry.get("subresource") or entry.get("manager") in (REFERENCE, TAKEOVER):
            continue
        spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        held = ours if entry.get("manager") == FIELD_MANAGER else theirs
        held.update(_leaves(spec.get("f:template") or {}))
    return frozenset(theirs - ours - _UNTOLD)


def _named(obj: Mapping[str, Any]) -> dict[str, str]:
    return {"object": f"{kind_of(obj)}/{obj['metadata']['name']}", "namespace": obj["metadata"]["namespace"]}


def _noted(metadata: Mapping[str, Any]) -> frozenset[str]:
    """A note that cannot be read is none: what stands is taken out once more, and noted anew."""
    try:
        found = json.loads((metadata.get("annotations") or {}).get(TAKEN_OUT, "[]"))
    except ValueError:
        return frozenset()
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _leaves(tree: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    for part, below in tree.items():
        if part == ".":
            continue
        if below:
            yield from _leaves(below, (*path, part))
        else:
            yield (*path, part)
