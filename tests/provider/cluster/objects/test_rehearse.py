"""What a dry run of an update says, with an API server in memory that answers as told."""

from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.api.kube import WrongFields
from provider.cluster.objects.rehearse import rehearse
from provider.errors import AkpError, Blame, Conflict, NotFound, Refused, Retry

OBJECTS = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "ns"}, "spec": {}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "ns"}, "spec": {}},
]


class Api:
    """`no` is what each kind is answered; an object `anew` is good in itself."""

    def __init__(self, *, anew: bool = True, **no: AkpError) -> None:
        self.anew, self.no, self.asked = anew, no, list[str]()

    async def apply(self, obj: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        assert dry_run
        self.asked.append(obj["kind"])
        if obj["kind"] in self.no:
            raise self.no[obj["kind"]]
        return obj

    async def get(self, *_: Any) -> dict[str, Any]:
        return {"metadata": {}}

    async def create(self, obj: dict[str, Any], *, dry_run: bool = False) -> None:
        assert dry_run
        raise Conflict("its name is taken") if self.anew else Refused("no")


async def test_what_is_accepted_is_asked_about_whole() -> None:
    api = Api()
    await rehearse(api, OBJECTS)  # type: ignore[arg-type]
    assert api.asked == ["Namespace", "Deployment", "Service"]


@pytest.mark.parametrize(
    ("api", "raised"),
    [
        pytest.param(Api(Service=Refused("quota", blame=Blame.CLUSTER)), Refused, id="refused"),
        pytest.param(Api(Service=WrongFields("port"), anew=False), WrongFields, id="wrong in itself"),
        pytest.param(Api(Service=Conflict("written meanwhile")), Retry, id="somebody wrote at the same time"),
        pytest.param(Api(Deployment=Retry("503")), Retry, id="no answer"),
    ],
)
async def test_the_first_no_is_raised(api: Api, raised: type[AkpError]) -> None:
    with pytest.raises(raised):
        await rehearse(api, OBJECTS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "api",
    [
        pytest.param(Api(Deployment=WrongFields("selector: immutable")), id="only the change is refused"),
        pytest.param(Api(Deployment=NotFound("namespaces ns not found")), id="its namespace has gone"),
        pytest.param(
            Api(Deployment=Refused('admission webhook "x.example" does not support dry run (400)')),
            id="a webhook that takes no dry runs",
        ),
    ],
)
async def test_what_may_yet_be_accepted_is_not_refused(api: Api) -> None:
    await rehearse(api, OBJECTS)  # type: ignore[arg-type]
