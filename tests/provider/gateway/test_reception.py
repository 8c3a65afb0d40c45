"""The desk as it is: manifests accepted or refused with a reason, and what tenants are told. Book, room and leases are
real; chain and cluster are in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from json import dumps, loads
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.room import Room
from bidengine.views import Deployment, Group, Lease, MarketParams, Order, Provider
from manifests.coins import E18, Coin, DecCoin
from manifests.gpus import GpuModel
from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID
from manifests.images import ImagePolicy
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.render.site import ServicePlan
from manifests.sdl import Compiled, compile_sdl
from manifests.wire import manifest_json
from provider.cluster.routes.waiting import Waiting, Why
from provider.errors import NotFound, Refused, Retry, Unreachable
from provider.gateway.desk import Answer
from provider.gateway.reception import Reception
from provider.market.book import Book
from provider.market.leases import Leases
from provider.metrics import Metrics
from provider.settings import LeaseSettings

EXAMPLES = Path(__file__).resolve().parent.parent.parent.parent / "examples"
US, TENANT, STRANGER = "akash1us", "akash1tenant", "akash1stranger"
A100, RTX = GpuModel("nvidia", "a100", "80Gi", "sxm"), GpuModel("nvidia", "rtx4090", "24Gi", "pcie")


@dataclass
class MemoryChain:
    deployments: dict[DeploymentID, Deployment] = field(default_factory=dict)
    certificates: dict[tuple[str, int], Any] = field(default_factory=dict)
    accounts: dict[str, Any] = field(default_factory=dict)
    trouble: Exception | None = None
    asked: int = 0

    async def deployment(self, deployment: DeploymentID) -> Deployment:
        return self._answer(self.deployments, deployment)

    async def certificate(self, owner: str, serial: int) -> Any:
        return self._answer(self.certificates, (owner, serial))

    async def account(self, address: str) -> Any:
        return self._answer(self.accounts, address)

    def _answer(self, table: Any, key: Any) -> Any:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        if key not in table:
            raise NotFound(f"{key} not found")
        return table[key]


@dataclass
class MemoryReach:
    refused: str | None = None
    told: tuple[Waiting, ...] = ()
    moved: list[str] = field(default_factory=list)

    def objection(self, lease: LeaseID, group: ManifestGroup) -> str | None:
        return self.refused

    def waiting(self, lease: LeaseID) -> tuple[Waiting, ...]:
        return self.told

    def hosts(self, lease: LeaseID) -> dict[str, Any]:
        return {"a.example": {"metadata": {"name": "a.example"}, "spec": {"service_name": "web"}}}

    def endpoint(self, lease: LeaseID, name: str) -> list[Any]:
        return [{"metadata": {"name": name}, "spec": {"service_name": "web"}}]

    def holders(self, claims: Any) -> set[tuple[LeaseID, str]]:
        return set()

    async def move(self, lease: LeaseID, claims: Any) -> None:
        self.moved += [claim["metadata"]["name"] for claim in claims]


@dataclass
class MemoryCluster:
    reach: MemoryReach = field(default_factory=MemoryReach)
    stored: dict[LeaseID, StoredManifest] = field(default_factory=dict)
    running: dict[LeaseID, dict[str, Any]] = field(default_factory=dict)
    trouble: Exception | None = None
    troubles: dict[int, Exception] = field(default_factory=dict)
    """by the group's number"""
    fresh: bool = True

    def leases(self) -> dict[LeaseID, StoredManifest]:
        return self.stored

    def namespaces(self) -> set[LeaseID]:
        return set(self.running)

    def lease_status(self, lease: LeaseID) -> dict[str, Any] | None:
        return self.running.get(lease)

    async def store_manifest(self, lease: LeaseID, group: ManifestGroup, plan: Any, *, dry_run: bool = False) -> None:
        if self.trouble is not None:
            raise self.trouble
        if (trouble := self.troubles.get(lease.gseq)) is not None:
            raise trouble
        if not dry_run:
            self.stored[lease] = StoredManifest(lease, group, plan)


class Desk:
    """A provider with one node and one lease: deployment 7 of TENANT, ordered with `compiled`."""

    def __init__(self, compiled: Compiled, leased_groups: int = 1) -> None:
        self.chain, self.cluster, self.metrics = MemoryChain(), MemoryCluster(), Metrics()
        params = MarketParams((Coin("uakt", 1),), 20, 0, 0)
        self.book = Book(Provider(US, "https://us.test:8443", ()), params, 5, 50)
        self.room = Room(Commit())
        node = Node("n1", 64_000, 64 << 30, 1 << 40, gpus={RTX: 4, A100: 8})
        self.room.see(Inventory((node,), storage_bytes={"beta3": 1 << 40}, node_ports=10, leased_ips=4))
        self.deployment = DeploymentID(TENANT, 7)
        groups = [Group(GroupID(TENANT, 7, n), "open", spec) for n, spec in enumerate(compiled.groups, start=1)]
        self.chain.deployments[self.deployment] = Deployment(self.deployment, "active", compiled.version, tuple(groups))
        self.book.deployments[self.deployment] = self.chain.deployments[self.deployment]
        self.leases = [self.lease(group) for group in groups[:leased_groups]]
        self.body = dumps(manifest_json(compiled.manifest)).encode()
        self.life = Leases(self.book, self.room, self.cluster, Some(), Some(), LeaseSettings(), lambda: 6000)
        self.reception = Reception(
            self.book, self.room, self.life, self.cluster, lambda: self.chain, self.metrics,
            public_hostname="provider.test", kube_version={"gitVersion": "v1.34.0"}, open_orders=lambda: 3,
        )  # fmt: skip

    def lease(self, group: Group) -> LeaseID:
        order = OrderID(TENANT, 7, group.id.gseq, 1)
        lease = order.bid_of(US)
        self.book.orders[order] = Order(order, "active", group.spec, 3)
        self.book.leases[lease] = Lease(lease, "active", DecCoin("uact", 5 * E18), 4)
        placement = self.room.fit(group.spec)
        self.room.hold(order, group.spec, placement, height=3)
        self.room.lease(lease, height=4)
        return lease

    async def put(self, body: bytes | None = None, *, owner: str = TENANT, dseq: int = 7) -> tuple[int, str]:
        try:
            await self.reception.submit_manifest(owner, dseq, self.body if body is None else body)
        except Answer as answer:
            return answer.status, answer.text
        return 200, ""

    def edited(self, **changes: Any) -> bytes:
        """The manifest with something else in its first service."""
        groups = loads(self.body)
        groups[0]["services"][0].update(changes)
        return dumps(groups).encode()

    def agree_to(self, body: bytes) -> None:
        """The tenant puts this manifest's hash on chain."""
        from manifests.digest import version
        from manifests.wire import parse_manifest

        hashed = replace(self.chain.deployments[self.deployment], hash=version(parse_manifest(body)))
        self.chain.deployments[self.deployment] = hashed


def compiled(name: str) -> Compiled:
    return compile_sdl((EXAMPLES / name).read_bytes())


@pytest.fixture
def desk() -> Desk:
    return Desk(compiled("01-web.yaml"))


# PUT manifest (gateway-auth.md §5.2, §8.3).


async def test_two_hundred_means_stored(desk: Desk) -> None:
    assert await desk.put() == (200, "")
    (lease,) = desk.leases
    assert desk.cluster.stored[lease].group.name == "anywhere"
    assert desk.chain.asked == 0, "the book knows the hash"
    assert await desk.life.queue.get() == lease, "and the lease is looked at"


async def test_the_same_manifest_again_gives_a_refused_one_another_try(desk: Desk) -> None:
    await desk.put()
    desk.life.problems[desk.leases[0]] = "quota exceeded"
    assert await desk.put() == (200, "")
    assert desk.life.problems == {}


async def test_an_image_the_operator_does_not_run_is_refused_by_service_and_rule(desk: Desk) -> None:
    desk.reception._images = lambda: ImagePolicy(deny=("docker.io/library/*",))
    status, text = await desk.put(desk.edited(image="nginx"))
    assert (status, text) == (422, "manifest version validation failed"), "first it must be the one on chain"
    body = desk.edited(image="nginx")
    desk.agree_to(body)
    status, text = await desk.put(body)
    assert status == 422
    assert text == (
        "manifest rejected: [0].services[0].image: service 'web': the image 'nginx'"
        " is refused by this provider (images.deny: docker.io/library/*)"
    )
    assert desk.cluster.stored == {}
    assert desk.metrics.registry.get_sample_value("akp_manifests_total", {"answer": "422"}) == 2
    desk.reception._images = ImagePolicy
    assert await desk.put(body) == (200, ""), "a policy that has changed counts at once"


@pytest.mark.parametrize(
    ("owner", "dseq"), [(TENANT, 8), (STRANGER, 7)], ids=["no such deployment", "someone else's lease"]
)
async def test_no_lease_no_manifest(desk: Desk, owner: str, dseq: int) -> None:
    """Console retries on exactly this text."""
    assert await desk.put(owner=owner, dseq=dseq) == (404, "no lease for deployment")
    assert desk.cluster.stored == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "invalid manifest: "),
        (b"\xff\xfe", "invalid manifest: "),
        (b"{not json", "invalid manifest: "),
        (b'{"name": "anywhere"}', "invalid manifest: "),
        (b"[]", "invalid manifest: "),
        (b'[{"name": "anywhere", "services": []}]', "invalid manifest: "),
        (b'[{"name": "anywhere", "services": [{"name": "web"}]}]', "invalid manifest: [0].services[0]"),
    ],
    ids=["nothing", "not text", "not JSON", "not a list", "no group", "no service", "no resources"],
)
async def test_garbage_is_refused_by_name(desk: Desk, body: bytes, words: str) -> None:
    status, text = await desk.put(body)
    assert status == 422
    assert text.startswith(words)
    assert text.count("invalid manifest") == 1


async def test_a_manifest_of_another_hash_is_refused_after_the_chain_was_asked(desk: Desk) -> None:
    assert await desk.put(desk.edited(image="docker.io/library/other:1")) == (422, "manifest version validation failed")
    assert desk.chain.asked == 1
    assert desk.cluster.stored == {}


async def test_a_hash_that_was_updated_a_moment_ago_is_believed(desk: Desk) -> None:
    body = desk.edited(image="docker.io/library/other:1")
    desk.agree_to(body)
    assert await desk.put(body) == (200, "")
    assert desk.cluster.stored[desk.leases[0]].group.services[0].image == "docker.io/library/other:1"


async def test_a_manifest_that_disagrees_with_its_order_is_refused(desk: Desk) -> None:
    body = desk.edited(count=2)
    desk.agree_to(body)
    status, text = await desk.put(body)
    assert status == 422
    assert text.startswith("manifest cross-validation error: ")
    assert text.count("cross-validation") == 1


async def test_a_group_the_order_does_not_know_is_refused(desk: Desk) -> None:
    groups = loads(desk.body)
    groups[0]["name"] = "elsewhere"
    body = dumps(groups).encode()
    desk.agree_to(body)
    status, text = await desk.put(body)
    assert status == 422
    assert "elsewhere" in text


async def test_only_the_groups_leased_here_are_stored() -> None:
    desk = Desk(compiled("14-two-placements.yaml"), leased_groups=1)
    assert await desk.put() == (200, "")
    assert set(desk.cluster.stored) == set(desk.leases)


async def test_both_groups_leased_here_are_stored_each_with_its_own() -> None:
    desk = Desk(compiled("14-two-placements.yaml"), leased_groups=2)
    assert await desk.put() == (200, "")
    names = [desk.cluster.stored[lease].group.name for lease in desk.leases]
    assert names == [g.spec.name for g in desk.chain.deployments[desk.deployment].groups]


@pytest.mark.parametrize("gseq", [1, 2])
@pytest.mark.parametrize(
    ("trouble", "status"), [(Refused("denied"), 422), (Retry("it is down"), 503)], ids=["refused", "down"]
)
async def test_where_one_group_cannot_be_stored_none_is(gseq: int, trouble: Exception, status: int) -> None:
    """What is stored is deployed, and its tenant has been told no."""
    desk = Desk(compiled("14-two-placements.yaml"), leased_groups=2)
    desk.cluster.troubles[gseq] = trouble
    assert (await desk.put())[0] == status
    assert desk.cluster.stored == {}
    assert desk.life.queue.idle
    desk.cluster.troubles.clear()
    assert await desk.put() == (200, "")
    assert set(desk.cluster.stored) == set(desk.leases)


@pytest.mark.parametrize("trouble", [Unreachable("no node answers"), Retry("the node lags")], ids=["dead", "lags"])
async def test_a_chain_that_cannot_be_asked_is_no_refusal(desk: Desk, trouble: Exception) -> None:
    desk.chain.trouble = trouble
    assert await desk.put() == (200, ""), "nothing needs to be asked"
    status, text = await desk.put(desk.edited(image="docker.io/library/other:1"))
    assert (status, text) == (503, f"the chain cannot be asked now: {trouble}")


async def test_a_deployment_that_is_gone_from_the_chain(desk: Desk) -> None:
    desk.chain.deployments.clear()
    body = desk.edited(image="docker.io/library/other:1")
    assert await desk.put(body) == (404, "no lease for deployment")


@pytest.mark.parametrize(
    ("trouble", "status", "text"),
    [
        (Retry("the API server answers 503"), 503, "the cluster cannot take it now: the API server answers 503"),
        (Refused('service "web" needs a host name'), 422, 'manifest rejected: service "web" needs a host name'),
    ],
    ids=["down", "refuses"],
)
async def test_what_the_cluster_says_is_passed_on(desk: Desk, trouble: Exception, status: int, text: str) -> None:
    desk.cluster.trouble = trouble
    assert await desk.put() == (status, text)
    assert desk.cluster.stored == {}
    assert desk.life.queue.idle


async def test_every_answer_is_counted(desk: Desk) -> None:
    await desk.put()
    await desk.put(b"")
    await desk.put(dseq=8)
    text = desk.metrics.text().decode()
    for answer in ("200", "422", "404"):
        assert f'akp_manifests_total{{answer="{answer}"}} 1.0' in text


async def test_the_card_promised_goes_with_the_manifest() -> None:
    desk = Desk(compiled("04-gpu.yaml"))
    assert await desk.put() == (200, "")
    (lease,) = desk.leases
    stored = desk.cluster.stored[lease]
    promised = {slot.gpu for slot in desk.room.holds[lease.order].placement.slots if slot.gpu is not None}
    assert promised
    assert stored.plan["choosy"] == ServicePlan("nvidia", A100, ("n1",))
    assert {plan.gpu for plan in stored.plan.values() if plan.gpu is not None} == promised
    assert all(plan.runtime_class == ("nvidia" if plan.gpu is not None else "") for plan in stored.plan.values())


async def test_the_nodes_reckoned_with_go_with_the_first_manifest_and_stay(desk: Desk) -> None:
    """A service keeps the wish it was deployed with, and a lease taken over has none: either would restart it."""
    (lease,) = desk.leases
    await desk.put()
    first = desk.cluster.stored[lease]
    (service,) = first.group.services
    assert first.plan[service.name].nodes == ("n1",)
    for kept in (("elsewhere",), ()):
        desk.cluster.stored[lease] = replace(first, plan={service.name: ServicePlan(nodes=kept)})
        assert await desk.put() == (200, "")
        assert desk.cluster.stored[lease].plan[service.name].nodes == kept


# What tenants are told.


async def test_the_status_of_a_lease_is_the_clusters(desk: Desk) -> None:
    (lease,) = desk.leases
    await desk.put()
    assert desk.reception.lease_status(lease) == {"services": {}, "forwarded_ports": None, "ips": None}
    running = {"services": {"web": {"name": "web", "available": 1}}, "forwarded_ports": {}, "ips": None}
    desk.cluster.running[lease] = running
    assert desk.reception.lease_status(lease) == running
    desk.life.problems[lease] = "quota exceeded"
    assert desk.reception.lease_status(lease) == {**running, "errors": ["quota exceeded"]}


@pytest.mark.parametrize("missing", ["the manifest", "the lease", "it is another's"])
async def test_there_is_no_status_without_lease_and_manifest(desk: Desk, missing: str) -> None:
    (lease,) = desk.leases
    if missing != "the manifest":
        await desk.put()
    if missing == "the lease":
        desk.book.leases.clear()
    if missing == "it is another's":
        lease = replace(lease, owner=STRANGER)
    for question in (desk.reception.lease_status, desk.reception.lease_manifest):
        with pytest.raises(Answer) as no:
            question(lease)
        assert (no.value.status, no.value.text) == (404, "lease not found")


async def test_a_manifest_can_be_read_back(desk: Desk) -> None:
    await desk.put()
    assert desk.reception.lease_manifest(desk.leases[0]) == loads(desk.body)


async def test_the_providers_status(desk: Desk) -> None:
    """gateway-auth.md §5.1: figures in milli-CPU, cards and bytes, one element per reservation."""
    await desk.put()
    order = OrderID(STRANGER, 9, 1, 1)
    spec = desk.book.orders[desk.leases[0].order].spec
    desk.room.hold(order, spec, desk.room.fit(spec), height=5)
    held = {"cpu": 100, "gpu": 0, "memory": 64 << 20, "storage_ephemeral": 128 << 20, "storage": {}}
    left = {
        "cpu": 63_800,
        "gpu": 12,
        "memory": (64 << 30) - (128 << 20),
        "storage_ephemeral": (1 << 40) - (256 << 20),
    }
    assert desk.reception.status() == {
        "cluster": {
            "leases": 1,
            "inventory": {
                "available": {
                    "nodes": [{"name": "n1", "available": left}],
                    "storage": [{"class": "beta3", "size": 1 << 40}],
                },
                "active": [held],
                "pending": [held],
            },
        },
        "bidengine": {"orders": 3},
        "manifest": {"deployments": 1},
        "cluster_public_hostname": "provider.test",
        "address": US,
    }
    dumps(desk.reception.status())


def test_a_reclamation_window_is_told_in_nanoseconds(desk: Desk) -> None:
    offering = Reception(
        desk.book, desk.room, desk.life, desk.reception.cluster, lambda: desk.chain, desk.reception.metrics,
        public_hostname="", kube_version={}, open_orders=lambda: 0, reclamation_window_s=3600,
    )  # fmt: skip
    assert offering.status()["reclamation_window"] == 3_600_000_000_000


def test_the_version_is_one_that_console_does_not_hide(desk: Desk) -> None:
    found = desk.reception.version()
    assert found["kube"] == {"gitVersion": "v1.34.0"}
    sdk = tuple(int(part) for part in found["akash"]["cosmos_sdk_version"].removeprefix("v").split("."))
    assert sdk >= (0, 45, 9)


# Who a caller is, as the chain has it.


async def test_certificates_and_keys_are_the_chains(desk: Desk) -> None:
    desk.chain.certificates = {
        (TENANT, 1): Some(state="valid", cert_pem=b"PEM"),
        (TENANT, 2): Some(state="revoked", cert_pem=b"OLD"),
    }
    desk.chain.accounts = {TENANT: Some(public_key=b"key")}
    assert await desk.reception.certificate(TENANT, 1) == b"PEM"
    assert await desk.reception.certificate(TENANT, 2) is None
    assert await desk.reception.certificate(TENANT, 3) is None
    assert await desk.reception.account_key(TENANT) == b"key"
    assert await desk.reception.account_key(STRANGER) is None
    desk.chain.trouble = Unreachable("no node answers")
    for question in (desk.reception.certificate(TENANT, 1), desk.reception.account_key(TENANT)):
        with pytest.raises(Answer) as no:
            await question
        assert no.value.status == 503


async def test_a_host_name_that_cannot_be_had_is_409_in_the_references_words(desk: Desk) -> None:
    desk.cluster.reach.refused = 'hostname not allowed: host "a.example" in use'
    assert await desk.put() == (409, 'hostname not allowed: host "a.example" in use')
    desk.cluster.reach.refused = 'manifest rejected: service "web" exposed on 80:TCP must have a hostname'
    assert (await desk.put())[0] == 422
    assert desk.cluster.stored == {}


async def test_no_more_addresses_than_were_ordered() -> None:
    """On chain three ports on addresses are three endpoints, whichever addresses they are."""
    desk = Desk(compiled("06-leased-ip.yaml"))
    groups = loads(desk.body)
    exposes = [e for s in groups[0]["services"] for e in s["expose"] if e["ip"]]
    names = {e["ip"] for e in exposes}
    assert len(exposes) > len(names), "the example shares an address"
    for n, expose in enumerate(exposes):
        expose["ip"] = f"ip{n}"
    body = dumps(groups).encode()
    desk.agree_to(body)
    status, text = await desk.put(body)
    assert (status, text.partition(":")[0]) == (422, "manifest rejected")
    assert f"{len(names)} were ordered" in text


async def test_what_is_not_reached_yet_is_told_with_the_status(desk: Desk) -> None:
    await desk.put()
    (lease,) = desk.leases
    desk.cluster.reach.told = (Waiting("host", "a.example", Why.ELSEWHERE, "host name a.example leads elsewhere"),)
    assert desk.reception.lease_status(lease)["errors"] == ["host name a.example leads elsewhere"]


async def test_names_move_to_a_live_lease(desk: Desk) -> None:
    await desk.reception.migrate_hostnames(TENANT, 7, 1, ["a.example"], lambda lease, service: None)
    await desk.reception.migrate_endpoints(TENANT, 7, 1, ["mine"], lambda lease, service: None)
    assert desk.cluster.reach.moved == ["a.example", "mine"]
    for move in (desk.reception.migrate_hostnames, desk.reception.migrate_endpoints):
        with pytest.raises(Answer, match="destination deployment does not exist"):
            await move(TENANT, 8, 1, ["a.example"], lambda lease, service: None)
