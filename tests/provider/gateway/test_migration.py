"""What may move, where to, and the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from manifests.ids import LeaseID
from provider.cluster.api.kinds import PROVIDER_HOST
from provider.cluster.routes.claims import Ownership, Taken
from provider.errors import Refused, Retry
from provider.gateway.authorize import Unauthorized
from provider.gateway.desk import Answer
from provider.gateway.migration import destination, endpoints, hostnames

FROM, TO, AGAIN = (LeaseID("akash1o", *ids, "akash1p") for ids in ((7, 1, 1), (9, 1, 1), (9, 1, 2)))
THEIRS = LeaseID("akash1x", 9, 1, 1, "akash1p")


def claim(name: str, service: str = "web") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"service_name": service}}


class Reach:
    def __init__(self) -> None:
        self.moved: list[str] = []
        self.trouble: Exception | None = None

    def hosts(self, lease: LeaseID) -> dict[str, Any]:
        return {"a.example": claim("a.example"), "b.example": claim("b.example", "db")}

    def endpoint(self, lease: LeaseID, name: str) -> list[Any]:
        return [claim("ip-80"), claim("ip-443")] if name == "mine" else []

    def holders(self, claims: Iterable[Any]) -> set[tuple[LeaseID, str]]:
        return {(FROM, c["spec"]["service_name"]) for c in claims}

    async def move(self, lease: LeaseID, claims: Sequence[Any]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.moved += [c["metadata"]["name"] for c in claims]


def anything(lease: LeaseID, service: str) -> None:
    pass


def test_the_destination_is_the_live_lease_of_the_group() -> None:
    assert destination([FROM, TO, THEIRS, AGAIN], "akash1o", 9, 1) == AGAIN
    for dseq, gseq in ((8, 1), (9, 2)):
        with pytest.raises(Answer) as no:
            destination([FROM, TO, THEIRS], "akash1o", dseq, gseq)
        assert (no.value.status, no.value.text) == (400, "destination deployment does not exist")


async def test_host_names_of_the_destinations_manifest_move() -> None:
    reach = Reach()
    await hostnames(reach, TO, ["A.example", "b.example"], anything)
    assert reach.moved == ["a.example", "b.example"]
    with pytest.raises(Answer) as no:
        await hostnames(reach, TO, ["a.example", "c.example"], anything)
    assert (no.value.status, no.value.text) == (400, 'the hostname "c.example" is not used by this deployment')
    assert len(reach.moved) == 2, "nothing moves when something cannot"


async def test_all_ports_of_the_named_address_move_and_no_other() -> None:
    reach = Reach()
    await endpoints(reach, TO, ["mine"], anything)
    assert reach.moved == ["ip-80", "ip-443"]
    with pytest.raises(Answer) as no:
        await endpoints(reach, TO, ["mine", "other"], anything)
    assert no.value.text == 'the endpoint "other" does not exist in the destination deployment'


@pytest.mark.parametrize("of", [FROM, TO])
async def test_both_sides_are_asked_about(of: LeaseID) -> None:
    def allowed(lease: LeaseID, service: str) -> None:
        if lease == of:
            raise Unauthorized(service)

    reach = Reach()
    with pytest.raises(Unauthorized):
        await hostnames(reach, TO, ["a.example"], allowed)
    assert reach.moved == []


@pytest.mark.parametrize(
    ("trouble", "status", "text"),
    [
        (
            Taken(Ownership(PROVIDER_HOST, "a.example", THEIRS, "1", "", {})),
            400,
            'hostname not allowed: host "a.example" in use',
        ),
        (Retry("503"), 503, "the cluster cannot be changed now, try again: 503"),
        (Refused("quota"), 500, "failed transferring: quota"),
    ],
)
async def test_what_can_go_wrong_is_told(trouble: Exception, status: int, text: str) -> None:
    reach = Reach()
    reach.trouble = trouble
    with pytest.raises(Answer) as no:
        await hostnames(reach, TO, ["a.example"], anything)
    assert (no.value.status, no.value.text) == (status, text)
