"""Making the cluster be as rendered: apply in order, delete what is left over.

Nothing here remembers what was there before. Server-side apply makes each object be as said; the label on everything
of a lease finds what is no longer said (placed.py spares most of the looking). Volumes are the exception: claims are
never pruned, a tenant's data goes with the namespace only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from manifests.render.names import SELECTOR
from provider.cluster.api.kinds import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Kind,
    kind_of,
)
from provider.cluster.api.kube import Kube, Object
from provider.cluster.api.marks import mark
from provider.cluster.objects.adopt import take_fields
from provider.cluster.objects.replace import TWINS, make_way, replace
from provider.cluster.objects.takeback import take_back
from provider.cluster.objects.templates import Templates
from provider.errors import Conflict, NotFound, Refused, Retry

PRUNED = (
    DEPLOYMENT,
    STATEFUL_SET,
    DISRUPTION_BUDGET,
    SERVICE,
    INGRESS,
    HTTP_ROUTE,
    SECRET,
    ROLE_BINDING,
    ROLE,
    SERVICE_ACCOUNT,
    NETWORK_POLICY,
)
"""What is looked through, in the order of deleting: what runs goes before what shields it."""


async def apply_all(
    kube: Kube,
    objects: Iterable[Mapping[str, Any]],
    standing: Collection[tuple[Kind, str]] = (),
    templates: Templates | None = None,
) -> dict[tuple[Kind, str], int]:
    """In the order given, stopping at the first that cannot be applied: what comes first (the namespace, its policies)
    shields what comes later. Refused carries the API server's words and the object's path; Retry when somebody wrote
    or deleted at the same time. `standing` are the lease's workloads as far as they are known: one of the other kind
    makes way. `templates` takes out what somebody has added to theirs. Returns the mark of each object (marks.py), by
    which it is seen whether somebody has changed it since."""
    made: dict[tuple[Kind, str], int] = {}
    for obj in objects:
        kind, name = kind_of(obj), obj["metadata"]["name"]
        try:
            other = TWINS.get(kind)
            if other is not None and (other, name) in standing:
                await make_way(kube, obj, other)
            found = await put(kube, obj)
            if templates is not None:
                found = await templates.only(kube, obj, found)
            made[kind, name] = mark(kind, found)
        except Conflict as same_time:
            raise Retry(str(same_time)) from same_time
        except NotFound as gone:  # its namespace, which somebody has deleted: nothing is wrong with the object
            raise Retry(str(gone)) from gone
    return made


async def put(kube: Kube, obj: Mapping[str, Any]) -> Object:
    """Make one object be as said, whatever was there: applied, or put anew where only the change is refused. Refused in
    the API server's words; Retry when somebody wrote at the same time."""
    try:
        try:
            found = await kube.apply(obj)
        except Conflict:
            raise
        except Refused as no:
            return await replace(kube, obj, no)
        await take_fields(kube, found)  # what is refused from here on is no reason to put it anew
        return await take_back(kube, obj, found)
    except Conflict as same_time:
        raise Retry(str(same_time)) from same_time


async def prune(
    kube: Kube,
    namespace: str,
    keep: Sequence[Mapping[str, Any]],
    kinds: Sequence[Kind] = PRUNED,
    known: Iterable[tuple[Kind, str]] = (),
) -> list[str]:
    """Delete what is labelled as rendered in a lease's namespace and is not in `keep`; what was deleted, as
    `plural/name`. `kinds` are listed; `known` stand there, or have stood, as far as others know (placed.py)."""
    kept = named(keep)
    found = {*await left_over(kube, namespace, keep, kinds), *(one for one in known if one not in kept)}
    out = []
    for kind, name in sorted(found, key=lambda one: (PRUNED.index(one[0]), one[1])):
        if await kube.delete(kind, namespace, name):
            out.append(f"{kind.plural}/{name}")
    return out


async def left_over(
    kube: Kube, namespace: str, keep: Iterable[Mapping[str, Any]], kinds: Sequence[Kind] = PRUNED
) -> list[tuple[Kind, str]]:
    """What `prune` would delete."""
    kept = named(keep)
    found = []
    for kind in kinds:
        for obj in await _known(kube, kind, namespace, SELECTOR):
            name = obj["metadata"]["name"]
            if (kind, name) not in kept and "deletionTimestamp" not in obj["metadata"]:
                found.append((kind, name))
    return found


async def delete_labelled(kube: Kube, kind: Kind, namespace: str, labels: str) -> None:
    """Delete by label, one by one and by name: a selector that went wrong must not empty a namespace. What has changed
    since it was listed stays, since it may have become somebody else's: Retry. A kind the cluster does not know has
    nothing to delete."""
    if not labels:
        raise ValueError("an empty selector would match everything")
    for obj in await _known(kube, kind, namespace, labels):
        try:
            await kube.delete(
                kind, namespace, obj["metadata"]["name"], version=obj["metadata"].get("resourceVersion", "")
            )
        except Conflict as same_time:
            raise Retry(str(same_time)) from same_time


def named(objects: Iterable[Mapping[str, Any]]) -> set[tuple[Kind, str]]:
    """Kind and name of each."""
    return {(kind_of(obj), obj["metadata"]["name"]) for obj in objects}


async def _known(kube: Kube, kind: Kind, namespace: str, labels: str) -> list[Object]:
    try:
        return await kube.all(kind, namespace, labels)
    except NotFound:  # the Gateway API is not installed everywhere
        return []
