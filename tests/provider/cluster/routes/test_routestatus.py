from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.routes.routestatus import MOST_SAID, RouteStatus, of_http_route, of_ingress

GATEWAY = {"name": "akash-gateway", "namespace": "akash-gateway"}


def said(kind: str, status: str, reason: str = "", message: str = "", of: int = 2) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": of}


def by(*conditions: dict[str, Any], ref: dict[str, str] = GATEWAY) -> dict[str, Any]:
    return {"parentRef": ref, "controllerName": "example.com/gateway", "conditions": list(conditions)}


FINE = by(said("Accepted", "True", "Accepted"), said("ResolvedRefs", "True", "ResolvedRefs"))
NO = said("Accepted", "False", "NotAllowedByListeners", "no listener takes routes of this namespace")


@pytest.mark.parametrize(
    ("parents", "found"),
    [
        pytest.param([], RouteStatus(), id="nobody has said anything"),
        pytest.param([FINE], RouteStatus(taken=True), id="taken"),
        pytest.param(
            [by(NO)],
            RouteStatus(refused="NotAllowedByListeners: no listener takes routes of this namespace"),
            id="refused",
        ),
        pytest.param(
            [by(said("Accepted", "True"), said("ResolvedRefs", "False", "BackendNotFound"))],
            RouteStatus(taken=True, refused="BackendNotFound"),
            id="taken, and leads nowhere",
        ),
        pytest.param([by({**NO, "observedGeneration": 1})], RouteStatus(), id="of an older version"),
        pytest.param([by(said("Accepted", "True", of=1))], RouteStatus(taken=True), id="taken before its last change"),
        pytest.param([by(NO, ref={"name": "another", "namespace": "x"})], RouteStatus(), id="of another Gateway"),
        pytest.param([by({"type": "Accepted", "status": "False"})], RouteStatus(refused="not Accepted"), id="wordless"),
        pytest.param([by(said("Accepted", "Unknown", "Pending"))], RouteStatus(), id="not decided yet"),
        pytest.param([{"parentRef": GATEWAY}], RouteStatus(), id="half made"),
        pytest.param([by(NO), by(NO)], RouteStatus(refused=f"{NO['reason']}: {NO['message']}"), id="said twice"),
    ],
)
def test_what_a_gateways_controller_says(parents: list[Any], found: RouteStatus) -> None:
    route = {"metadata": {"generation": 2, "namespace": "ns"}, "spec": {"parentRefs": [{"kind": "Gateway", **GATEWAY}]}}
    assert of_http_route({**route, "status": {"parents": parents}}) == found


def test_its_words_are_bounded_and_a_gateway_of_the_same_namespace_is_named_without_it() -> None:
    long = by(said("Accepted", "False", "X", "y" * 5000), ref={"name": "gateway"})
    route = {
        "metadata": {"generation": 2, "namespace": "ns"},
        "spec": {"parentRefs": [{"name": "gateway", "namespace": "ns"}]},
    }
    assert len(of_http_route({**route, "status": {"parents": [long]}}).refused) == MOST_SAID


def test_an_ingress_is_taken_once_it_has_an_address() -> None:
    assert of_ingress({"metadata": {}}) == of_ingress({"status": {"loadBalancer": {}}}) == RouteStatus()
    assert of_ingress({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}).taken
