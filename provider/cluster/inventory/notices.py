"""A line in the log for what is not sold and could be, and for its coming back: once per change, not per look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import structlog

from provider.cluster.inventory.survey import UNMARKED, NodeReport

log = structlog.get_logger()

_Key = tuple[str, str, str]
"""The kind of thing, its name, and of a node which of its resources, "" for the whole of it."""


class Notices:
    def __init__(self) -> None:
        self._told: dict[_Key, str] = {}
        self._derived: set[str] = set()

    def look(
        self,
        nodes: Iterable[NodeReport],
        classes: Mapping[str, str],
        runtimes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`nodes` are all there are, `classes` storage classes that are not sold with the reason, `runtimes`
        RuntimeClasses without which something is not."""
        now: dict[_Key, str] = {("storage_class", name, ""): why for name, why in classes.items()}
        now |= {("runtime_class", name, ""): why for name, why in runtimes.items()}
        there: set[str] = set()
        for node in nodes:
            there.add(node.name)
            if node.why_not and node.why_not != UNMARKED:  # the daemon itself is about to write that one
                now["node", node.name, ""] = node.why_not
            for gpu in node.gpus:
                if gpu.why_not:
                    now["node", node.name, gpu.resource] = gpu.why_not
                elif gpu.sick:
                    now["node", node.name, gpu.resource] = f"{gpu.sick} of {gpu.capacity} are sick, the others are sold"
                if gpu.unlisted and gpu.model is not None and gpu.unlisted not in self._derived:
                    self._derived.add(gpu.unlisted)
                    log.warning(
                        "a GPU that is on no list is sold under a derived name; cluster.gpus can give it another",
                        product=gpu.unlisted, model=gpu.model.model, node=node.name,
                    )  # fmt: skip
        for key, why in now.items():
            if self._told.get(key) != why:
                _tell(*key, why)
        for kind, name, resource in self._told.keys() - now.keys():
            if kind != "node" or name in there:
                _tell(kind, name, resource, "")
        self._told = now


def _tell(kind: str, name: str, resource: str, why: str) -> None:
    what = {kind: name} | ({"resource": resource} if resource else {})
    if why:
        log.warning("not sold", **what, why=why)
    else:
        log.info("sold again", **what)
