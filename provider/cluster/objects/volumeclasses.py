"""A volume stays of the StorageClass it was made of, whatever class the name it is sold by stands for now. Pure.

A tenant cannot change the class of a volume: the chain holds what was ordered. So where a rendered class differs from
the live one, the operator has changed `cluster.storage_classes`, or the classes themselves. That is for new volumes;
claim templates are fixed for life, and what is on the old ones is worth more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provider.cluster.api.kinds import STATEFUL_SET, Kind, kind_of
from provider.cluster.health.workloads import WorkloadFacts

_FIELD = "storageClassName"


def keep_classes(
    objects: Iterable[Mapping[str, Any]], standing: Mapping[tuple[Kind, str], WorkloadFacts]
) -> list[Mapping[str, Any]]:
    """The objects with their claim templates in the classes of the lease's live StatefulSets."""
    out: list[Mapping[str, Any]] = []
    for obj in objects:
        facts = standing.get((kind_of(obj), obj["metadata"]["name"]))
        templates = obj["spec"].get("volumeClaimTemplates") if kind_of(obj) is STATEFUL_SET else None
        if facts is None or not templates:
            out.append(obj)
            continue
        live = dict(facts.classes)
        kept = [_of_class(each, live.get(each["metadata"]["name"])) for each in templates]
        out.append({**obj, "spec": {**obj["spec"], "volumeClaimTemplates": kept}})
    return out


def _of_class(template: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """ "" is the class that the cluster gives by default, None stands for a volume that is new."""
    if name is None:
        return template
    spec = {key: value for key, value in template["spec"].items() if key != _FIELD}
    return {**template, "spec": {**spec, _FIELD: name} if name else spec}
