"""The border: wire messages become dataclasses, and what we ask for becomes wire messages. The only module knowing
field names.

The one subtlety is in the numbers: a decimal is an integer text scaled by 10^18, a resource quantity is ASCII digits
in bytes (chain.md §1.4), and a duration with a fraction is rounded up, so that a notice we promise is never shorter
than the one asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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
from manifests.coins import Coin, DecCoin, trunc
from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID
from manifests.resources import (
    Attribute,
    Attributes,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    SignedBy,
    Storage,
)
from provider.chain import messages as ask
from provider.chain.wire import message, pack, unpack

_BID_SCOPE = 2
DEPOSIT_MSG = "/akash.escrow.v1.MsgAccountDeposit"


@dataclass(frozen=True, slots=True)
class Account:
    number: int
    sequence: int
    public_key: bytes | None
    """33 bytes; None until the account has signed something"""


@dataclass(frozen=True, slots=True)
class Certificate:
    state: str
    """valid, revoked"""
    cert_pem: bytes
    pubkey_pem: bytes
    """label EC PUBLIC KEY; see certs.public_key_of"""
    serial: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What one account allows another (chain.md §2.6)."""

    type_url: str
    """of the messages it is for"""
    expires_unix_s: int | None
    """None: never"""
    limits: tuple[Coin, ...] | None = None
    """what may still be spent under it; None: no limit of its own"""
    kind: str = "GenericAuthorization"


@dataclass(frozen=True, slots=True)
class DepositGrant:
    """Whose money another account may use for deposits."""

    granter: str
    limits: tuple[Coin, ...]
    """() when it is used up; refunds fill it again"""
    for_bids: bool


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whose fees are paid, up to what (chain.md §2.6)."""

    granter: str
    expires_unix_s: int | None
    left: tuple[Coin, ...] | None
    """None: no limit"""
    type_urls: tuple[str, ...] | None
    """the messages whose transactions are paid; None: all"""


# -- ids --------------------------------------------------------------------------------------------------------------


def deployment_id(w: Any) -> DeploymentID:
    return DeploymentID(w.owner, w.dseq)


def group_id(w: Any) -> GroupID:
    return GroupID(w.owner, w.dseq, w.gseq)


def order_id(w: Any) -> OrderID:
    return OrderID(w.owner, w.dseq, w.gseq, w.oseq)


def lease_id(w: Any) -> LeaseID:
    return LeaseID(w.owner, w.dseq, w.gseq, w.oseq, w.provider)


def put_deployment_id(w: Any, d: DeploymentID) -> None:
    w.owner, w.dseq = d.owner, d.dseq


def put_group_id(w: Any, g: GroupID) -> None:
    w.owner, w.dseq, w.gseq = g.owner, g.dseq, g.gseq


def put_order_id(w: Any, o: OrderID) -> None:
    w.owner, w.dseq, w.gseq, w.oseq = o.owner, o.dseq, o.gseq, o.oseq


def put_lease_id(w: Any, b: LeaseID) -> None:
    w.owner, w.dseq, w.gseq, w.oseq, w.provider = b.owner, b.dseq, b.gseq, b.oseq, b.provider


# -- numbers ----------------------------------------------------------------------------------------------------------


def coin(w: Any) -> Coin:
    return Coin(w.denom, int(w.amount or "0"))


def dec_coin(w: Any) -> DecCoin:
    """Of a DecCoin or an escrow Balance."""
    return DecCoin(w.denom, int(w.amount or "0"))


def quantity(w: Any) -> int:
    """Of a ResourceValue: b"1000" -> 1000; absent -> 0."""
    return int(w.val or b"0")


def seconds(w: Any) -> int:
    """Of a Duration, rounded up."""
    return int(w.seconds) + (1 if w.nanos > 0 else 0)


# -- answers ----------------------------------------------------------------------------------------------------------


def order(w: Any) -> Order:
    window = seconds(w.reclamation.min_window) if w.HasField("reclamation") else None
    return Order(order_id(w.id), _name(w, "state"), group_spec(w.spec), w.created_at, window)


def bid(w: Any) -> Bid:
    window = seconds(w.reclamation_window) if w.HasField("reclamation_window") else None
    return Bid(lease_id(w.id), _name(w, "state"), dec_coin(w.price), w.created_at, _offer(w), window)


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
    return LockedBid(bid(w.bid), _name(state, "state"), _deposits(state))


def bid_deposits(w: Any) -> list[BidDeposit]:
    """Of a bid as a query answers it, with its escrow account."""
    bid = lease_id(w.bid.id)
    return [
        BidDeposit(bid, d.owner, Coin(d.balance.denom, trunc(int(d.balance.amount or "0"))))
        for d in w.escrow_account.state.deposits
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


def _deposits(state: Any) -> tuple[Deposit, ...]:
    return tuple(Deposit(d.owner, d.height, _name(d, "source"), dec_coin(d.balance)) for d in state.deposits)


@dataclass(frozen=True, slots=True)
class Software:
    """What a node runs, and the service versions it offers: module -> versions."""

    version: str
    modules: Mapping[str, frozenset[str]]


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


def group_spec(w: Any) -> GroupSpec:
    signed = w.requirements.signed_by
    return GroupSpec(
        name=w.name,
        requirements=Requirements(
            SignedBy(tuple(signed.all_of), tuple(signed.any_of)), attributes(w.requirements.attributes)
        ),
        resources=tuple(ResourceUnit(resources(u.resource), u.count, dec_coin(u.price)) for u in w.resources),
    )


def resources(w: Any) -> Resources:
    """An endpoint kind the chain knows and we do not is an error here: nobody could serve it."""
    return Resources(
        id=w.id,
        cpu=Cpu(quantity(w.cpu.units), attributes(w.cpu.attributes)),
        memory=Memory(quantity(w.memory.quantity), attributes(w.memory.attributes)),
        storage=tuple(Storage(s.name, quantity(s.quantity), attributes(s.attributes)) for s in w.storage),
        gpu=Gpu(quantity(w.gpu.units), attributes(w.gpu.attributes)),
        endpoints=tuple(Endpoint(_kind(e.kind), e.sequence_number) for e in w.endpoints),
    )


def attributes(w: Iterable[Any]) -> Attributes:
    return tuple(Attribute(a.key, a.value) for a in w)


# -- requests ---------------------------------------------------------------------------------------------------------


def to_wire(msg: ask.Msg) -> Any:
    """The protobuf message of a `messages.Msg`. Deposits come from the signer's balance."""
    return _WRITERS[type(msg)](msg)


def put_group_spec(w: Any, g: GroupSpec) -> None:
    w.name = g.name
    # The node itself writes these even when empty; being equal byte for byte makes recordings comparable.
    w.requirements.SetInParent()
    w.requirements.signed_by.SetInParent()
    w.requirements.signed_by.all_of.extend(g.requirements.signed_by.all_of)
    w.requirements.signed_by.any_of.extend(g.requirements.signed_by.any_of)
    _put_attributes(w.requirements.attributes, g.requirements.attributes)
    for unit in g.resources:
        u = w.resources.add()
        put_resources(u.resource, unit.resources)
        u.count = unit.count
        _put_dec(u.price, unit.price)


def put_resources(w: Any, r: Resources) -> None:
    w.id = r.id
    w.cpu.units.val = _digits(r.cpu.milli)
    _put_attributes(w.cpu.attributes, r.cpu.attributes)
    w.memory.quantity.val = _digits(r.memory.quantity_bytes)
    _put_attributes(w.memory.attributes, r.memory.attributes)
    for volume in r.storage:
        s = w.storage.add()
        s.name = volume.name
        s.quantity.val = _digits(volume.quantity_bytes)
        _put_attributes(s.attributes, volume.attributes)
    w.gpu.units.val = _digits(r.gpu.units)
    _put_attributes(w.gpu.attributes, r.gpu.attributes)
    for endpoint in r.endpoints:
        e = w.endpoints.add()
        e.kind, e.sequence_number = int(endpoint.kind), endpoint.sequence_number


def _create_bid(m: ask.CreateBid) -> Any:
    w = message("akash.market.v1beta5.MsgCreateBid")()
    put_lease_id(w.id, m.id)
    _put_dec(w.price, m.price)
    _put_deposit(w.deposit, m.deposit, m.sources)
    for offer in m.offer:
        o = w.resources_offer.add()
        put_resources(o.resources, offer.resources)
        o.count = offer.count
    if m.reclamation_window_s is not None:
        w.reclamation_window.seconds = m.reclamation_window_s
    return w


def _close_bid(m: ask.CloseBid) -> Any:
    w = message("akash.market.v1beta5.MsgCloseBid")(reason=m.reason)
    put_lease_id(w.id, m.id)
    return w


def _withdraw_lease(m: ask.WithdrawLease) -> Any:
    w = message("akash.market.v1beta5.MsgWithdrawLease")()
    put_lease_id(w.id, m.id)
    return w


def _start_reclaim(m: ask.StartReclaim) -> Any:
    w = message("akash.market.v1beta5.MsgLeaseStartReclaim")(reason=m.reason)
    put_lease_id(w.id, m.id)
    return w


def _create_provider(m: ask.CreateProvider) -> Any:
    return _provider(message("akash.provider.v1beta4.MsgCreateProvider")(), m)


def _update_provider(m: ask.UpdateProvider) -> Any:
    return _provider(message("akash.provider.v1beta4.MsgUpdateProvider")(), m)


def _provider(w: Any, m: ask.CreateProvider | ask.UpdateProvider) -> Any:
    w.owner, w.host_uri = m.owner, m.host_uri
    _put_attributes(w.attributes, m.attributes)
    w.info.SetInParent()
    w.info.email, w.info.website = m.email, m.website
    return w


def _create_certificate(m: ask.CreateCertificate) -> Any:
    return message("akash.cert.v1.MsgCreateCertificate")(owner=m.owner, cert=m.cert_pem, pubkey=m.pubkey_pem)


def _revoke_certificate(m: ask.RevokeCertificate) -> Any:
    w = message("akash.cert.v1.MsgRevokeCertificate")()
    w.id.owner, w.id.serial = m.owner, str(m.serial)
    return w


def _create_deployment(m: ask.CreateDeployment) -> Any:
    w = message("akash.deployment.v1beta4.MsgCreateDeployment")(hash=m.hash)
    put_deployment_id(w.id, m.id)
    for spec in m.groups:
        put_group_spec(w.groups.add(), spec)
    _put_deposit(w.deposit, m.deposit)
    if m.reclamation_min_window_s is not None:
        w.reclamation.min_window.seconds = m.reclamation_min_window_s
    return w


def _update_deployment(m: ask.UpdateDeployment) -> Any:
    w = message("akash.deployment.v1beta4.MsgUpdateDeployment")(hash=m.hash)
    put_deployment_id(w.id, m.id)
    return w


def _close_deployment(m: ask.CloseDeployment) -> Any:
    w = message("akash.deployment.v1beta4.MsgCloseDeployment")()
    put_deployment_id(w.id, m.id)
    return w


def _close_group(m: ask.CloseGroup) -> Any:
    w = message("akash.deployment.v1beta4.MsgCloseGroup")()
    put_group_id(w.id, m.id)
    return w


def _create_lease(m: ask.CreateLease) -> Any:
    w = message("akash.market.v1beta5.MsgCreateLease")()
    put_lease_id(w.bid_id, m.id)
    return w


def _close_lease(m: ask.CloseLease) -> Any:
    """The reason is left out: the chain records a tenant's close as the owner's whatever the message says (chain-
    probes.md §8)."""
    w = message("akash.market.v1beta5.MsgCloseLease")()
    put_lease_id(w.id, m.id)
    return w


def _deposit(m: ask.Deposit) -> Any:
    w = message("akash.escrow.v1.MsgAccountDeposit")(signer=m.signer)
    w.id.scope, w.id.xid = 1, str(m.deployment)
    _put_deposit(w.deposit, m.amount)
    return w


def _sign_attributes(m: ask.SignAttributes) -> Any:
    w = message("akash.audit.v1.MsgSignProviderAttributes")(owner=m.provider, auditor=m.auditor)
    _put_attributes(w.attributes, m.attributes)
    return w


def _send(m: ask.Send) -> Any:
    w = message("cosmos.bank.v1beta1.MsgSend")(from_address=m.sender, to_address=m.to)
    w.amount.add(denom=m.amount.denom, amount=str(m.amount.amount))
    return w


def _grant(m: ask.Grant) -> Any:
    w = message("cosmos.authz.v1beta1.MsgGrant")(granter=m.granter, grantee=m.grantee)
    w.grant.authorization.CopyFrom(pack(message("cosmos.authz.v1beta1.GenericAuthorization")(msg=m.type_url)))
    if m.expires_unix_s is not None:
        w.grant.expiration.seconds = m.expires_unix_s
    return w


def _revoke(m: ask.Revoke) -> Any:
    return message("cosmos.authz.v1beta1.MsgRevoke")(granter=m.granter, grantee=m.grantee, msg_type_url=m.type_url)


def _grant_allowance(m: ask.GrantAllowance) -> Any:
    allowed = message("cosmos.feegrant.v1beta1.BasicAllowance")()
    if m.limit is not None:
        allowed.spend_limit.add(denom=m.limit.denom, amount=str(m.limit.amount))
    if m.expires_unix_s is not None:
        allowed.expiration.seconds = m.expires_unix_s
    if m.type_urls:
        allowed = message("cosmos.feegrant.v1beta1.AllowedMsgAllowance")(
            allowance=pack(allowed), allowed_messages=m.type_urls
        )
    return message("cosmos.feegrant.v1beta1.MsgGrantAllowance")(
        granter=m.granter, grantee=m.grantee, allowance=pack(allowed)
    )


def _revoke_allowance(m: ask.RevokeAllowance) -> Any:
    return message("cosmos.feegrant.v1beta1.MsgRevokeAllowance")(granter=m.granter, grantee=m.grantee)


_WRITERS: dict[type, Callable[[Any], Any]] = {
    ask.CreateBid: _create_bid,
    ask.CloseBid: _close_bid,
    ask.WithdrawLease: _withdraw_lease,
    ask.StartReclaim: _start_reclaim,
    ask.CreateProvider: _create_provider,
    ask.UpdateProvider: _update_provider,
    ask.CreateCertificate: _create_certificate,
    ask.RevokeCertificate: _revoke_certificate,
    ask.CreateDeployment: _create_deployment,
    ask.UpdateDeployment: _update_deployment,
    ask.CloseDeployment: _close_deployment,
    ask.CloseGroup: _close_group,
    ask.CreateLease: _create_lease,
    ask.CloseLease: _close_lease,
    ask.Deposit: _deposit,
    ask.SignAttributes: _sign_attributes,
    ask.Send: _send,
    ask.Grant: _grant,
    ask.Revoke: _revoke,
    ask.GrantAllowance: _grant_allowance,
    ask.RevokeAllowance: _revoke_allowance,
}


def provider_message(w: Any) -> ask.Msg | None:
    """A message of ours that was written before; None for what a provider does not send."""
    match w.DESCRIPTOR.name:
        case "MsgCreateBid":
            window = seconds(w.reclamation_window) if w.HasField("reclamation_window") else None
            sources = tuple(_SOURCES[number] for number in w.deposit.sources)
            return ask.CreateBid(lease_id(w.id), dec_coin(w.price), coin(w.deposit.amount), _offer(w), window, sources)
        case "MsgCloseBid":
            return ask.CloseBid(lease_id(w.id), w.reason)
        case "MsgWithdrawLease":
            return ask.WithdrawLease(lease_id(w.id))
        case "MsgLeaseStartReclaim":
            return ask.StartReclaim(lease_id(w.id), w.reason)
        case "MsgCreateCertificate":
            return ask.CreateCertificate(w.owner, w.cert, w.pubkey)
        case "MsgRevokeCertificate":
            return ask.RevokeCertificate(w.id.owner, int(w.id.serial))
        case "MsgCreateProvider":
            return ask.CreateProvider(w.owner, w.host_uri, attributes(w.attributes), w.info.email, w.info.website)
        case "MsgUpdateProvider":
            return provider_record(w)
        case "MsgSend" if len(w.amount) == 1:
            return ask.Send(w.from_address, w.to_address, coin(w.amount[0]))
    return None


# -- small parts ------------------------------------------------------------------------------------------------------


def _offer(w: Any) -> tuple[ResourceOffer, ...]:
    return tuple(ResourceOffer(resources(o.resources), o.count) for o in w.resources_offer)


def _unix_s(w: Any) -> int | None:
    return int(w.expiration.seconds) if w.HasField("expiration") else None


def _name(w: Any, field: str) -> str:
    """The chain's own word for an enum; a number it has added since, as digits."""
    number = getattr(w, field)
    known = w.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(number)
    return str(known.name) if known is not None else str(number)


def _kind(number: int) -> EndpointKind:
    try:
        return EndpointKind(number)
    except ValueError:
        raise ValueError(
            f"endpoint kind {number} is unknown; known are {', '.join(f'{k.value} {k.name}' for k in EndpointKind)}"
        ) from None


def _digits(value: int) -> bytes:
    return str(value).encode()


def _put_attributes(w: Any, given: Attributes) -> None:
    for a in given:
        w.add(key=a.key, value=a.value)


def _put_dec(w: Any, price: DecCoin) -> None:
    # Always digits: an empty amount panics on chain (chain-probes.md, recorded scenarios 18).
    w.denom, w.amount = price.denom, str(price.amount_e18)


_SOURCES: dict[int, ask.DepositSource] = {1: "balance", 2: "grant"}


def _put_deposit(w: Any, amount: Coin, sources: tuple[ask.DepositSource, ...] = ("balance",)) -> None:
    """A deposit without a source is refused (akash 4)."""
    w.amount.denom, w.amount.amount = amount.denom, str(amount.amount)
    w.sources.extend(number for source in sources for number, name in _SOURCES.items() if name == source)
