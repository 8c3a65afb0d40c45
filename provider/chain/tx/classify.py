"""What a refusal means, wherever it was met: in a simulation (text only), at broadcast, or in a block (codespace and
code). Pure.

The one subtlety: a text carries details before and a source location after the words that count, so words are matched
at the end of what is left when the location is cut off; a whole log is never compared (chain.md §6.6, chain-probes.md
§4 and recorded scenarios 28).
"""

from __future__ import annotations

import re
from enum import Enum

from manifests.ids import LeaseID

ACCEPTED_ALREADY = 19
"""sdk: these very bytes are in the mempool"""


class Verdict(Enum):
    """What to do about it."""

    REFUSED = "a clear no; the same message will be refused again"
    GONE = "the order is over, full, or has our bid already"
    ALREADY = "what it asks for is so already: bid, lease or account are closed, or never were"
    MISJUDGED = "the chain sees order, provider or price otherwise than we: a defect of ours, or a change we missed"
    TOO_EARLY = "a lease that promised notice is closed after it, not before"
    NEXT_BLOCK = "passes by itself once another block is there"
    FUNDS = "the account lacks money; passes when it has some"
    GRANT = "a grant or fee grant is missing, expired or used up; passes when its granter signs a new one"
    OUT_OF_GAS = "send again with more gas"
    NEW_NONCE = "send again with another timeout"
    SEQUENCE = "ordered mode: send again with the right sequence"
    ORDERED_ONLY = "this chain takes no unordered transactions"
    FEE = "the node wants a higher gas price"
    SPLIT = "too large; send in parts"
    UNAUTHORISED = "the signature does not fit account number and chain id, or the node has just started"


FINAL = frozenset({Verdict.REFUSED, Verdict.GONE, Verdict.ALREADY, Verdict.MISJUDGED, Verdict.TOO_EARLY})
"""no to one message, for good; the sender decides"""
_MARKET = {
    **dict.fromkeys((13, 15, 21, 23, 24), Verdict.GONE),
    **dict.fromkeys((6, 7, 8, 10, 11), Verdict.ALREADY),
    **dict.fromkeys((5, 22, 32, 39, 40, 41), Verdict.MISJUDGED),
    **dict.fromkeys((37, 38), Verdict.TOO_EARLY),
}
_ESCROW = dict.fromkeys((2, 7, 8), Verdict.ALREADY)
_SDK = {
    4: Verdict.UNAUTHORISED,
    5: Verdict.FUNDS,
    9: Verdict.FUNDS,
    11: Verdict.OUT_OF_GAS,
    13: Verdict.FEE,
    20: Verdict.NEXT_BLOCK,
    21: Verdict.SPLIT,
    30: Verdict.NEW_NONCE,
    32: Verdict.SEQUENCE,
    37: Verdict.ORDERED_ONLY,
    42: Verdict.NEW_NONCE,
}
_GRANTS = {("authz", 2), ("authz", 6), ("feegrant", 2), ("feegrant", 3), ("feegrant", 7)}
_NO_FEE_GRANT = "fee-grant not found"
_PANIC = 111222
_INDEX = re.compile(r"failed to execute message; message index: (\d+): ")
_TAIL = re.compile(r"(?: \[[^\[\]]*\])?(?: with gas used: '\d+')?\s*$")
_PAYMENT = re.compile(r"couldn't find payment aid:<scope:deployment xid:\"([^\"]+)\" > xid:\"([^\"]+)\"")
_EXPECTED = re.compile(r"account sequence mismatch, expected (\d+)")
_ACCOUNT_NUMBER = re.compile(r"verify account number \((\d+)\)")

# The registered texts of every code this daemon's messages can meet, for simulations, which tell no code.
_TEXTS: dict[str, tuple[str, int]] = {
    "attribute mismatch": ("market", 5),
    "unknown bid": ("market", 6),
    "unknown lease": ("market", 7),
    "unknown lease for bid": ("market", 8),
    "unknown order for bid": ("market", 9),
    "lease not active": ("market", 10),
    "bid not active": ("market", 11),
    "bid not open": ("market", 12),
    "bid: order not open": ("market", 13),
    "no lease for order": ("market", 14),
    "invalid order: order not found": ("market", 15),
    "group not found": ("market", 16),
    "group not open": ("market", 17),
    "invalid bid: bid not found": ("market", 18),
    "invalid bid: zero price": ("market", 19),
    "invalid lease: lease not found": ("market", 20),
    "invalid bid: bid exists from provider": ("market", 21),
    "bid price is invalid": ("market", 22),
    "order active": ("market", 23),
    "order closed": ("market", 24),
    "unknown provider": ("market", 30),
    "capabilities mismatch": ("market", 32),
    "invalid lease closed reason": ("market", 33),
    "lease does not have reclamation configured": ("market", 35),
    "reclamation already in progress": ("market", 36),
    "reclamation not started; call MsgLeaseStartReclaim first": ("market", 37),
    "reclamation window has not elapsed": ("market", 38),
    "reclamation window outside governance bounds": ("market", 39),
    "order requires reclamation but bid does not offer it": ("market", 40),
    "reclamation window shorter than order minimum": ("market", 41),
    "account closed": ("escrow", 2),
    "account not found": ("escrow", 3),
    "account overdrawn": ("escrow", 4),
    "payment closed": ("escrow", 7),
    "payment not found": ("escrow", 8),
    "invalid ID": ("escrow", 12),
    "invalid deposit": ("escrow", 16),
    "Deployment exists": ("deployment", 3),
    "Deployment not found": ("deployment", 4),
    "Deployment closed": ("deployment", 5),
    "Invalid groups": ("deployment", 7),
    "Invalid: empty hash": ("deployment", 9),
    "Invalid: deployment hash": ("deployment", 10),
    "Group not found": ("deployment", 14),
    "Group already closed": ("deployment", 15),
    "Group open": ("deployment", 16),
    "Group paused": ("deployment", 17),
    "Deposit invalid": ("deployment", 20),
    "invalid reclamation configuration": ("deployment", 26),
    "invalid provider: invalid host uri": ("provider", 1),
    "invalid provider: not absolute host uri": ("provider", 2),
    "invalid provider: address not found": ("provider", 3),
    "invalid provider: already exists": ("provider", 4),
    "invalid provider: invalid info website": ("provider", 8),
    "certificate not found": ("cert", 1),
    "certificate exists": ("cert", 3),
    "certificate already revoked": ("cert", 4),
    "invalid serial number": ("cert", 5),
    "invalid certificate value": ("cert", 6),
    "invalid pubkey value": ("cert", 7),
    "attributes cannot have duplicate keys": ("akash", 1),
    "attribute key does not match regexp": ("akash", 2),
    "invalid deposit source": ("akash", 4),
    "tx parse error": ("sdk", 2),
    "invalid sequence": ("sdk", 3),
    "insufficient funds": ("sdk", 5),
    "invalid address": ("sdk", 7),
    "invalid pubkey": ("sdk", 8),
    "invalid coins": ("sdk", 10),
    "out of gas": ("sdk", 11),
    "memo too large": ("sdk", 12),
    "insufficient fee": ("sdk", 13),
    "invalid request": ("sdk", 18),
    "tx timeout height": ("sdk", 30),
    "incorrect account sequence": ("sdk", 32),
    "conflict": ("sdk", 36),
    "feature not supported": ("sdk", 37),
    "not found": ("sdk", 38),
    "tx timeout": ("sdk", 42),
    "authorization not found": ("authz", 2),
    "authorization expired": ("authz", 6),
    "fee limit exceeded": ("feegrant", 2),
    "fee allowance expired": ("feegrant", 3),
    "message not allowed": ("feegrant", 7),
}


def classify(codespace: str, code: int, log: str) -> Verdict:
    """Of a refusal at broadcast or in a block, or of a simulation after `simulated`."""
    if (codespace, code) in _GRANTS:
        return Verdict.GRANT
    match codespace:
        case "sdk":
            return _sdk(code, log)
        case "market":
            return _MARKET.get(code, Verdict.REFUSED)
        case "escrow":
            return _ESCROW.get(code, Verdict.REFUSED)
        case "undefined":
            return _unregistered(code, log)
    return Verdict.REFUSED


def simulated(text: str) -> tuple[str, int]:
    """Codespace and code of a failed simulation's text; ("undefined", 111222) for a panic, ("undefined", 1) where no
    text is registered, as the chain itself would answer."""
    if text.startswith("recovered: "):
        return "undefined", _PANIC
    words = _TAIL.sub("", _INDEX.sub("", text))
    while words:
        found = _TEXTS.get(words)
        if found is not None:
            return found
        _, colon, words = words.partition(": ")
        if not colon:
            break
    return "undefined", 1


def unfounded(codespace: str, code: int, log: str) -> bool:
    """A no in words that no code is registered for, about none of the messages: a node's own trouble, or a proxy's,
    rather than the chain's judgement."""
    return (codespace, code) == ("undefined", 1) and message_index(log) is None


def told(text: str) -> str:
    """A failed simulation's text without source location and gas, for people."""
    return _TAIL.sub("", text)


def readable(log: str) -> str:
    """A refusal of a fee without the raw bytes of addresses that the chain puts into it (recorded scenarios 28)."""
    _, names, words = log.rpartition("does not allow to pay fees for ")
    while names:
        _, colon, words = words.partition(": ")
        if words.isascii() and words.isprintable():
            return words if colon else "the fee is not granted"
    return log


def message_index(log: str) -> int | None:
    """Which message of the transaction failed; None when the refusal is about the transaction or does not say."""
    found = _INDEX.search(log)
    return int(found.group(1)) if found else None


def unsettled_lease(log: str) -> LeaseID | None:
    """Whose payment the chain could not find, from the panic's text."""
    found = _PAYMENT.search(log)
    return LeaseID.parse(f"{found.group(1)}/{found.group(2)}") if found else None


def expected_sequence(log: str) -> int | None:
    found = _EXPECTED.search(log)
    return int(found.group(1)) if found else None


def just_started(log: str) -> bool:
    """A node that has not yet made a block since it started believes every account to be number 0 (chain-probes.md
    §10a)."""
    found = _ACCOUNT_NUMBER.search(log)
    return found is not None and found.group(1) == "0"


def _sdk(code: int, log: str) -> Verdict:
    """The words decide only where one code means several things."""
    match code:
        case 18 if "ttl exceeds" in log:
            return Verdict.NEXT_BLOCK  # a node that has just started knows no time (chain-probes.md §10a)
        case 18 if "already used timeout" in log:
            return Verdict.NEW_NONCE
        case 38 if _NO_FEE_GRANT in log:
            return Verdict.GRANT
        case 4 if message_index(log) is not None:
            return Verdict.REFUSED
    return _SDK.get(code, Verdict.REFUSED)


def _unregistered(code: int, log: str) -> Verdict:
    """Here the chain gives nothing but words (chain.md §6.6)."""
    if code == _PANIC:
        # A second settlement of one deployment in one block, or a simulation right after the first (chain.md §5.6).
        return Verdict.NEXT_BLOCK if "couldn't find payment" in log else Verdict.REFUSED
    if "insufficient balance" in log:
        return Verdict.FUNDS
    return Verdict.GONE if "too many existing bids" in log else Verdict.REFUSED
