"""The whole daemon in this process, over the sandbox chain and the embedded cluster: how it starts, what keeps it from
starting, what it outlives, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from manifests.coins import Coin
from manifests.ids import DeploymentID
from provider import daemon
from provider.chain.client import Chain
from provider.chain.keys import Key
from provider.chain.messages import CreateDeployment, CreateLease
from provider.cluster.api.kinds import MANIFEST
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.routes.hostnames import why_blocked
from provider.errors import AkpError, ConfigError, Fatal, NotFound, Refused, Retry, Unreachable
from provider.ledger.books import Books, Head
from provider.ledger.store import Store
from provider.market.money.accounts import Accounts
from provider.market.standing.certificate import Certificate
from provider.sandbox.network import kept_port
from provider.sandbox.tenant import Gateway, Tenant
from provider.sandbox.town import living
from provider.settings import ClusterSettings, Settings

CLOSED = "127.0.0.1:1"
"""nobody listens on port 1"""


@pytest.fixture
def lived_in(in_town: Callable[..., Any]) -> Callable[..., Any]:
    """`async with lived_in() as (town, running)`: with the daemon up, in this process."""

    @asynccontextmanager
    async def open_(**kw: Any) -> AsyncIterator[tuple[Any, daemon.Running]]:
        async with in_town(**kw) as town, living(town.net) as running:
            yield town, running

    return open_


@pytest.fixture
def port() -> Iterator[int]:
    with kept_port() as kept:
        yield kept


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=180)


def changed(settings: Settings, part: str, **values: Any) -> Settings:
    return settings.model_copy(update={part: getattr(settings, part).model_copy(update=values)})


async def ended_by(settings: Settings) -> AkpError:
    """The error a start ends with; it must be one of ours, and tell on one line."""
    with pytest.raises((AkpError, BaseExceptionGroup)) as found:
        await asyncio.wait_for(daemon.run(settings), 300)
    error: BaseException = found.value
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions
    assert isinstance(error, AkpError)
    assert "\n" not in str(error)
    return error


# Starting and ending.


async def test_it_comes_up_says_so_and_ends_when_told(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town, asyncio.TaskGroup() as tasks:
        stop = asyncio.Event()
        up: asyncio.Future[daemon.Running] = asyncio.get_running_loop().create_future()
        task = tasks.create_task(daemon.run(town.net.settings, stop=stop, up=up.set_result))
        running = await asyncio.wait_for(up, 300)
        assert running.address == town.net.provider.address
        async with client() as http:

            async def ready() -> bool:
                said = await http.get(f"http://127.0.0.1:{running.health_port}/readyz")
                return (said.status_code, said.text) == (200, "ready\n")

            await until("it says so", ready)
            metrics = await http.get(f"http://127.0.0.1:{running.health_port}/metrics")
        assert "akp_height" in metrics.text

        async def listed() -> bool:
            return bool(await town.net.chain.latest.certificates(running.address))

        await until("its certificate is on chain", listed)
        stop.set()
        await asyncio.wait_for(task, 300)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", running.gateway_port)


async def test_it_tells_what_a_coin_is_worth_and_where_auto_pricing_stands(
    lived_in: Callable[..., Any], until: Any
) -> None:
    async with lived_in() as (town, running), client() as http:

        async def told() -> bool:
            text = (await http.get(f"http://127.0.0.1:{running.health_port}/metrics")).text
            return (
                'akp_price_usd{denom="akt"} 0.5' in text
                and 'akp_oracle_age_seconds{denom="akt"}' in text
                and 'akp_auto_price_factor{mode="dry-run",subject="nvidia/a100"} 1.0' in text
                and (town.work / "auto-price.json").exists()  # written in a thread, after that is told
            )

        await until("the oracle was asked and the cluster looked at", told)
        kept = json.loads((town.work / "auto-price.json").read_text())
        assert kept["mode"] == "dry-run"
        assert kept["factors"].keys() >= {"cpu", "nvidia/a100", "nvidia/t4"}


async def test_no_tenant_may_have_the_name_under_which_the_chain_says_it_is_reached(
    in_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[ClusterSettings] = []
    watch = Cluster.watch

    async def watched(kube: Kube, settings: ClusterSettings, *args: Any) -> Cluster:
        seen.append(settings)
        return await watch(kube, settings, *args)

    monkeypatch.setattr(Cluster, "watch", watched)
    async with in_town() as town, living(town.net):
        pass
    assert why_blocked(["127.0.0.1"], seen[0]) == 'hostname not allowed: "127.0.0.1" is blocked by this provider'


async def test_a_second_start_uses_the_same_certificate(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town:
        owner = town.net.provider.address

        async def listed() -> bool:
            return bool(await town.net.chain.latest.certificates(owner))

        for _ in range(2):
            async with living(town.net):
                await until("its certificate is on chain", listed)
        assert len(await town.net.chain.latest.certificates(owner)) == 1


# What keeps it from starting.


async def test_a_node_of_another_chain(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        error = await ended_by(changed(town.net.settings, "chain", id="akashnet-2"))
    assert isinstance(error, ConfigError)
    assert "akashnet-2" in str(error)


async def test_a_key_without_a_provider_record(in_town: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "other.hex").write_text("11" * 32)
    async with in_town() as town:
        error = await ended_by(changed(town.net.settings, "key", hex_file=tmp_path / "other.hex"))
    assert isinstance(error, ConfigError)
    assert f"{Key.from_hex('11' * 32).address} is not registered" in str(error)


@pytest.mark.parametrize("which", ["grpc", "rpc"])
async def test_a_dead_node(which: str, in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        (node,) = town.net.settings.chain.nodes
        dead = node.model_copy(update={which: f"http://{CLOSED}"})
        error = await ended_by(changed(town.net.settings, "chain", nodes=(dead,)))
    assert isinstance(error, Unreachable)
    assert CLOSED in str(error)


async def test_a_node_whose_servers_answer_with_errors(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        town.net.node.chaos.fail_rpc(502)
        error = await ended_by(town.net.settings)
        town.net.node.chaos.heal()
    assert isinstance(error, Unreachable)
    assert "502" in str(error)


async def test_a_dead_api_server(in_town: Callable[..., Any], tmp_path: Path) -> None:
    async with in_town() as town:
        config = json.dumps(town.net.embedded.config()).replace(town.net.embedded.url, f"http://{CLOSED}")
        (tmp_path / "kubeconfig").write_text(config)
        error = await ended_by(changed(town.net.settings, "cluster", kubeconfig=tmp_path / "kubeconfig"))
    assert isinstance(error, Unreachable)
    assert CLOSED in str(error)


async def test_a_ledger_that_is_ahead_of_the_chain(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        async with Store.open(town.net.ledger) as store:
            await Books(store).advance(Head(10**6, 1))
        error = await ended_by(town.net.settings)
    assert isinstance(error, Fatal)
    assert "1000000" in str(error)


async def test_a_ledger_of_another_chain(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        async with Store.open(town.net.ledger) as store:
            await store.belongs_to(chain="akashnet-2")
        error = await ended_by(town.net.settings)
    assert isinstance(error, ConfigError)
    assert "akashnet-2" in str(error)


async def test_on_the_command_line_it_is_one_line_and_an_exit_code(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "provider", "run", "--config", str(town.work / "akp.yaml"),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "AKP_CHAIN__ID": "akashnet-2"},
        )  # fmt: skip
        _, err = await process.communicate()
    assert process.returncode == 2
    (line,) = [line for line in err.decode().splitlines() if not line.startswith("{")]
    assert line.startswith("akp: chain.")


# Trouble it outlives.


@pytest.mark.parametrize("step", ["order", "lease", "manifest", "ready", "closed"])
async def test_nodes_that_are_silent_for_a_while(step: str, lived_in: Callable[..., Any], until: Any) -> None:
    async with lived_in() as (town, _):

        async def outage(entry: dict[str, Any]) -> None:
            if entry["step"] == step:
                town.net.node.chaos.fail_rpc(503, for_s=2)
                town.net.node.chaos.fail_grpc(for_s=2)

        await town.life(on_step=outage).run()
        await town.settled_well()
        assert (await town.history())[0] == {town.order(): 1}


async def test_blocks_that_come_while_nothing_can_be_asked(lived_in: Callable[..., Any], until: Any) -> None:
    """The RPC serves blocks, the gRPC is down: a lease is seen of which nothing can be asked, for longer than any
    single question is repeated."""
    async with lived_in() as (town, running):
        net, lease = town.net, town.our_lease()

        async def bid_is_there() -> bool:
            return bool(await net.chain.latest.bids_on(town.order()))

        async def span_is_there() -> bool:
            async with Store.open(net.ledger, readonly=True) as store:
                return bool(await Books(store).spans(lease))

        await net.tenant.post(town.compiled, 7, Coin("uact", 5_000_000))
        await until("the bid", _patient(bid_is_there))
        net.node.chaos.producing = False
        await net.tenant.send(CreateLease(lease))
        net.node.chaos.fail_grpc(for_s=6)
        net.node.chaos.producing = True
        await until("the lease is in the ledger", span_is_there)
        async with await net.tenant.gateway(running.address) as gateway:
            await gateway.send_manifest(7, town.compiled)


async def test_a_command_that_signs_while_it_runs_is_in_its_outbox_and_its_income_in_the_books(
    lived_in: Callable[..., Any], until: Any, command: Any
) -> None:
    async with lived_in() as (town, _):

        async def akp(*args: str) -> Any:
            return json.loads(await command(*args, "-o", "json"))

        await _leased(town, until)
        lease, head = town.our_lease(), (await town.net.chain.head()).height
        async for block in town.net.chain.follow(after=head):
            if block.height == head + 3:
                break
        sent = await akp("tx", "withdraw", str(lease), "--config", str(town.work / "akp.yaml"), "--yes")
        (row,) = await akp("tx", "list", "cli/", "--data", str(town.work))
        assert (row["key"], row["state"], row["tx"]) == (f"cli/withdraw/{lease}", "done", sent["txhash"])

        async def booked() -> bool:
            async with Store.open(town.net.ledger, readonly=True) as store:
                return sum((await Books(store).journal.paid(lease)).values()) > 0

        await until("the income is in the books", booked)


async def test_a_restart_while_no_node_answers(in_town: Callable[..., Any], until: Any, port: int) -> None:
    """It waits and says so, can be stopped meanwhile, and is up when they are back."""
    async with in_town() as town, asyncio.TaskGroup() as tasks, client() as http:
        async with living(town.net):
            pass
        node = town.net.chain.endpoints.all[0].name
        settings = changed(town.net.settings, "metrics", listen=f"127.0.0.1:{port}")
        town.net.node.chaos.fail_rpc(503)
        town.net.node.chaos.fail_grpc()

        async def ready(status: int, text: str) -> bool:
            try:
                said = await http.get(f"http://127.0.0.1:{port}/readyz")
            except httpx.TransportError:
                return False
            return (said.status_code, said.text) == (status, text)

        async def waits() -> bool:
            return await ready(503, "starting: no node of the chain has answered yet\n")

        async def told() -> bool:
            metrics = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
            return "akp_starting 1.0" in metrics and f'akp_node_up{{node="{node}"}} 0.0' in metrics

        for heals in (False, True):
            stop = asyncio.Event()
            task = tasks.create_task(daemon.run(settings, stop=stop))
            await until("it tells what it waits for", waits)
            await until("the metrics tell it too", told)
            if heals:
                town.net.node.chaos.heal()
                await until("it is up", lambda: ready(200, "ready\n"))
            stop.set()
            await asyncio.wait_for(task, 300)


ASKED = {
    "the height": (Chain, "head", 1),
    "what the ledger missed": (Accounts, "reconcile", 0),
    "the certificate": (Certificate, "ensure", 0),
}
"""at a start, once the book is loaded, and how often before"""


@pytest.mark.parametrize(("owner", "method", "before"), ASKED.values(), ids=ASKED.keys())
async def test_nodes_that_go_away_while_a_start_asks_them(
    owner: type, method: str, before: int, in_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each question at its very end: it is asked again from its beginning, and nothing is booked twice. A first
    start ends at once: what it was told to use may be wrong."""
    ask, answers = getattr(owner, method), list[bool]()

    async def flaky(*args: Any) -> Any:
        answer = await ask(*args)
        if not answers or answers.pop(0):
            return answer
        raise Retry("nobody is there", after_s=0)

    async with in_town() as town:
        monkeypatch.setattr(owner, method, flaky)
        answers[:] = [True] * before + [False]
        first = await ended_by(town.net.settings)
        assert isinstance(first, Retry)
        assert "nobody is there" in str(first)
        async with living(town.net):
            pass
        answers[:] = [True] * before + [False] * 3
        async with living(town.net):
            assert answers == []
        us = town.net.provider.address
        async with Store.open(town.net.ledger, readonly=True) as store:
            head, booked = await Books(store).head(), await Books(store).journal.balances()
        assert head is not None
        assert booked[us] == await town.net.chain.at(head.height).balances(us)


async def test_an_api_server_that_is_down_closes_nothing(lived_in: Callable[..., Any], until: Any) -> None:
    async with lived_in() as (town, running):
        faults = town.net.embedded.faults

        async def outage(entry: dict[str, Any]) -> None:
            if entry["step"] == "manifest":
                faults.fail_next(10**6, 503)
                faults.cut_watches()
                async with client() as http:

                    async def blind() -> bool:
                        said = await http.get(f"http://127.0.0.1:{running.health_port}/readyz")
                        return said.status_code == 503 and "mirrors" in said.text

                    await until("it says that it does not see the cluster", blind)
                await asyncio.sleep(2)  # long enough for a mistaken end
                assert (await town.net.chain.latest.lease(town.our_lease())).state == "active"
                faults.heal()

        await town.life(on_step=outage).run()
        await town.settled_well()


async def test_an_api_server_that_cannot_take_a_manifest(lived_in: Callable[..., Any], until: Any) -> None:
    async with lived_in() as (town, running):
        faults = town.net.embedded.faults
        await _leased(town, until)
        async with await town.net.tenant.gateway(running.address) as gateway:
            faults.fail_next(10**6, 503, method="PATCH")
            with pytest.raises(Retry, match="503: the cluster cannot take it now"):
                await gateway.send_manifest(7, town.compiled)
            assert town.our_lease() not in [*await _manifests(town)], "no 200, so nothing is promised"
            faults.heal()
            await gateway.send_manifest(7, town.compiled)


# Bad input over the real gateway.


async def test_manifests_that_cannot_be_accepted(lived_in: Callable[..., Any], until: Any, tmp_path: Path) -> None:
    async with lived_in() as (town, running):
        await _leased(town, until)
        async with await town.net.tenant.gateway(running.address) as gateway:
            for body, status, words in [
                (b"\x00\xff garbage", 422, "invalid manifest: "),
                (b"[]", 422, "invalid manifest: "),
                (
                    b'[{"name": "anywhere", "services": [{"name": "web", "resources": {"cpu": 1}}]}]',
                    422,
                    "[0].services[0].resources",
                ),
            ]:
                answer = await gateway._call("PUT", "/deployment/7/manifest", body)
                assert answer.status_code == status
                assert words in answer.text
            other = town.compiled.manifest[0]
            with pytest.raises(Refused, match="422: manifest version validation failed"):
                await gateway.send_manifest(7, _with_image(town.compiled, other))
            with pytest.raises(Refused, match="404: no lease for deployment"):
                await gateway.send_manifest(8, town.compiled)
            stranger = Tenant(town.net.chain, town.net.tenant.signer, town.net.auditor)
            async with await stranger.gateway(running.address) as theirs:
                with pytest.raises(Refused, match="404: no lease for deployment"):
                    await theirs.send_manifest(7, town.compiled)
            forged = Gateway(str(gateway._http.base_url), await town.net.tenant._trust(
                running.address, str(gateway._http.base_url)), lambda: "not.a.token")  # fmt: skip
            async with forged:
                with pytest.raises(Refused, match=r"40[01]"):
                    await forged.send_manifest(7, town.compiled)
            assert [*await _manifests(town)] == []
            await gateway.send_manifest(7, town.compiled)


async def _leased(town: Any, until: Any) -> None:
    """An order of ours, bid on and leased, and the daemon has seen it."""
    net, lease = town.net, town.our_lease()
    await net.tenant.send(
        CreateDeployment(
            DeploymentID(lease.owner, 7), town.compiled.groups, town.compiled.version, Coin("uact", 5_000_000)
        )
    )

    async def bid_is_there() -> bool:
        return bool(await net.chain.latest.bids_on(town.order()))

    async def lease_is_known() -> bool:
        async with await net.tenant.gateway(net.provider.address) as gateway:
            return bool((await gateway.status())["cluster"]["leases"])

    await until("the bid", _patient(bid_is_there))
    await net.tenant.send(CreateLease(lease))
    await until("the daemon has seen the lease", lease_is_known)


def _patient(look: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    async def found() -> Any:
        try:
            return await look()
        except NotFound:
            return False

    return found


async def _manifests(town: Any) -> list[str]:
    return [obj["metadata"]["name"] for obj in await town.net.kube.all(MANIFEST, "lease")]


def _with_image(compiled: Any, group: Any) -> Any:
    other = replace(group, services=(replace(group.services[0], image="docker.io/library/other:1"),))
    return replace(compiled, manifest=(other,))
