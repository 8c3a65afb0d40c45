"""What we can ask the chain to do, as values. `convert.py` turns each into its protobuf message, `tx/` carries it
there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bidengine.views import ResourceOffer
from manifests.coins import Coin, DecCoin
from manifests.ids import BidID, DeploymentID, GroupID, LeaseID
from manifests.resources import Attributes, GroupSpec

DepositSource = Literal["balance", "grant"]
"""what pays a deposit: the account itself, or deposit authorizations that others have given it (chain.md §2.2)"""


@dataclass(frozen=True, slots=True)
class CreateBid:
    id: BidID
    price: DecCoin
    deposit: Coin
    offer: tuple[ResourceOffer, ...] = ()
    reclamation_window_s: int | None = None
    sources: tuple[DepositSource, ...] = ("balance",)
    """tried in this order"""


@dataclass(frozen=True, slots=True)
class CloseBid:
    id: BidID
    reason: int
    """10000–19999 (bidengine.views.CloseReason)"""


@dataclass(frozen=True, slots=True)
class WithdrawLease:
    id: LeaseID


@dataclass(frozen=True, slots=True)
class StartReclaim:
    id: LeaseID
    reason: int


@dataclass(frozen=True, slots=True)
class CreateProvider:
    owner: str
    host_uri: str
    attributes: Attributes
    email: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class UpdateProvider:
    owner: str
    host_uri: str
    attributes: Attributes
    email: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class CreateCertificate:
    owner: str
    cert_pem: bytes
    pubkey_pem: bytes


@dataclass(frozen=True, slots=True)
class RevokeCertificate:
    owner: str
    serial: int


# -- what a tenant asks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateDeployment:
    id: DeploymentID
    groups: tuple[GroupSpec, ...]
    hash: bytes
    deposit: Coin
    reclamation_min_window_s: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateDeployment:
    id: DeploymentID
    hash: bytes


@dataclass(frozen=True, slots=True)
class CloseDeployment:
    id: DeploymentID


@dataclass(frozen=True, slots=True)
class CloseGroup:
    id: GroupID


@dataclass(frozen=True, slots=True)
class CreateLease:
    id: BidID


@dataclass(frozen=True, slots=True)
class CloseLease:
    id: LeaseID


@dataclass(frozen=True, slots=True)
class Deposit:
    signer: str
    deployment: DeploymentID
    amount: Coin


@dataclass(frozen=True, slots=True)
class SignAttributes:
    """An auditor vouches for what a provider says of itself."""

    auditor: str
    provider: str
    attributes: Attributes


# -- what a cold owner asks -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grant:
    """`grantee` may send messages of one type in the granter's name."""

    granter: str
    grantee: str
    type_url: str
    expires_unix_s: int | None = None


@dataclass(frozen=True, slots=True)
class Revoke:
    granter: str
    grantee: str
    type_url: str


@dataclass(frozen=True, slots=True)
class GrantAllowance:
    """The granter pays the grantee's fees, up to a limit (None: any), for transactions with these messages only."""

    granter: str
    grantee: str
    limit: Coin | None
    type_urls: tuple[str, ...] = ()
    expires_unix_s: int | None = None


@dataclass(frozen=True, slots=True)
class RevokeAllowance:
    granter: str
    grantee: str


@dataclass(frozen=True, slots=True)
class Send:
    """Coins from one account to another. ACT cannot be sent (chain.md §2.9)."""

    sender: str
    to: str
    amount: Coin


ProviderMsg = (
    CreateBid
    | CloseBid
    | WithdrawLease
    | StartReclaim
    | CreateProvider
    | UpdateProvider
    | CreateCertificate
    | RevokeCertificate
)
TenantMsg = (
    CreateDeployment
    | UpdateDeployment
    | CloseDeployment
    | CloseGroup
    | CreateLease
    | CloseLease
    | Deposit
    | SignAttributes
)
OwnerMsg = Grant | Revoke | GrantAllowance | RevokeAllowance | Send
Msg = ProviderMsg | TenantMsg | OwnerMsg


def signer_of(msg: Msg) -> str:
    """Whose account must sign it, or have granted it (chain.md §2.1)."""
    match msg:
        case CreateBid(id=bid) | CloseBid(id=bid) | WithdrawLease(id=bid) | StartReclaim(id=bid):
            return bid.provider
        case CreateLease(id=key) | CloseLease(id=key) | CreateDeployment(id=key) | UpdateDeployment(id=key):
            return key.owner
        case CloseDeployment(id=key) | CloseGroup(id=key):
            return key.owner
        case CreateProvider() | UpdateProvider() | CreateCertificate() | RevokeCertificate():
            return msg.owner
        case Deposit():
            return msg.signer
        case Send():
            return msg.sender
        case SignAttributes():
            return msg.auditor
        case Grant() | Revoke() | GrantAllowance() | RevokeAllowance():
            return msg.granter
