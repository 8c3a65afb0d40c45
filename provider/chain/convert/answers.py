"""What a node answers, as dataclasses."""

from __future__ import annotations

from typing import Any

from bidengine.views import (
    Bid,
    BidDeposit,
    Deployment,
    Deposit,
    EscrowAccount,
    EscrowPayment,
    Group,
    Lease,
    LockedBid,
    MarketParams,
    OraclePrice,
    Order,
    Provider,
    Reclamation,
    ResourceOffer,
)
from manifests.coins import Coin, trunc
from manifests.ids import DeploymentID, LeaseID
from provider.chain import messages as ask
from provider.chain.convert.ids import deployment_id, group_id, lease_id, order_id
from provider.chain.convert.records import Account, Allowance, Certificate, DepositGrant, Grant, Software
from provider.chain.convert.values import attributes, coin, dec_coin, group_spec, resources, seconds
from provider.chain.wire import message, unpack

_BID_SCOPE = 2
DEPOSIT_MSG = "/akash.escrow.v1.MsgAccountDeposit"


def order(w: Any) -> Order:
    window = seconds(w.reclamation.min_window) if w.HasField("reclamation") else None
    return Order(order_id(w.id), _name(w, "state"), group_spec(w.spec), w.created_at, window)


def order_state(w: Any) -> str:
    return _name(w, "state")


def bid(w: Any) -> Bid:
    window = seconds(w.reclamation_window) if w.HasField("reclamation_window") else None
    return Bid(lease_id(w.id), _name(w, "state"), dec_coin(w.price), w.created_at, offer(w), window)


def lease(w: Any) -> Lease:
    reclamation = None
    if w.HasField("reclamation"):
        r = w.reclamation
        reclamation = Reclamation(seconds(r.window), r.started_at, r.deadline, r.reason)
    return Lease(
        id=lease_id(w.id),
        state=_name(w, "state"),
        price=dec_coin(w.price),
        created_at=w.created_at,
        closed_on=w.closed_on,
        reason=w.reason,
        reclamation=reclamation,
    )


def deployment(w: Any) -> Deployment:
    """Of a QueryDeploymentResponse: the record and its groups."""
    d = w.deployment
    return Deployment(deployment_id(d.id), _name(d, "state"), d.hash, tuple(group(g) for g in w.groups))


def group(w: Any) -> Group:
    return Group(group_id(w.id), _name(w, "state"), group_spec(w.group_spec))


def provider(w: Any) -> Provider:
    return Provider(w.owner, w.host_uri, attributes(w.attributes))


def provider_record(w: Any) -> ask.UpdateProvider:
    """All that stands in a provider's record, as the message that would write it again."""
    return ask.UpdateProvider(w.owner, w.host_uri, attributes(w.attributes), w.info.email, w.info.website)


def escrow_account(w: Any) -> EscrowAccount:
    """Of a deployment's account; ValueError for another scope, whose xid is no deployment."""
    if _name(w.id, "scope") != "deployment":
        raise ValueError(f"the escrow account {w.id.xid!r} is not a deployment's")
    s = w.state
    return EscrowAccount(
        DeploymentID.parse(w.id.xid),
        _name(s, "state"),
        s.settled_at,
        funds=tuple(dec_coin(f) for f in s.funds),
        deposits=_deposits(s),
        transferred=tuple(dec_coin(t) for t in s.transferred),
    )


def locked_bid(w: Any) -> LockedBid:
    """Of a QueryBidResponse: a bid and its escrow account."""
    state = w.escrow_account.state
    return LockedBid(bid(w.bid), _name(state, "state"), tuple(_deposit(d) for d in _own_deposits(w)))


def bid_deposits(w: Any) -> list[BidDeposit]:
    """Of a bid as a query answers it, with its escrow account."""
    bid = lease_id(w.bid.id)
    return [
        BidDeposit(bid, d.owner, Coin(d.balance.denom, trunc(int(d.balance.amount or "0")))) for d in _own_deposits(w)
    ]


def _own_deposits(w: Any) -> list[Any]:
    """Those paid with the bid, out of its provider's pocket or by who had granted it to him. Anybody may pay into its
    escrow later, or in the same block, and gets that back himself (chain-probes.md "Escrow" 12): that is no deposit of
    the bid."""
    return [
        d
        for d in w.escrow_account.state.deposits
        if d.height == w.bid.created_at and (d.owner == w.bid.id.provider or _name(d, "source") == "grant")
    ]


def escrow_payment(w: Any) -> EscrowPayment:
    s = w.state
    return EscrowPayment(
        lease=LeaseID.parse(f"{w.id.aid.xid}/{w.id.xid}"),
        state=_name(s, "state"),
        rate=dec_coin(s.rate),
        balance_e18=int(s.balance.amount or "0"),
        unsettled_e18=int(s.unsettled.amount or "0"),
        withdrawn=coin(s.withdrawn),
    )


def software(w: Any) -> Software:
    modules: dict[str, set[str]] = {}
    for offered in w.supported_versions:
        for one in offered.modules:
            modules.setdefault(one.module, set()).add(one.version)
    return Software(w.node_version, {module: frozenset(versions) for module, versions in modules.items()})


def market_params(w: Any) -> MarketParams:
    return MarketParams(
        bid_min_deposits=tuple(coin(c) for c in w.bid_min_deposits),
        order_max_bids=w.order_max_bids,
        min_reclamation_window_s=seconds(w.min_reclamation_window),
        max_reclamation_window_s=seconds(w.max_reclamation_window),
    )


def oracle_price(w: Any) -> OraclePrice:
    """Of the whole answer: the price and its health."""
    price, health = w.aggregated_price, w.price_health
    why = "; ".join(health.failure_reason)
    at = price.timestamp.ToNanoseconds()
    return OraclePrice(price.denom, int(price.twap or "0"), at, health.is_healthy, why)


def account(w: Any) -> Account:
    """Of a BaseAccount. A key that is not secp256k1 (a multisig, say) counts as none."""
    public = None
    if w.pub_key.type_url == "/cosmos.crypto.secp256k1.PubKey":
        public = message("cosmos.crypto.secp256k1.PubKey").FromString(w.pub_key.value).key
    return Account(w.account_number, w.sequence, public)


def certificate(w: Any) -> Certificate:
    """Of a CertificateResponse."""
    c = w.certificate
    return Certificate(_name(c, "state"), c.cert, c.pubkey, int(w.serial))


def grant(w: Any) -> Grant:
    """Of an authz Grant, generic or one of those with limits of their own."""
    inner, until = unpack(w.authorization), _unix_s(w)
    kind = inner.DESCRIPTOR.name
    match kind:
        case "GenericAuthorization":
            return Grant(inner.msg, until)
        case "DepositAuthorization":
            return Grant(DEPOSIT_MSG, until, tuple(map(coin, inner.spend_limits)), kind)
        case _:
            return Grant("/cosmos.bank.v1beta1.MsgSend", until, tuple(map(coin, inner.spend_limit)), kind)


def deposit_grant(w: Any) -> DepositGrant | None:
    """Of a GrantAuthorization; None when it is for something else than deposits."""
    inner = unpack(w.authorization)
    if inner.DESCRIPTOR.name != "DepositAuthorization":
        return None
    return DepositGrant(w.granter, tuple(map(coin, inner.spend_limits)), _BID_SCOPE in inner.scopes)


def allowance(w: Any) -> Allowance:
    """Of a feegrant Grant. Of one that renews itself in periods, what is left of the present one."""
    inner, only = unpack(w.allowance), None
    if inner.DESCRIPTOR.name == "AllowedMsgAllowance":
        only = tuple(inner.allowed_messages)
        inner = unpack(inner.allowance)
    basic = inner.basic if inner.DESCRIPTOR.name == "PeriodicAllowance" else inner
    limits = inner.period_can_spend if basic is not inner else basic.spend_limit
    return Allowance(w.granter, _unix_s(basic), tuple(map(coin, limits)) or None, only)


def offer(w: Any) -> tuple[ResourceOffer, ...]:
    return tuple(ResourceOffer(resources(o.resources), o.count) for o in w.resources_offer)


def _deposits(state: Any) -> tuple[Deposit, ...]:
    return tuple(_deposit(d) for d in state.deposits)


def _deposit(d: Any) -> Deposit:
    return Deposit(d.owner, d.height, _name(d, "source"), dec_coin(d.balance))


def _unix_s(w: Any) -> int | None:
    return int(w.expiration.seconds) if w.HasField("expiration") else None


def _name(w: Any, field: str) -> str:
    """The chain's own word for an enum; a number it has added since, as digits."""
    number = getattr(w, field)
    known = w.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(number)
    return str(known.name) if known is not None else str(number)
