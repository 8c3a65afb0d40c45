"""Manifests accepted, or refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from json import dumps, loads

import pytest

from manifests.images import ImagePolicy
from manifests.render.site import ServicePlan
from manifests.sdl import Compiled, compile_sdl
from provider.errors import Blame, Refused, Retry, Unreachable
from provider.market.leases.problem import Problem

from .desks import A100, EXAMPLES, STRANGER, TENANT, Desk, compiled


@pytest.fixture
def desk() -> Desk:
    return Desk(compiled("01-web.yaml"))


async def test_two_hundred_means_stored(desk: Desk) -> None:
    assert await desk.put() == (200, "")
    (lease,) = desk.leases
    assert desk.cluster.stored[lease].group.name == "anywhere"
    assert desk.chain.asked == 0, "the book knows the hash"
    assert await desk.life.queue.get() == lease, "and the lease is looked at"


async def test_the_same_manifest_again_gives_a_refused_one_another_try(desk: Desk) -> None:
    await desk.put()
    desk.life.problems[desk.leases[0]] = Problem("quota exceeded", Blame.CLUSTER)
    assert await desk.put() == (200, "")
    assert desk.life.problems == {}


async def test_an_image_the_operator_does_not_run_is_refused_by_service_and_rule(desk: Desk) -> None:
    desk.reception._acceptance._images = lambda: ImagePolicy(deny=("docker.io/library/*",))
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
    desk.reception._acceptance._images = ImagePolicy
    assert await desk.put(body) == (200, ""), "a policy that has changed counts at once"


async def test_a_trusted_execution_environment_is_refused_rather_than_left_out(desk: Desk) -> None:
    body = desk.edited(params={"storage": None, "tee": {"type": "cpu", "attestation": True}})
    desk.agree_to(body)
    status, text = await desk.put(body)
    assert status == 422
    assert text == (
        "manifest rejected: [0].services[0].params.tee: this provider gives no trusted execution environment;"
        " take tee out, or choose another provider"
    )
    assert desk.cluster.stored == {}


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


def with_a_volume() -> Compiled:
    return compile_sdl((EXAMPLES / "03-persistent-storage.yaml").read_bytes().replace(b"beta2", b"beta3"))


async def test_a_service_with_volumes_keeps_its_name() -> None:
    """Its claims stay, and under another name it would be given others for the same money."""
    desk = Desk(with_a_volume())
    assert await desk.put() == (200, "")
    body = desk.edited(name="store")
    desk.agree_to(body)
    status, text = await desk.put(body)
    assert status == 422
    assert text.startswith("manifest rejected: service 'db' has volumes (data) and may not vanish or be called")
    assert desk.cluster.stored[desk.leases[0]].group.services[0].name == "db"


@pytest.mark.parametrize(
    ("trouble", "status"), [(Retry("it is down"), 503), (Refused("may not list"), 422)], ids=["down", "refuses"]
)
async def test_volumes_that_cannot_be_counted_are_not_given(trouble: Exception, status: int) -> None:
    desk = Desk(with_a_volume())

    async def objection(*_: object) -> None:
        raise trouble

    desk.cluster.volumes_objection = objection  # type: ignore[method-assign, assignment]
    assert (await desk.put())[0] == status
    assert desk.cluster.stored == {}
