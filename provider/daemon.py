"""Read this first: the daemon, whole. Build the parts, name the tasks, follow the chain.

    chain ──blocks──▶ book ──keys──▶ orders, leases, funds ──messages──▶ signer ──▶ chain
    cluster ──objects──▶ mirrors ──inventory──▶ room ──▶ orders        leases ──objects──▶ cluster

An event only says which key to look at; what to do is decided from the book and the mirrors as they are. So start,
restart and steady state are one path: every key is looked at. A part that fails ends the process, which is then
started anew. Only the ledger survives here: its cursor, what it has booked, what was signed; the rest is on chain and
in the cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog

from bidengine.load import loads
from provider import keyring
from provider.chain.client import Chain
from provider.chain.tx.signer import Signer
from provider.cluster.api.kube import Kube
from provider.cluster.cluster import Cluster
from provider.cluster.routes.hostnames import keeping
from provider.follower import Follower
from provider.gateway import certificates
from provider.gateway.app import application
from provider.gateway.reception import Reception
from provider.gateway.server import serve
from provider.gateway.tls import PeerContext
from provider.health import Health
from provider.intents import Moment
from provider.ledger.books import Books, Head
from provider.ledger.outbox import Outbox
from provider.ledger.store import Store
from provider.market.bids.orders import Orders
from provider.market.bids.promises import Promises
from provider.market.bids.wallet import Wallet
from provider.market.leases.leases import Leases
from provider.market.money.accounts import Accounts
from provider.market.money.deposits import Deposits
from provider.market.money.funds import Funds, fee_of_one
from provider.market.money.sweep import Sweep
from provider.market.policy.policy import Policies
from provider.market.pricing import autoprice
from provider.market.pricing.autoprice import AutoPrice
from provider.market.pricing.choose import chosen
from provider.market.pricing.oracle import Oracle
from provider.market.restart import rebuilt, remembered
from provider.market.standing.certificate import Certificate, domains
from provider.market.standing.hotkey import HotKey
from provider.market.standing.parameters import Parameters
from provider.metrics import Metrics
from provider.settings import Settings
from provider.tasks import insist, spawn
from provider.vitals import Start, gauges, problems

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Running:
    """What a caller in the same process may want to know of a daemon that is up."""

    address: str
    gateway_port: int
    health_port: int
    signer: Signer


async def run(
    settings: Settings, *, stop: asyncio.Event | None = None, up: Callable[[Running], None] | None = None
) -> None:
    """Until `stop` is set or a part fails."""
    try:
        await _run(settings, stop or asyncio.Event(), up or (lambda _: None))
    except* _Stop:
        pass


class _Stop(Exception):
    """Ends the task group, and with it every part, in one step."""


async def _ends(stop: asyncio.Event) -> None:
    await stop.wait()
    log.info("stopping")
    raise _Stop


async def _run(settings: Settings, stop: asyncio.Event, up: Callable[[Running], None]) -> None:
    metrics, who = Metrics(), await keyring.unlock(settings)
    policies = Policies(settings.bid.policy, settings.data)
    async with AsyncExitStack() as open_:
        start = Start()
        metrics.watch(start.gauges)
        answers = await open_.enter_async_context(Health(settings.metrics.listen, metrics, start.problems))
        stopping = spawn(await open_.enter_async_context(asyncio.TaskGroup()), "stop", _ends(stop))
        # Figures that move are handed on as functions; none is read before the first block.
        block_time: Callable[[], int] = lambda: chain.block_time_ms  # noqa: E731
        oracle = Oracle(lambda: chain.latest, lambda: book.time_unix_ns)
        auto = AutoPrice(
            settings.data / autoprice.NAME,
            lambda: loads(room),
            lambda: book.height,
            lambda: books.decisions,
            metrics,
        )
        pricing = await open_.enter_async_context(chosen(settings.bid, block_time, metrics, oracle, auto))
        books = Books(await open_.enter_async_context(Store.open(settings.data / "ledger.db")))
        known = await books.head()  # nodes that were right once are waited for, until the daemon is up
        sure = partial(insist, patient=known is not None)
        chain = await open_.enter_async_context(
            Chain.connect(settings.chain, patient=known is not None, watch=metrics.watch)
        )
        start.waits()
        await books.store.belongs_to(chain=chain.id, provider=who.owner)
        kube = await open_.enter_async_context(Kube.connect(settings.cluster))
        kube_version = await kube.version()  # a wrong address is told at once; mirrors would wait for it
        tasks = await open_.enter_async_context(asyncio.TaskGroup())

        book = await remembered(chain, books, who.owner, metrics, waits=start.waits)
        start.waits()
        own_names = domains(book.us.host_uri, settings.cluster.public_hostname)
        cluster = await Cluster.watch(kube, keeping(settings.cluster, own_names), tasks)
        signer = Signer(
            chain, who.key, settings.chain, fee_granter=who.fee_granter, journal=Outbox(books.store), metrics=metrics
        )
        await signer.recover(Moment(book.height, book.time_unix_ns))
        spawn(tasks, "signer", signer.run())
        room, unkept = rebuilt(book, cluster.inventory(), settings.cluster, settings.bid)
        wallet = Wallet(book, Promises(book, room), chain.at, settings.bid, pays_fees=who.pays_fees)
        orders = Orders(
            book, room, pricing, books, signer.send, chain.latest.bid, chain.confirmed_order_over, settings.bid,
            metrics, block_time, policies, wallet,
        )  # fmt: skip
        orders.unkept.update(unkept)
        leases = Leases(book, room, cluster, signer.send, chain.confirmed_lease, settings.lease, block_time)
        leases.since_height = (await sure("the chain's height", chain.head)).height
        leases.vigil.remember(settings.data)
        funds = Funds(
            book, chain.at, chain.confirmed_wedge, signer.send, leases.closing, settings.lease,
            fee_of_one(settings.chain), block_time, lambda: oracle.prices,
        )  # fmt: skip
        deposits = Deposits(book, chain.at, orders.look)
        accounts = Accounts(book, room, books, chain.at, {who.key.address}, settings.sweep.addresses)
        sweep = Sweep(book, books, chain.at, signer.send, settings.sweep, delegated=who.delegated)
        found = await sure("what the ledger missed", lambda: accounts.reconcile(known))
        await books.advance(Head(book.height, book.time_unix_ns), found, accounts.usd)

        parameters = Parameters(
            book, lambda: chain.latest, orders.look_at_declined, metrics, deposit=wallet.deposit
        )  # fmt: skip
        hotkey = HotKey(who, lambda: chain.latest)
        await hotkey.look()
        own = Certificate(
            settings.gateway.certificate, settings.data, who.owner,
            lambda: domains(book.us.host_uri, settings.cluster.public_hostname),
            lambda owner, serial: chain.latest.certificate(owner, serial), signer.send,
        )  # fmt: skip
        reception = Reception(
            book, room, leases, cluster, lambda: chain.latest, metrics,
            public_hostname=settings.cluster.public_hostname, kube_version=kube_version,
            open_orders=lambda: len(orders.queue), reclamation_window_s=settings.bid.reclamation_window_s,
            images=lambda: policies.current.images,
        )  # fmt: skip
        served = certificates.ServerCertificates(certificates.Source(await sure("the certificate", own.ensure)))
        app = application(reception, max_body_bytes=settings.gateway.max_body_bytes)
        gateway = await open_.enter_async_context(serve(app, PeerContext(served.choose), settings.gateway.listen))
        parts = (policies, wallet, oracle, auto, hotkey, sweep, signer, funds, deposits)
        metrics.watch(lambda: (sample for part in parts for sample in part.gauges()))
        metrics.watch(lambda: gauges(book, room, orders, leases, funds, signer, cluster))

        follower = Follower(
            chain, book, room, books, cluster, signer, orders, leases, funds, accounts, pricing, metrics
        )
        cluster.on_change(lambda lease: follower.room_moved() if lease is None else leases.look([lease]))
        orders.look_at_all()
        leases.look_at_all()
        for name, part in {
            "certificate": served.keep_fresh(), "orders": orders.run(), "leases": leases.run(), "funds": funds.run(),
            "oracle": oracle.run(), "auto-price": auto.run(), "follow": follower.run(), "policy": policies.run(),
            "closing": leases.closing.run(), "wallet": wallet.run(), "publish": own.run(), "grants": hotkey.run(),
            "parameters": parameters.run(), "deposits": deposits.run(), "sweep": sweep.run(),
        }.items():  # fmt: skip
            spawn(tasks, name, part)
        log.info(
            "up", provider=who.owner, signer=who.key.address, chain=chain.id, height=book.height, gateway=gateway.port
        )
        start.up(lambda: problems(book, cluster))
        up(Running(who.owner, gateway.port, answers.port, signer))

        stopping.cancel()
        await _ends(stop)
