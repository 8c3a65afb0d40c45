"""Whether the controller that serves a route has taken it on, read from the route's status. Pure.

A controller that serves nothing here says nothing, so silence is not a "no"; nor is what was said of an older version
of the route, or of a Gateway that it no longer names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOST_SAID = 300
"""characters of a controller's words"""


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """`refused` is why it is not served, in the controller's words, "" when nobody says that it is not. `taken`: some
    controller says that it serves it, or did before its last change."""

    taken: bool = False
    refused: str = ""


SILENT = RouteStatus()


def of_http_route(obj: Mapping[str, Any]) -> RouteStatus:
    metadata = obj["metadata"]
    generation, taken, refused = metadata.get("generation") or 0, False, []
    for condition in _conditions(obj):
        kind, status = condition.get("type"), condition.get("status")
        current = (condition.get("observedGeneration") or generation) >= generation
        taken |= kind == "Accepted" and status == "True"
        if kind in ("Accepted", "ResolvedRefs") and status == "False" and current:
            refused.append(
                ": ".join(filter(None, (condition.get("reason"), condition.get("message")))) or f"not {kind}"
            )
    return RouteStatus(taken, "; ".join(dict.fromkeys(refused))[:MOST_SAID])


def of_ingress(obj: Mapping[str, Any]) -> RouteStatus:
    """The address by which it is served is all that an Ingress's controller says."""
    return RouteStatus(taken=bool(((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")))


def _conditions(obj: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Of the Gateways that the route names now."""
    home = obj["metadata"].get("namespace", "")
    named = {_parent(ref, home) for ref in (obj.get("spec") or {}).get("parentRefs") or ()}
    for parent in (obj.get("status") or {}).get("parents") or ():
        if _parent(parent.get("parentRef") or {}, home) in named:
            yield from parent.get("conditions") or ()


def _parent(ref: Mapping[str, Any], home: str) -> tuple[str, str, str]:
    return ref.get("namespace") or home, ref.get("name", ""), ref.get("sectionName") or ""
