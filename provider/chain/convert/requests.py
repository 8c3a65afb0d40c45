"""What we ask for, as wire messages, and those that a provider sends read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifests.coins import Coin
from provider.chain import messages as ask
from provider.chain.convert.answers import offer, provider_record
from provider.chain.convert.ids import lease_id, put_deployment_id, put_group_id, put_lease_id
from provider.chain.convert.values import (
    attributes,
    coin,
    dec_coin,
    put_attributes,
    put_dec,
    put_group_spec,
    put_resources,
    seconds,
)
from provider.chain.wire import message, pack


def to_wire(msg: ask.Msg) -> Any:
    """The protobuf message of a `messages.Msg`. Deposits come from the signer's balance."""
    return WRITERS[type(msg)](msg)


def provider_message(w: Any) -> ask.Msg | None:
    """A message of ours that was written before; None for what a provider does not send."""
    match w.DESCRIPTOR.name:
        case "MsgCreateBid":
            window = seconds(w.reclamation_window) if w.HasField("reclamation_window") else None
            sources = tuple(_SOURCES[number] for number in w.deposit.sources)
            return ask.CreateBid(lease_id(w.id), dec_coin(w.price), coin(w.deposit.amount), offer(w), window, sources)
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


def _create_bid(m: ask.CreateBid) -> Any:
    w = message("akash.market.v1beta5.MsgCreateBid")()
    put_lease_id(w.id, m.id)
    put_dec(w.price, m.price)
    _put_deposit(w.deposit, m.deposit, m.sources)
    for unit in m.offer:
        o = w.resources_offer.add()
        put_resources(o.resources, unit.resources)
        o.count = unit.count
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
    put_attributes(w.attributes, m.attributes)
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
    put_attributes(w.attributes, m.attributes)
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


def _put_deposit(w: Any, amount: Coin, sources: tuple[ask.DepositSource, ...] = ("balance",)) -> None:
    """A deposit without a source is refused (akash 4)."""
    w.amount.denom, w.amount.amount = amount.denom, str(amount.amount)
    w.sources.extend(number for source in sources for number, name in _SOURCES.items() if name == source)


_SOURCES: dict[int, ask.DepositSource] = {1: "balance", 2: "grant"}
WRITERS: dict[type, Callable[[Any], Any]] = {
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
