"""What of the chain's own vocabulary this daemon has heard of, and what is new in a block or in a node's version list.
Pure.

A name that is new is no error, the chain may grow; but it is told once, since an event that means something for
leases would otherwise be passed over in silence. What is known and means nothing to a provider is listed here
(chain.md §3.2, §2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provider.chain.events import KNOWN

OURS = "akash."
SPOKEN = {
    "audit": "v1", "cert": "v1", "deployment": "v1beta4", "escrow": "v1", "market": "v1beta5", "oracle": "v2",
    "provider": "v1beta4",
}  # fmt: skip
"""module -> the version of its service that query.py asks and messages.py signs for"""
_MODULES = {*SPOKEN, "bme", "epochs", "take", "wasm"}
_EVENTS = KNOWN | {
    "akash.provider.v1beta4.EventProviderDeleted",
    "akash.bme.v1.EventLedgerRecordExecuted", "akash.bme.v1.EventLedgerRecordCanceled",
    "akash.bme.v1.EventMintStatusChange", "akash.bme.v1.EventVaultFunded",
    "akash.oracle.v2.EventPriceData", "akash.oracle.v2.EventPriceStaleWarning", "akash.oracle.v2.EventPriceRecovered",
    "akash.epochs.v1beta1.EventEpochStart", "akash.epochs.v1beta1.EventEpochEnd", "akash.wasm.v1.EventMsgBlocked",
}  # fmt: skip
_MESSAGES = {
    f"akash.{module}.Msg{name}"
    for module, names in {
        "audit.v1": "SignProviderAttributes DeleteProviderAttributes",
        "bme.v1": "BurnACT BurnMint MintACT FundVault UpdateParams",
        "cert.v1": "CreateCertificate RevokeCertificate",
        "deployment.v1beta4": "CreateDeployment UpdateDeployment CloseDeployment CloseGroup PauseGroup StartGroup"
        " UpdateParams",
        "escrow.v1": "AccountDeposit",
        "market.v1beta5": "CreateBid CloseBid WithdrawLease CreateLease CloseLease LeaseStartReclaim UpdateParams",
        "oracle.v2": "AddPriceEntry UpdateParams",
        "provider.v1beta4": "CreateProvider UpdateProvider DeleteProvider",
        "wasm.v1": "UpdateParams",
    }.items()
    for name in names.split()
}


def news(events: Iterable[Mapping[str, Any]]) -> set[str]:
    """Full names of akash events and messages in raw ABCI events that nobody here has heard of."""
    out = set()
    for event in events:
        kind = event.get("type") or ""
        if kind.startswith(OURS):
            if kind not in _EVENTS:
                out.add(kind)
        elif kind == "message":
            for attribute in event.get("attributes") or ():
                name = (attribute.get("value") or "").lstrip("/")
                if attribute.get("key") == "action" and name.startswith(OURS) and name not in _MESSAGES:
                    out.add(name)
    return out


def gone(modules: Mapping[str, Iterable[str]]) -> list[str]:
    """Service versions we speak and a node that lists `modules` (name -> versions) does not."""
    return [f"{m} {v}" for m, v in SPOKEN.items() if v not in modules.get(m, ())]


def new_modules(modules: Mapping[str, Iterable[str]]) -> list[str]:
    return sorted(modules.keys() - _MODULES)
