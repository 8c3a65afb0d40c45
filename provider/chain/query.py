"""The questions we ask, each answered with values of bidengine.views, at one height or at the latest.

Bound to a height, several questions see one consistent state. Unbound, an answer is never older than the last block
followed (`Nodes.floor`), and the pages of a list are all read at the height of the first one.

NotFound is raised for a thing that is not there; where absence is ordinary (account, certificate, audit) the answer
says so instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog

from bidengine.views import (
    Bid,
    BidDeposit,
    Deployment,
    EscrowAccount,
    EscrowPayment,
    Group,
    Lease,
    LockedBid,
    MarketParams,
    OraclePrice,
    Order,
    Provider,
)
from manifests.ids import BidID, DeploymentID, GroupID, LeaseID, OrderID
from manifests.resources import Attributes
from provider.chain.convert import answers, ids, values
from provider.chain.convert.records import Account, Allowance, Certificate, DepositGrant, Grant, Software
from provider.chain.endpoints import Endpoint
from provider.chain.messages import UpdateProvider
from provider.chain.nodes import NodeError, Nodes
from provider.chain.wire import message
from provider.errors import NotFound, Refused

PAGE = 500
_MARKET = "akash.market.v1beta5"
_DEPLOYMENT = "akash.deployment.v1beta4"
_ESCROW = "akash.escrow.v1"
_AUDIT = "akash.audit.v1"
_CERT = "akash.cert.v1"
_ORACLE = "akash.oracle.v2"
T = TypeVar("T")
log = structlog.get_logger()


class Query:
    """`height` None asks for the latest state; `of` is the one node to ask, None for the best."""

    def __init__(self, nodes: Nodes, height: int | None = None, of: Endpoint | None = None) -> None:
        self._nodes, self.height, self._of = nodes, height, of

    async def orders(self, state: str = "open", owner: str = "") -> list[Order]:
        """Orders in one state: open, active or closed; "" for all; of one tenant or of everybody. An order nobody
        could read is left out and logged."""
        request = message(f"{_MARKET}.QueryOrdersRequest")()
        request.filters.SetInParent()
        request.filters.state = state
        request.filters.owner = owner
        rows = await self._pages(_MARKET, "Orders", request, "orders")
        return _readable(rows, answers.order, lambda w: str(ids.order_id(w.id)))

    async def order(self, order: OrderID) -> Order:
        """NotFound; Refused when it asks for something this daemon cannot even read."""
        return _read(str(order), answers.order, await self._order(order))

    async def order_state(self, order: OrderID) -> str:
        """Also of an order that this daemon cannot read; NotFound."""
        return answers.order_state(await self._order(order))

    async def bids(self, provider: str, state: str = "") -> list[Bid]:
        """One provider's bids in one state (open, active, lost, closed) or in all."""
        request = message(f"{_MARKET}.QueryBidsRequest")()
        request.filters.provider, request.filters.state = provider, state
        return [answers.bid(r.bid) for r in await self._pages(_MARKET, "Bids", request, "bids")]

    async def bid_deposits(self, provider: str, state: str) -> list[BidDeposit]:
        """What lies in escrow for one provider's bids in one state, deposit by deposit, whoever paid it."""
        request = message(f"{_MARKET}.QueryBidsRequest")()
        request.filters.provider, request.filters.state = provider, state
        rows = await self._pages(_MARKET, "Bids", request, "bids")
        return [deposit for row in rows for deposit in answers.bid_deposits(row)]

    async def locked_bids(self, provider: str, state: str = "open") -> list[LockedBid]:
        """One provider's bids in one state, each with what is locked for it."""
        request = message(f"{_MARKET}.QueryBidsRequest")()
        request.filters.provider, request.filters.state = provider, state
        return [answers.locked_bid(r) for r in await self._pages(_MARKET, "Bids", request, "bids")]

    async def bids_on(self, order: OrderID) -> list[Bid]:
        """Everybody's bids on one order, in every state."""
        request = message(f"{_MARKET}.QueryBidsRequest")()
        ids.put_order_id(request.filters, order)
        return [answers.bid(r.bid) for r in await self._pages(_MARKET, "Bids", request, "bids")]

    async def bid(self, bid: BidID) -> Bid:
        request = message(f"{_MARKET}.QueryBidRequest")()
        ids.put_lease_id(request.id, bid)
        return answers.bid((await self._ask(f"{_MARKET}.Query", "Bid", request)).bid)

    async def leases(self, provider: str = "", state: str = "", *, owner: str = "") -> list[Lease]:
        """One provider's (or one tenant's) leases in one state (active, insufficient_funds, closed, reclaiming) or in
        all.

        Live are `active` and `reclaiming` (chain.md §10.15).
        """
        request = message(f"{_MARKET}.QueryLeasesRequest")()
        request.filters.provider, request.filters.state, request.filters.owner = provider, state, owner
        return [answers.lease(r.lease) for r in await self._pages(_MARKET, "Leases", request, "leases")]

    async def lease(self, lease: LeaseID) -> Lease:
        request = message(f"{_MARKET}.QueryLeaseRequest")()
        ids.put_lease_id(request.id, lease)
        return answers.lease((await self._ask(f"{_MARKET}.Query", "Lease", request)).lease)

    async def deployment(self, deployment: DeploymentID) -> Deployment:
        """The record with its groups."""
        return _read(str(deployment), answers.deployment, await self._deployment(deployment))

    async def group(self, group: GroupID) -> Group:
        request = message(f"{_DEPLOYMENT}.QueryGroupRequest")()
        ids.put_group_id(request.id, group)
        answer = await self._ask(f"{_DEPLOYMENT}.Query", "Group", request)
        return _read(str(group), answers.group, answer.group)

    async def escrow_account(self, deployment: DeploymentID) -> EscrowAccount:
        # With the deployment, not by Accounts(xid): that is a prefix search, 12 would also find 123 (chain.md §1.9).
        return answers.escrow_account((await self._deployment(deployment)).escrow_account)

    async def escrow_payments(self, deployment: DeploymentID) -> list[EscrowPayment]:
        """What each lease of the deployment has earned, in every state; [] where there is none."""
        request = message(f"{_ESCROW}.QueryPaymentsRequest")(xid=f"deployment/{deployment}")
        rows = await self._pages(_ESCROW, "Payments", request, "payments")
        return [answers.escrow_payment(p) for p in rows if p.id.aid.xid == str(deployment)]

    async def open_escrows(
        self, owner: str, dseq: int | None = None
    ) -> tuple[list[EscrowAccount], list[EscrowPayment]]:
        """The open accounts and payments of a tenant's deployments, by two questions; or of those deployments whose
        number *begins* with the digits of `dseq`: the search goes by text (chain.md §1.9)."""
        xid = f"deployment/{owner}/{'' if dseq is None else dseq}"
        ask = message(f"{_ESCROW}.QueryAccountsRequest")(state="open", xid=xid)
        accounts = await self._pages(_ESCROW, "Accounts", ask, "accounts")
        return [answers.escrow_account(a) for a in accounts], await self._open_payments(xid)

    async def open_payments(self, owner: str) -> list[EscrowPayment]:
        """Of all of a tenant's deployments, whoever earns them."""
        return await self._open_payments(f"deployment/{owner}/")

    async def provider(self, owner: str) -> Provider:
        """The record alone; `audited` is another question."""
        request = message("akash.provider.v1beta4.QueryProviderRequest")(owner=owner)
        return answers.provider((await self._ask("akash.provider.v1beta4.Query", "Provider", request)).provider)

    async def provider_record(self, owner: str) -> UpdateProvider:
        """The record with its contact, as the message that would write it again."""
        request = message("akash.provider.v1beta4.QueryProviderRequest")(owner=owner)
        answer = await self._ask("akash.provider.v1beta4.Query", "Provider", request)
        return answers.provider_record(answer.provider)

    async def audited(self, owner: str) -> dict[str, Attributes]:
        """auditor -> attributes it has signed for `owner`; {} where nobody has."""
        request = message(f"{_AUDIT}.QueryProviderAttributesRequest")(owner=owner)
        try:
            rows = await self._pages(_AUDIT, "ProviderAttributes", request, "providers")
        except NotFound:
            return {}
        return {r.auditor: values.attributes(r.attributes) for r in rows}

    async def certificate(self, owner: str, serial: int) -> Certificate | None:
        request = message(f"{_CERT}.QueryCertificatesRequest")()
        request.filter.owner, request.filter.serial = owner, str(serial)
        try:
            rows = await self._pages(_CERT, "Certificates", request, "certificates")
        except NotFound:
            return None
        return next((answers.certificate(r) for r in rows if r.serial == str(serial)), None)

    async def certificates(self, owner: str, state: str = "valid") -> list[Certificate]:
        """valid, revoked, or "" for both."""
        request = message(f"{_CERT}.QueryCertificatesRequest")()
        request.filter.owner, request.filter.state = owner, state
        return [answers.certificate(r) for r in await self._pages(_CERT, "Certificates", request, "certificates")]

    async def account(self, address: str) -> Account | None:
        """None until the account has first received coins."""
        request = message("cosmos.auth.v1beta1.QueryAccountInfoRequest")(address=address)
        try:
            answer = await self._ask("cosmos.auth.v1beta1.Query", "AccountInfo", request)
        except NotFound:
            return None
        return answers.account(answer.info)

    async def balances(self, address: str) -> dict[str, int]:
        """denom -> micro-units."""
        request = message("cosmos.bank.v1beta1.QueryAllBalancesRequest")(address=address)
        rows = await self._pages("cosmos.bank.v1beta1", "AllBalances", request, "balances")
        return {c.denom: c.amount for c in map(values.coin, rows)}

    async def grants(self, granter: str, grantee: str) -> list[Grant]:
        """What `granter` allows `grantee`, what has expired left out by the chain; [] where nothing is."""
        request = message("cosmos.authz.v1beta1.QueryGrantsRequest")(granter=granter, grantee=grantee)
        return [answers.grant(w) for w in await self._pages("cosmos.authz.v1beta1", "Grants", request, "grants")]

    async def deposit_grants(self, grantee: str) -> list[DepositGrant]:
        """Whose money the account may use for deposits, what has expired left out by the chain."""
        request = message("cosmos.authz.v1beta1.QueryGranteeGrantsRequest")(grantee=grantee)
        rows = await self._pages("cosmos.authz.v1beta1", "GranteeGrants", request, "grants")
        return [found for w in rows if (found := answers.deposit_grant(w)) is not None]

    async def allowance(self, granter: str, grantee: str) -> Allowance | None:
        """None where `granter` pays no fees of `grantee`; one that has expired may still be there."""
        request = message("cosmos.feegrant.v1beta1.QueryAllowanceRequest")(granter=granter, grantee=grantee)
        try:
            answer = await self._ask("cosmos.feegrant.v1beta1.Query", "Allowance", request)
        except (Refused, NodeError) as no:  # the chain calls this INTERNAL, not NOT_FOUND
            if "fee-grant not found" in str(no):
                return None
            raise
        return answers.allowance(answer.allowance)

    async def market_params(self) -> MarketParams:
        answer = await self._ask(f"{_MARKET}.Query", "Params", message(f"{_MARKET}.QueryParamsRequest")())
        return answers.market_params(answer.params)

    async def software(self) -> Software:
        """Of the node that answers, hence never of a height. NotOffered by old and foreign ones."""
        request = message("akash.discovery.v1.GetInfoRequest")()
        answer, _ = await self._nodes.call("akash.discovery.v1.Discovery", "GetInfo", request, of=self._of)
        return answers.software(answer.info)

    async def oracle_price(self, denom: str = "akt") -> OraclePrice | None:
        """In dollars, under the oracle's own name for the coin; None while it never had a price. NotOffered where the
        chain has no oracle."""
        request = message(f"{_ORACLE}.QueryAggregatedPriceRequest")(denom=denom)
        try:
            answer = await self._ask(f"{_ORACLE}.Query", "AggregatedPrice", request)
        except NodeError as error:  # UNKNOWN, not NOT_FOUND (chain-probes.md, recorded in S9)
            if "not found" in error.details:
                return None
            raise
        return answers.oracle_price(answer)

    async def _open_payments(self, xid: str) -> list[EscrowPayment]:
        request = message(f"{_ESCROW}.QueryPaymentsRequest")(state="open", xid=xid)
        return [answers.escrow_payment(p) for p in await self._pages(_ESCROW, "Payments", request, "payments")]

    async def _order(self, order: OrderID) -> Any:
        request = message(f"{_MARKET}.QueryOrderRequest")()
        ids.put_order_id(request.id, order)
        return (await self._ask(f"{_MARKET}.Query", "Order", request)).order

    async def _deployment(self, deployment: DeploymentID) -> Any:
        request = message(f"{_DEPLOYMENT}.QueryDeploymentRequest")()
        ids.put_deployment_id(request.id, deployment)
        return await self._ask(f"{_DEPLOYMENT}.Query", "Deployment", request)

    async def _ask(self, service: str, method: str, request: Any) -> Any:
        return (await self._nodes.call(service, method, request, height=self.height, of=self._of))[0]

    async def _pages(self, package: str, method: str, request: Any, rows: str) -> list[Any]:
        """All rows. The same filters go with every key (chain.md §1.13), and every page is read at one height."""
        out: list[Any] = []
        height = self.height
        request.pagination.limit = PAGE
        while True:
            answer, served = await self._nodes.call(f"{package}.Query", method, request, height=height, of=self._of)
            out.extend(getattr(answer, rows))
            if not answer.pagination.next_key:
                return out
            if height is None:
                height = served
            request.pagination.key = answer.pagination.next_key


def _read(what: str, convert_: Callable[[Any], T], found: Any) -> T:
    try:
        return convert_(found)
    except ValueError as bad:
        raise Refused(f"{what} cannot be read: {bad}") from None


def _readable(rows: Iterable[Any], convert_: Callable[[Any], T], name: Callable[[Any], str]) -> list[T]:
    """The chain does not check everything a tenant writes into an order; one odd order must not hide all others."""
    out = []
    for row in rows:
        try:
            out.append(convert_(row))
        except ValueError as bad:
            log.warning("cannot be read, left out", what=name(row), why=str(bad))
    return out
