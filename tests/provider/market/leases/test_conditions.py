"""A lease's conditions, as a table over what the cluster shows of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup, Service
from manifests.render.crd import StoredManifest
from manifests.resources import Cpu, Gpu, Memory, Resources
from provider.cluster.health.causes import Cause, Whose
from provider.cluster.health.namespaces import Namespace
from provider.cluster.health.workloads import ServiceHealth
from provider.cluster.leasefacts import LeaseFacts
from provider.cluster.routes.waiting import Waiting, Why
from provider.errors import Blame
from provider.market.leases.conditions import TYPES, conditions, first_unmet
from provider.market.leases.problem import Problem

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1p")
SIZE = Resources(1, Cpu(500), Memory(1 << 30), (), Gpu())
STORED = StoredManifest(LEASE, ManifestGroup("g", (Service("web", "i", None, None, None, SIZE, 2, ()),)), {})
SPACE = Namespace("ns", LEASE, made_unix_s=100)
FULL = LeaseFacts(
    LEASE,
    STORED,
    SPACE,
    isolated_unix_s=101,
    deployed={"web": 102},
    services={"web": ServiceHealth(2, 2, since_unix_s=110)},
    hosts=frozenset({"a.example"}),
    routed=frozenset({"a.example"}),
    addresses={"web": ("10.0.0.1",)},
)


def test_of_a_lease_as_its_tenant_asked_for_all_are_true() -> None:
    found = conditions(FULL)
    assert [(c.type, c.status) for c in found] == [(kind, "True") for kind in TYPES]
    assert [c.since_unix_s for c in found] == [100, 101, 102, 0, 0, 110]
    assert first_unmet(found) is None


def test_a_service_that_no_policy_lets_reach_the_api_server_is_isolated_and_told() -> None:
    found = {c.type: c for c in conditions(replace(FULL, without_api_servers=("web",)))}["Isolated"]
    assert (found.status, found.reason) == ("True", "PoliciesApplied")
    assert found.message.startswith("web may ask the API server and no policy lets it")


def ill(cause: Cause, why: str) -> dict[str, ServiceHealth]:
    return {"web": ServiceHealth(1, 2, why, cause, 120)}


INVALID, OVER_QUOTA = Problem("mountPath (422)", Blame.TENANT), Problem("exceeded quota (403)", Blame.CLUSTER)


def waits(why: Why, kind: str = "host") -> tuple[Waiting, ...]:
    return (Waiting(kind, "a.example", why, "set a TXT record"),)


@pytest.mark.parametrize(
    ("changes", "problem", "kind", "reason", "message", "whose"),
    [
        pytest.param(
            {"stored": None, "namespace": None},
            None,
            "Accepted",
            "NoManifest",
            "not sent",
            Whose.TENANT,
            id="no manifest",
        ),
        pytest.param(
            {"stored": None}, None, "Accepted", "NoManifest", "no longer", Whose.TENANT, id="manifest deleted"
        ),
        pytest.param({}, INVALID, "Accepted", "Refused", "mountPath", Whose.TENANT, id="refused"),
        pytest.param(
            {},
            OVER_QUOTA,
            "Accepted",
            "Refused",
            "quota",
            Whose.PROVIDER,
            id="refused by quota",
        ),
        pytest.param({"isolated_unix_s": None}, None, "Isolated", "NoPolicy", "", Whose.PROVIDER, id="no policies"),
        pytest.param({"changed": ("p",)}, None, "Isolated", "Changed", "p", Whose.PROVIDER, id="policy changed"),
        pytest.param({"isolates": False}, None, "Isolated", "PoliciesOff", "off", Whose.PROVIDER, id="policies off"),
        pytest.param(
            {"opened": {"b": "in and out", "a": "out"}},
            None,
            "Isolated",
            "OpenedByOthers",
            "a (out), b (in and out)",
            Whose.PROVIDER,
            id="opened by others",
        ),
        pytest.param({"deployed": {}}, None, "Deployed", "NotDeployed", "web", Whose.NOBODY, id="no workload"),
        pytest.param({"routed": frozenset()}, None, "Routed", "NoRoute", "a.example", Whose.PROVIDER, id="no route"),
        pytest.param(
            {"elsewhere": frozenset({"a.example"})},
            None,
            "Routed",
            "HostElsewhere",
            "a.example",
            Whose.TENANT,
            id="held",
        ),
        pytest.param(
            {"unserved": {"a.example": "NotAllowedByListeners: no", "old.example": "x"}},
            None,
            "Routed",
            "NotAccepted",
            "a.example: NotAllowedByListeners: no",
            Whose.PROVIDER,
            id="refused by the Gateway",
        ),
        pytest.param(
            {"lacks_class": "akash-ingress-class"},
            None,
            "Routed",
            "NoIngressClass",
            "akash-ingress-class",
            Whose.PROVIDER,
            id="no IngressClass",
        ),
        pytest.param(
            {"addresses": {"web": ()}}, None, "AddressAssigned", "NoAddress", "web", Whose.PROVIDER, id="no address"
        ),
        pytest.param(
            {"routed": frozenset(), "waiting": waits(Why.UNPROVEN)},
            None,
            "Routed",
            "NoRoute",
            "TXT",
            Whose.TENANT,
            id="not proved",
        ),
        pytest.param(
            {"routed": frozenset(), "waiting": waits(Why.REFUSED)},
            None,
            "Routed",
            "NoRoute",
            "TXT",
            Whose.PROVIDER,
            id="the route is refused",
        ),
        pytest.param(
            {"addresses": {"web": ()}, "waiting": waits(Why.ELSEWHERE, "ip")},
            None,
            "AddressAssigned",
            "NoAddress",
            "TXT",
            Whose.PROVIDER,
            id="the port is elsewhere",
        ),
        pytest.param(
            {"services": ill(Cause.IMAGE_PULL, "web-0: ErrImagePull")},
            None,
            "Healthy",
            "ImagePull",
            "web 1/2: web-0: ErrImagePull",
            Whose.TENANT,
            id="ill",
        ),
        pytest.param(
            {"services": ill(Cause.NODE_LOST, "n1")}, None, "Healthy", "NodeLost", "n1", Whose.PROVIDER, id="node lost"
        ),
    ],
)
def test_what_is_missing_has_its_reason(
    changes: dict[str, Any], problem: Problem | None, kind: str, reason: str, message: str, whose: Whose
) -> None:
    missing = first_unmet(conditions(replace(FULL, **changes), problem))
    assert missing is not None
    assert (missing.type, missing.status, missing.reason, missing.whose) == (kind, "False", reason, whose)
    assert message in missing.message


def test_what_was_not_asked_for_is_not_missing() -> None:
    plain = replace(FULL, hosts=frozenset(), routed=frozenset(), addresses={})
    found = {c.type: c for c in conditions(plain)}
    assert (found["Routed"].status, found["Routed"].reason) == ("True", "NotAsked")
    assert (found["AddressAssigned"].status, found["AddressAssigned"].reason) == ("True", "NotAsked")


def test_while_the_cluster_is_not_heard_of_nothing_is_claimed() -> None:
    found = conditions(replace(FULL, unseen_s=42.4))
    assert {c.status for c in found} == {"Unknown"}
    assert found[-1].message == "the API server has not been heard of for 42 s; before: AllServe"


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        pytest.param({}, "False", "NotTornDown", id="all is still there"),
        pytest.param(
            {"namespace": replace(SPACE, going_since_unix_s=200, waits_for="x.example/keep")},
            "False",
            "Terminating",
            id="it goes",
        ),
        pytest.param({"namespace": None, "stored": None}, "True", "NothingLeft", id="nothing is left"),
    ],
)
def test_of_a_lease_that_is_over(changes: dict[str, Any], status: str, reason: str) -> None:
    gone = conditions(replace(FULL, **changes), over=True)[-1]
    assert (gone.type, gone.status, gone.reason) == ("Gone", status, reason)


def test_a_live_leases_namespace_that_goes_says_so() -> None:
    going = replace(FULL, namespace=replace(SPACE, going_since_unix_s=200, waits_for="x.example/keep"))
    gone = conditions(going)[-1]
    assert (gone.reason, gone.message, gone.since_unix_s) == ("Terminating", "x.example/keep", 200)
