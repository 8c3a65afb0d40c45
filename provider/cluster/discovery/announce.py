"""Keeps a node's labels as its cards are: look, say what has changed, and look again after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from provider.cluster.api.kinds import NODE
from provider.cluster.api.kube import Kube
from provider.cluster.discovery.due import MANAGER, due
from provider.errors import ConfigError, Conflict, NotFound, Retry
from provider.tasks import insist

log = structlog.get_logger()


async def announce(kube: Kube, node: str, found: Mapping[str, str]) -> bool:
    """True when the node was written. ConfigError when there is none of that name."""
    try:
        obj = due(await kube.get(NODE, None, node), found)
    except NotFound:
        cure = "Give its name in the cluster; in a pod, spec.nodeName from the downward API."
        raise ConfigError(f"--node {node}", "the cluster has no such node", cure) from None
    if obj is None:
        return False
    try:
        await kube.apply(obj, manager=MANAGER, force=False)
    except Conflict as changed:  # somebody was quicker; as it is then, it is looked at again
        raise Retry(str(changed)) from None
    log.info("node labelled", node=node, labels=obj["metadata"].get("labels", {}))
    return True


async def follow(kube: Kube, node: str, look: Callable[[], Mapping[str, str]], *, every_s: float) -> None:
    """For ever. What passes by itself is waited out, and the labels stay as they are meanwhile."""

    while True:
        await insist("the node's labels", lambda: announce(kube, node, look()))
        await asyncio.sleep(every_s)
