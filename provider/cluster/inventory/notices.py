"""A line in the log for what is not sold and could be, and for its coming back: once per change, not per look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from provider.cluster.inventory.survey import UNMARKED, NodeReport

log = structlog.get_logger()

_Key = tuple[str, str]


class Notices:
    def __init__(self) -> None:
        self._told: dict[_Key, str] = {}
        self._derived: set[str] = set()

    def look(self, nodes: Iterable[NodeReport], classes: Mapping[str, str]) -> None:
        """`nodes` are all there are, `classes` storage classes that are not sold with the reason."""
        now: dict[_Key, str] = {("", name): why for name, why in classes.items()}
        there: set[str] = {""}
        for node in nodes:
            there.add(node.name)
            if node.why_not and node.why_not != UNMARKED:  # the daemon itself is about to write that one
                now[node.name, ""] = node.why_not
            for gpu in node.gpus:
                if gpu.why_not:
                    now[node.name, gpu.resource] = gpu.why_not
                elif gpu.sick:
                    now[node.name, gpu.resource] = f"{gpu.sick} of {gpu.capacity} are sick, the others are sold"
                if gpu.unlisted and gpu.model is not None and gpu.unlisted not in self._derived:
                    self._derived.add(gpu.unlisted)
                    log.warning(
                        "a GPU that is on no list is sold under a derived name; cluster.gpus can give it another",
                        product=gpu.unlisted, model=gpu.model.model, node=node.name,
                    )  # fmt: skip
        for key, why in now.items():
            if self._told.get(key) != why:
                _tell(*key, why)
        for node_name, what in self._told.keys() - now.keys():
            if node_name in there:
                _tell(node_name, what, "")
        self._told = now


def _tell(node: str, what: str, why: str) -> None:
    """`node` is "" for a storage class, `what` a resource of the node or "" for the whole of it."""
    where = {"node": node} if node else {}
    thing = {} if not what else {"resource" if node else "storage_class": what}
    if why:
        log.warning("not sold", **where, **thing, why=why)
    else:
        log.info("sold again", **where, **thing)
