"""Changes that Kubernetes does not make in place: the object is put anew, and what it keeps running is kept where it
can be.

Only a field that may not become what was asked is a reason: a "no" of a quota, a webhook or a missing right takes
nothing away, and policies that isolate never go for a change. Whether only the change is refused, or the object itself,
is not read from the words of the refusal: the object is asked about once more as a new one, in a dry run. One that is
good in itself is then told that its name is taken.
The subtle case is a StatefulSet. Its claim templates are fixed for life, while the claims made from them may grow;
so the claims are grown, the StatefulSet is deleted without its pods, and its successor takes them over.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import structlog

from manifests.units import parse_quantity
from provider.cluster.api.kinds import (
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    kind_of,
)
from provider.cluster.api.kube import Kube, Object, WrongFields
from provider.errors import Blame, Conflict, NotFound, Refused, Retry

log = structlog.get_logger()

TWINS = {DEPLOYMENT: STATEFUL_SET, STATEFUL_SET: DEPLOYMENT}
"""A service is one of the two; both at once would be twice the replicas."""
_REPLACED = (DEPLOYMENT, STATEFUL_SET, SERVICE, SECRET, ROLE_BINDING)
"""What has fields that are fixed for life, and may be away for a moment; a namespace, a policy, a claim or a host name
is never deleted for a change."""
GONE_WITHIN_S = 10.0
_LOOK_AGAIN_S = 0.2


async def make_way(kube: Kube, obj: Mapping[str, Any], other: Kind) -> None:
    """Delete the service's workload of the `other` kind, once it is known that the new one will be accepted."""
    namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
    await kube.apply(obj, dry_run=True)
    if await kube.delete(other, namespace, name):
        log.info("a service becomes another kind of workload", was=other.kind, object=f"{namespace}/{name}")
        await _gone(kube, other, namespace, name)


async def replace(kube: Kube, obj: Mapping[str, Any], no: Refused) -> Object:
    """Put `obj` in the place of the object that cannot become it; as it then is. Raises what `replaceable` does, and
    Retry while the old object is still going."""
    kind, metadata = kind_of(obj), obj["metadata"]
    namespace, name = metadata.get("namespace"), metadata["name"]
    live = await replaceable(kube, obj, no)
    if "deletionTimestamp" not in live["metadata"]:
        if kind is STATEFUL_SET:
            await _grow(kube, obj, _larger(live, obj))
        log.info("replaced, since it cannot be changed in place", object=f"{kind}/{name}", why=str(no))
        await kube.delete(kind, namespace, name, orphan=kind is STATEFUL_SET)
    await _gone(kube, kind, namespace, name)
    return await kube.apply(obj)


async def replaceable(kube: Kube, obj: Mapping[str, Any], no: Refused) -> Object:
    """The object in whose place `obj` can be put; nothing is written. Raises `no`, the refusal of the change, where
    that is about the object itself; Refused with the reason where a volume would lose what is on it; Retry when one
    that was only to be kept is not there."""
    kind, metadata = kind_of(obj), obj["metadata"]
    namespace, name = metadata.get("namespace"), metadata["name"]
    if kind not in _REPLACED or not isinstance(no, WrongFields):
        raise no
    try:
        live = await kube.get(kind, namespace, name)
    except NotFound:
        if kind in TWINS and "template" not in obj["spec"]:
            raise Retry(f"{kind}/{name} was to stay as it was found (adopt.py) and has gone since") from no
        raise no from None
    if "deletionTimestamp" in live["metadata"]:
        return live
    try:
        await kube.create(obj, dry_run=True)
    except Conflict:
        pass  # only its name is in the way
    except Refused:
        raise no from None
    if kind is STATEFUL_SET:
        _larger(live, obj)
    return live


def _larger(live: Object, obj: Mapping[str, Any]) -> dict[str, str]:
    """Volume -> new size, of those that are to be larger; Refused for a volume that would have to be another one."""
    name = obj["metadata"]["name"]
    before, wanted = _templates(live), _templates(obj)
    grown: dict[str, str] = {}
    for volume in sorted(before.keys() & wanted.keys()):
        was, now = before[volume]["spec"], wanted[volume]["spec"]
        if "storageClassName" in now and was.get("storageClassName") != now["storageClassName"]:
            # What was bought names no other class than before: the name stands for another one now (volumeclasses.py).
            raise Refused(
                f"service {name}: volume {volume} is of class {was.get('storageClassName')} and cannot become"
                f" {now['storageClassName']}: what is on it would be lost. A new deployment can have it",
                blame=Blame.OPERATOR,
            )
        size, larger = _size(was), _size(now)
        if parse_quantity(larger) < parse_quantity(size):
            what = f"service {name}: volume {volume} has {size} and cannot shrink to {larger}"
            raise Refused(what, blame=Blame.TENANT)
        if parse_quantity(larger) > parse_quantity(size):
            grown[volume] = larger
    return grown


async def _grow(kube: Kube, obj: Mapping[str, Any], grown: Mapping[str, str]) -> None:
    if not grown:
        return
    namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
    made = re.compile(rf"({'|'.join(map(re.escape, grown))})-{re.escape(name)}-\d+")
    for claim in await kube.all(PERSISTENT_VOLUME_CLAIM, namespace):
        found = made.fullmatch(claim["metadata"]["name"])
        if found and parse_quantity(_size(claim["spec"])) < parse_quantity(grown[found.group(1)]):
            change = {"spec": {"resources": {"requests": {"storage": grown[found.group(1)]}}}}
            await kube.patch(PERSISTENT_VOLUME_CLAIM, namespace, claim["metadata"]["name"], change)


async def _gone(kube: Kube, kind: Kind, namespace: str | None, name: str) -> None:
    deadline = asyncio.get_running_loop().time() + GONE_WITHIN_S
    while True:
        try:
            found = await kube.get(kind, namespace, name)
        except NotFound:
            return
        if asyncio.get_running_loop().time() >= deadline:
            held = ", ".join(found["metadata"].get("finalizers") or ()) or "nothing it names"
            raise Retry(f"{kind}/{name} is to be replaced and still going away; it waits for {held}")
        await asyncio.sleep(_LOOK_AGAIN_S)


def _templates(obj: Mapping[str, Any]) -> dict[str, Any]:
    return {t["metadata"]["name"]: t for t in obj["spec"].get("volumeClaimTemplates") or ()}


def _size(spec: Mapping[str, Any]) -> str:
    return str(spec["resources"]["requests"]["storage"])
