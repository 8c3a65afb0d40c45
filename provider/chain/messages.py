"""What we can ask the chain to do, as values. `convert.py` turns each into its protobuf message, `tx/` carries it
there."""

from __future__ import annotations

from dataclasses import dataclass

from bidengine.views import ResourceOffer
from manifests.coins import Coin, DecCoin
from manifests.ids import BidID, DeploymentID, GroupID, LeaseID
from manifests.resources import Attributes, GroupSpec


@dataclass(frozen=True, slots=True)
class CreateBid:
    id: BidID
    price: DecCoin
    deposit: Coin
    offer: tuple[ResourceOffer, ...] = ()
    reclamation_window_s: int | None = None


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
Msg = ProviderMsg | TenantMsg
