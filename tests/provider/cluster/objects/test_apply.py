"""Applying, pruning and deleting, against an API server in memory that can be told to object."""

from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.api.kinds import (
    DEPLOYMENT,
    HTTP_ROUTE,
    NAMESPACE,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    PROVIDER_HOST,
    SERVICE,
    STATEFUL_SET,
    Kind,
    kind_of,
)
from provider.cluster.api.kube import Object, WrongFields
from provider.cluster.objects.apply import apply_all, delete_labelled, prune, put
from provider.errors import AkpError, Conflict, NotFound, Refused, Retry

MANAGED = {"akash.network": "true"}


def obj(kind: Kind, name: str, namespace: str = "ns", **metadata: Any) -> Object:
    where = {"namespace": namespace} if kind.namespaced else {}
    meta = {"name": name, "labels": MANAGED, **where, **metadata}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}


class Store:
    """As much of Kube as these functions use. `objects` to `apply` when told to; `lingers` looks before a namespace is
    gone."""

    def __init__(self, *objects: Object) -> None:
        self.objects = {self.key(o): o for o in objects}
        self.trouble: dict[str, AkpError] = {}
        self.lingers = 0
        self.done: list[str] = []

    @staticmethod
    def key(o: Object) -> tuple[Kind, str, str]:
        return kind_of(o), o["metadata"].get("namespace", ""), o["metadata"]["name"]

    async def apply(self, o: Object) -> Object:
        if trouble := self.trouble.get(o["metadata"]["name"]):
            raise trouble
        self.objects[self.key(o)] = o
        self.done.append(o["metadata"]["name"])
        return o

    async def all(self, kind: Kind, namespace: str, labels: str) -> list[Object]:
        if trouble := self.trouble.get(kind.plural):
            raise trouble
        wanted = [part.partition("=") for part in labels.split(",") if "!" not in part]
        refused = [part.partition("!=") for part in labels.split(",") if "!" in part]
        return [
            o
            for (k, ns, _), o in self.objects.items()
            if (k, ns) == (kind, namespace)
            and all(o["metadata"]["labels"].get(key) == value for key, _, value in wanted)
            and all(o["metadata"]["labels"].get(key) != value for key, _, value in refused)
        ]

    async def delete(
        self, kind: Kind, namespace: str | None, name: str, grace: int | None = None, *, version: str = ""
    ) -> bool:
        found = (kind, namespace or "", name) in self.objects
        if kind is not NAMESPACE:
            self.objects.pop((kind, namespace or "", name), None)
        return found

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        if not self.lingers:
            raise NotFound(name)
        self.lingers -= 1
        return {
            "status": {
                "conditions": [{"status": "True", "message": "finalizers remain"}, {"status": "False", "message": "no"}]
            }
        }

    @property
    def names(self) -> set[str]:
        return {name for _, _, name in self.objects}


async def test_objects_are_applied_in_order() -> None:
    store = Store()
    await apply_all(store, [obj(NAMESPACE, "ns"), obj(NETWORK_POLICY, "shield"), obj(DEPLOYMENT, "web")])  # type: ignore[arg-type]
    assert store.done == ["ns", "shield", "web"]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (Refused("webhook"), Refused),
        (Retry("503"), Retry),
        pytest.param(NotFound('namespaces "ns" not found'), Retry, id="its namespace was deleted, no fault of anybody"),
    ],
)
async def test_nothing_runs_when_its_shield_could_not_be_put_up(trouble: AkpError, told: type[AkpError]) -> None:
    store = Store()
    store.trouble["shield"] = trouble
    with pytest.raises(told):
        await apply_all(store, [obj(NAMESPACE, "ns"), obj(NETWORK_POLICY, "shield"), obj(DEPLOYMENT, "web")])  # type: ignore[arg-type]
    assert store.done == ["ns"]


async def test_somebody_else_writing_at_the_same_time_passes() -> None:
    store = Store()
    store.trouble["web"] = Conflict("the object has been modified")
    with pytest.raises(Retry, match="modified"):
        await apply_all(store, [obj(DEPLOYMENT, "web")])  # type: ignore[arg-type]


@pytest.mark.parametrize("left", ["an added port", "the reference's fields"])
async def test_nothing_is_put_anew_because_what_is_left_over_cannot_be_taken_away(left: str) -> None:
    class Stubborn(Store):
        async def apply(self, o: Object) -> Object:
            await super().apply(o)
            if left == "an added port":
                return {**o, "spec": {"ports": [{"port": 80}, {"port": 81}]}}
            return {**o, "metadata": {**o["metadata"], "managedFields": [{"manager": "provider-services"}]}}

        async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
            if (kind, namespace or "", name) not in self.objects:
                raise NotFound(name)
            return self.objects[kind, namespace or "", name]

        async def create(self, *_: Any, **__: Any) -> Object:
            raise Conflict("already exists")  # so it is good in itself

        async def patch(self, *_: Any, **__: Any) -> Object:
            raise WrongFields("spec.ports: Required value")

    web = {**obj(SERVICE, "web", resourceVersion="1"), "spec": {"ports": [{"port": 80}]}}
    store = Stubborn()
    with pytest.raises(WrongFields, match="Required"):
        await put(store, web)  # type: ignore[arg-type]
    assert store.done == ["web"]
    assert store.names == {"web"}


async def test_what_was_not_rendered_is_deleted() -> None:
    kept = [obj(DEPLOYMENT, "web"), obj(SERVICE, "web")]
    store = Store(
        *kept,
        obj(STATEFUL_SET, "web"),  # what the service was before
        obj(SERVICE, "web-np"),
        obj(NETWORK_POLICY, "akash-web-np"),
        obj(DEPLOYMENT, "web", namespace="other-lease"),
        obj(SERVICE, "operators-own", labels={}),
        obj(SERVICE, "web-ip-80-tcp", labels={**MANAGED, "akash.network/service-target": "metal-lb"}),
        obj(PERSISTENT_VOLUME_CLAIM, "data-web-0"),
        obj(NAMESPACE, "ns"),
    )
    deleted = await prune(store, "ns", kept)  # type: ignore[arg-type]
    assert deleted == ["statefulsets/web", "services/web-ip-80-tcp", "services/web-np", "networkpolicies/akash-web-np"]
    assert store.names == {"web", "operators-own", "data-web-0", "ns"}
    assert (DEPLOYMENT, "other-lease", "web") in store.objects


async def test_a_kind_that_the_cluster_does_not_know_has_nothing_left_over() -> None:
    store = Store(obj(SERVICE, "old"))
    store.trouble[HTTP_ROUTE.plural] = NotFound("the server could not find the requested resource")
    assert await prune(store, "ns", []) == ["services/old"]  # type: ignore[arg-type]


async def test_what_is_going_already_is_not_deleted_again() -> None:
    store = Store(obj(DEPLOYMENT, "old", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert await prune(store, "ns", []) == []  # type: ignore[arg-type]


async def test_deleting_by_label_takes_only_what_matches() -> None:
    mine, theirs = obj(PROVIDER_HOST, "a", labels={"dseq": "1"}), obj(PROVIDER_HOST, "b", labels={"dseq": "2"})
    store = Store(mine, theirs)
    await delete_labelled(store, PROVIDER_HOST, "ns", "dseq=1")  # type: ignore[arg-type]
    assert store.names == {"b"}
    with pytest.raises(ValueError, match="everything"):
        await delete_labelled(store, PROVIDER_HOST, "ns", "")  # type: ignore[arg-type]


async def test_a_kind_the_cluster_does_not_know_has_nothing_to_delete() -> None:
    store = Store()
    store.trouble["providerhosts"] = NotFound("no such kind")
    await delete_labelled(store, PROVIDER_HOST, "ns", "dseq=1")  # type: ignore[arg-type]
