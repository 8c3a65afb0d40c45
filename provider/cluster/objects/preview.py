"""What applying a lease's objects would change, asked of the API server in a dry run: nothing is written.

The API server itself says what an object would become, defaults and merging included; so only real changes are told.
What somebody has added to a pod template and would be taken out (templates.py) is one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provider.cluster.api.kinds import DEPLOYMENT, STATEFUL_SET, Kind, kind_of
from provider.cluster.api.kube import Kube
from provider.cluster.objects.apply import left_over
from provider.cluster.objects.templates import cut, rendered_whole
from provider.errors import NotFound, Refused

_UNTOLD = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"})


@dataclass(frozen=True, slots=True)
class Change:
    """`what` is create, change, delete or refused; `paths` are the fields that change, or the refusal's words."""

    kind: Kind
    name: str
    what: str
    paths: tuple[str, ...] = ()

    @property
    def restarts(self) -> bool:
        """Whether pods are replaced for it."""
        if self.kind not in (DEPLOYMENT, STATEFUL_SET):
            return False
        return self.what == "delete" or any(path.startswith("spec.template.") for path in self.paths)


async def preview(kube: Kube, namespace: str, objects: Iterable[Mapping[str, Any]]) -> list[Change]:
    """In apply order, what would be deleted last. What stays as it is is not told."""
    wanted, out = list(objects), []
    for obj in wanted:
        kind, metadata = kind_of(obj), obj["metadata"]
        name = metadata["name"]
        try:
            live = await kube.get(kind, metadata.get("namespace"), name)
        except NotFound:
            out.append(Change(kind, name, "create"))
            continue
        try:
            would = await kube.apply(obj, dry_run=True)
        except Refused as no:
            out.append(Change(kind, name, "refused", (str(no),)))
            continue
        if rendered_whole(obj):
            _, contains = cut(would)
            would = contains or would
        if paths := tuple(_different(_told(live), _told(would))):
            out.append(Change(kind, name, "change", paths))
    return out + [Change(kind, name, "delete") for kind, name in await left_over(kube, namespace, wanted)]


def _told(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _UNTOLD}
    rest = {key: value for key, value in obj.items() if key not in ("status", "kind", "apiVersion")}
    return {**rest, "metadata": metadata}


def _different(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _different(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for n, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _different(one, other, f"{path}[{n}]")
    elif before != after:
        yield path
