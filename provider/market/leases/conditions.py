"""Where a lease stands, as conditions in Kubernetes' manner, each with its reason. Pure.

In the order of a lease's life; of one that is as its tenant asked for all are True. They say what is, not what was
done: all is read from the chain and the cluster, so they are the same before and after a restart, and the same for the
daemon and for `akp leases show`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from provider.cluster.health.causes import Cause, Whose
from provider.cluster.leasefacts import LeaseFacts
from provider.cluster.routes.waiting import Waiting, Why
from provider.market.leases.problem import Problem

Status = Literal["True", "False", "Unknown"]
TYPES = ("Accepted", "Isolated", "Deployed", "Routed", "AddressAssigned", "Healthy")

MOST_TOLD = 5
"""names, ports and policies in one message"""


@dataclass(frozen=True, slots=True)
class Condition:
    """`since_unix_s` by the cluster's clock, 0 where it does not tell. `whose` is who can mend it."""

    type: str
    status: Status
    reason: str
    message: str = ""
    since_unix_s: int = 0
    whose: Whose = Whose.NOBODY

    @property
    def met(self) -> bool:
        return self.status == "True"


def conditions(facts: LeaseFacts, problem: Problem | None = None, *, over: bool = False) -> tuple[Condition, ...]:
    """`problem` is why its manifest was refused, None when it was not or nobody knows; `over` that the chain says so.
    One more condition, `Gone`, while something is left of a lease that is over, or its namespace is going."""
    found = [
        _accepted(facts, problem),
        _isolated(facts),
        _deployed(facts, problem),
        _routed(facts),
        _addressed(facts),
        _healthy(facts),
    ]
    if facts.unseen_s:
        said = f"the API server has not been heard of for {facts.unseen_s:.0f} s"
        found = [
            replace(c, status="Unknown", reason="ClusterUnseen", message=f"{said}; before: {c.reason}") for c in found
        ]
    if over or (facts.namespace is not None and facts.namespace.going):
        found.append(_gone(facts))
    return tuple(found)


def first_unmet(found: Sequence[Condition]) -> Condition | None:
    """The one that the others wait for."""
    return next((condition for condition in found if not condition.met), None)


def _accepted(facts: LeaseFacts, problem: Problem | None) -> Condition:
    since = facts.namespace.made_unix_s if facts.namespace is not None else 0
    if facts.stored is None:
        text = "its tenant has not sent a manifest"
        if facts.namespace is not None:
            text = "its manifest is no longer in the cluster; the tenant has to send it again"
        return Condition("Accepted", "False", "NoManifest", text, whose=Whose.TENANT)
    if problem:
        return Condition("Accepted", "False", "Refused", problem.why, since, problem.cause.whose)
    return Condition("Accepted", "True", "ManifestStored", since_unix_s=since)


def _isolated(facts: LeaseFacts) -> Condition:
    if not facts.isolates:
        return Condition("Isolated", "False", "PoliciesOff", "cluster.network_policies is off", whose=Whose.PROVIDER)
    if facts.isolated_unix_s is None:
        return Condition("Isolated", "False", "NoPolicy", "its network policies are not there", whose=Whose.PROVIDER)
    if facts.changed:
        text = f"not as rendered, and being made so again: {', '.join(facts.changed[:MOST_TOLD])}"
        return Condition("Isolated", "False", "Changed", text, whose=Whose.PROVIDER)
    if facts.opened:
        told = [f"{name} ({ways})" for name, ways in sorted(facts.opened.items())[:MOST_TOLD]]
        text = f"opened by network policies that are not the daemon's: {', '.join(told)}"
        return Condition("Isolated", "False", "OpenedByOthers", text, whose=Whose.PROVIDER)
    shut = ", ".join(facts.without_api_servers[:MOST_TOLD])
    text = (
        f"{shut} may ask the API server and no policy lets it: its addresses are not known (cluster.api_servers)"
        if shut
        else ""
    )
    return Condition("Isolated", "True", "PoliciesApplied", text, since_unix_s=facts.isolated_unix_s)


def _deployed(facts: LeaseFacts, problem: Problem | None) -> Condition:
    wanted = [service.name for service in facts.stored.group.services] if facts.stored is not None else []
    missing = sorted(set(wanted) - facts.deployed.keys())
    if missing or not wanted:
        text = f"not there: {', '.join(missing)}" if missing else ""
        return Condition("Deployed", "False", "Refused" if problem else "NotDeployed", text)
    return Condition("Deployed", "True", "WorkloadsApplied", since_unix_s=max(facts.deployed.values()))


def _routed(facts: LeaseFacts) -> Condition:
    if not facts.hosts:
        return Condition("Routed", "True", "NotAsked")
    held = sorted(facts.elsewhere)
    missing = sorted(facts.hosts - facts.routed - facts.elsewhere)
    tried = [waiting for waiting in facts.waiting if waiting.kind == "host"]
    if held:
        text = _told(tried) or f"another lease has {', '.join(held)}"
        return Condition("Routed", "False", "HostElsewhere", text, whose=Whose.TENANT)
    if missing:
        text = _told(tried) or f"no route for {', '.join(missing)}"
        theirs = any(waiting.why in (Why.BLOCKED, Why.UNPROVEN) for waiting in tried)
        return Condition("Routed", "False", "NoRoute", text, whose=Whose.TENANT if theirs else Whose.PROVIDER)
    if facts.lacks_class:
        text = f"the cluster has no IngressClass {facts.lacks_class!r} (cluster.ingress_class)"
        return Condition("Routed", "False", "NoIngressClass", text, whose=Whose.PROVIDER)
    if unserved := sorted(facts.unserved.keys() & facts.hosts):
        text = "; ".join(f"{host}: {facts.unserved[host]}" for host in unserved[:MOST_TOLD])
        return Condition("Routed", "False", "NotAccepted", text, whose=Whose.PROVIDER)
    return Condition("Routed", "True", "RoutesApplied", ", ".join(sorted(facts.hosts)))


def _addressed(facts: LeaseFacts) -> Condition:
    if not facts.addresses:
        return Condition("AddressAssigned", "True", "NotAsked")
    missing = sorted(service for service, given in facts.addresses.items() if not given)
    if missing:
        tried = [waiting for waiting in facts.waiting if waiting.kind == "ip"]
        text = _told(tried) or f"no address yet for {', '.join(missing)}"
        return Condition("AddressAssigned", "False", "NoAddress", text, whose=Whose.PROVIDER)
    given = sorted({address for addresses in facts.addresses.values() for address in addresses})
    return Condition("AddressAssigned", "True", "AddressesGiven", ", ".join(given))


def _told(tried: Sequence[Waiting]) -> str:
    return "; ".join(waiting.text for waiting in tried[:MOST_TOLD])


def _healthy(facts: LeaseFacts) -> Condition:
    ill = {name: service for name, service in facts.services.items() if not service.healthy}
    if not facts.services:
        return Condition("Healthy", "False", "NotDeployed")
    if not ill:
        since = max(service.since_unix_s for service in facts.services.values())
        return Condition("Healthy", "True", "AllServe", since_unix_s=since)
    worst = min(ill.values(), key=lambda service: (service.cause in (Cause.STARTING, Cause.NONE), service.available))
    text = "; ".join(f"{name} {s.available}/{s.total}: {s.reason}" for name, s in sorted(ill.items()))
    since = min((s.since_unix_s for s in ill.values() if s.since_unix_s), default=0)
    return Condition("Healthy", "False", _camel(worst.cause), text, since, worst.whose)


def _gone(facts: LeaseFacts) -> Condition:
    space = facts.namespace
    if space is None and facts.stored is None:
        return Condition("Gone", "True", "NothingLeft")
    if space is not None and space.going:
        return Condition("Gone", "False", "Terminating", space.waits_for, space.going_since_unix_s, Whose.PROVIDER)
    return Condition("Gone", "False", "NotTornDown", "the lease is over and its objects are still there")


def _camel(cause: Cause) -> str:
    return "".join(part.capitalize() for part in cause.value.split("-")) or "Starting"
