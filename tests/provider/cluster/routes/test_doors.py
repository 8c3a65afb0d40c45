from __future__ import annotations

from typing import Any

import pytest
import yaml

from provider.cluster.api.kinds import INGRESS, PROVIDER_HOST, PROVIDER_LEASED_IP, SERVICE
from provider.cluster.routes.doors import Door, apart, claim_of, covers, live, together


@pytest.fixture(scope="module")
def everything(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    home = request.path.parents[3] / "golden" / "render"
    return list(yaml.safe_load_all((home / "everything.yaml").read_text()))


def test_each_claim_has_what_leads_in_by_it_and_nothing_else_depends_on_one(everything: list[dict[str, Any]]) -> None:
    rest, doors = apart(everything)
    assert [(d.key[0], [r["metadata"]["name"] for r in d.routes]) for d in doors] == [
        (PROVIDER_HOST, ["a.example.com"]),
        (PROVIDER_HOST, ["f4hda8nk11ccj27s3g7t401ok0.ingress.example.net"]),
        (PROVIDER_LEASED_IP, ["web-ip-80-tcp"]),
    ]
    assert doors[0].called == "host name a.example.com"
    assert doors[2].called == "port 80/TCP of the address 'mine'"
    assert {o["kind"] for o in rest}.isdisjoint({"Ingress", "ProviderHost", "ProviderLeasedIP"})
    assert len(rest) + 2 * len(doors) == len(everything)


def test_of_two_of_one_name_the_last_counts(everything: list[dict[str, Any]]) -> None:
    """Applied in turn they would undo each other for ever."""
    twice = [o for o in everything if o["kind"] in ("Ingress", "ProviderHost")]
    others = [{**o, "spec": {**o["spec"], "later": True}} for o in twice]
    _, doors = apart([*twice, *others])
    assert len(doors) == 2
    assert all(door.claim["spec"]["later"] for door in doors)
    assert [[route["spec"]["later"] for route in door.routes] for door in doors] == [[True], [True]]


def test_the_ports_of_one_address_are_looked_at_together() -> None:
    def door(name: str, key: str = "") -> Door:
        claim = {"apiVersion": "akash.network/v2beta2", "kind": "ProviderHost", "metadata": {"name": name}}
        return Door({**claim, "spec": {"sharing_key": key} if key else {"hostname": name}}, ())

    doors = [door("a"), door("one-80", "one"), door("two-80", "two"), door("b"), door("one-81", "one")]
    found = [[d.claim["metadata"]["name"] for d in group] for group in together(doors)]
    assert found == [["a"], ["one-80", "one-81"], ["two-80"], ["b"]]


def test_what_the_reference_made_is_known_by_the_same_claims(shared: Any) -> None:
    import json

    objects = json.loads((shared / "conformance/objects/14-leased-ip/objects.json").read_text())
    _, doors = apart([o for o in objects if o["kind"] in ("Service", "Ingress", "ProviderHost", "ProviderLeasedIP")])
    assert len(doors) == 4
    assert all(len(door.routes) == 1 for door in doors)


def test_a_service_that_is_no_leased_port_and_one_that_was_spoiled() -> None:
    assert claim_of(SERVICE, {"metadata": {"name": "web"}, "spec": {}}) is None
    labels = {"akash.network/service-target": "metal-lb"}
    assert claim_of(SERVICE, {"metadata": {"name": "x", "labels": labels}, "spec": {}}) == (
        PROVIDER_LEASED_IP,
        "-tcp-none",
    )
    assert claim_of(INGRESS, {"metadata": {"name": "a.example"}}) == (PROVIDER_HOST, "a.example")


@pytest.mark.parametrize(
    ("case", "there", "said", "as_said"),
    [
        ("defaults of the API server", {"a": 1, "b": 2}, {"a": 1}, True),
        ("another value", {"a": 1}, {"a": 2}, False),
        ("missing", {}, {"a": {"b": 1}}, False),
        ("nobody set what is said to be empty", {}, {"a": "", "b": [], "c": False}, True),
        ("one more in a list", {"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 1}]}, False),
        ("defaults inside a list", {"a": [{"x": 1, "y": 2}]}, {"a": [{"x": 1}]}, True),
        ("another type", {"a": "text"}, {"a": {"b": 1}}, False),
    ],
)
def test_what_applying_would_change(case: str, there: Any, said: Any, as_said: bool) -> None:
    assert covers(there, said) is as_said


def test_what_is_kept_of_an_object() -> None:
    obj = {"metadata": {"name": "a", "labels": {"x": "y"}, "resourceVersion": "7"}, "spec": {"s": 1}, "status": {}}
    assert live(obj) == {
        "metadata": {"labels": {"x": "y"}, "annotations": {}, "resourceVersion": "7"},
        "spec": {"s": 1},
    }
