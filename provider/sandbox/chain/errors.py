"""Every "no" of the chain: registered errors with codespace and code, unregistered ones, panics, and what queries
answer.

The one subtlety: an error the real node wraps without its registration arrives as codespace `undefined` code 1
(chain.md §6.6), a panic as `undefined` 111222. Both are kept apart here from registered errors, so that a caller sees
exactly what a client would see.
"""

from __future__ import annotations

from typing import Self

PANIC_CODE = 111222


class ChainError(Exception):
    """A refusal: what CheckTx and block results print as codespace, code and log."""

    def __init__(self, codespace: str, code: int, text: str) -> None:
        super().__init__(text)
        self.codespace, self.code, self.text = codespace, code, text

    @property
    def is_panic(self) -> bool:
        return (self.codespace, self.code) == ("undefined", PANIC_CODE)

    @property
    def ends_tx(self) -> bool:
        """A panic or running out of gas: it names no message."""
        return self.is_panic or (self.codespace, self.code) == ("sdk", 11)

    def wrap(self, detail: str) -> Self:
        """The same code with `detail: ` in front of the text."""
        return type(self)(self.codespace, self.code, f"{detail}: {self.text}")


class QueryError(Exception):
    """A refused query: gRPC status name ("NOT_FOUND") and text."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class SimulateError(Exception):
    """A failed simulation; over gRPC it is UNKNOWN with this text (chain-probes §4)."""

    def __init__(self, text: str, gas_used: int) -> None:
        super().__init__(text)
        self.text, self.gas_used = text, gas_used


def unregistered(text: str) -> ChainError:
    return ChainError("undefined", 1, text)


def panic(text: str) -> ChainError:
    return ChainError("undefined", PANIC_CODE, f"recovered: {text}\nstack:\n<cut>: panic")


def nil_pointer() -> ChainError:
    return panic("runtime error: invalid memory address or nil pointer dereference")


_TEXTS: dict[str, dict[int, str]] = {
    "sdk": {
        2: "tx parse error",
        3: "invalid sequence",
        4: "unauthorized",
        5: "insufficient funds",
        6: "unknown request",
        7: "invalid address",
        8: "invalid pubkey",
        9: "unknown address",
        10: "invalid coins",
        11: "out of gas",
        12: "memo too large",
        13: "insufficient fee",
        14: "maximum number of signatures exceeded",
        15: "no signatures supplied",
        18: "invalid request",
        26: "invalid height",
        29: "invalid type",
        30: "tx timeout height",
        31: "unknown extension options",
        32: "incorrect account sequence",
        36: "conflict",
        38: "not found",
        42: "tx timeout",
    },
    "bank": {5: "send transactions are disabled", 8: "duplicate entry"},
    "akash": {
        1: "attributes cannot have duplicate keys",
        2: "attribute key does not match regexp",
        4: "invalid deposit source",
    },
    "market": {
        5: "attribute mismatch",
        6: "unknown bid",
        7: "unknown lease",
        8: "unknown lease for bid",
        9: "unknown order for bid",
        10: "lease not active",
        11: "bid not active",
        12: "bid not open",
        13: "bid: order not open",
        15: "invalid order: order not found",
        17: "group not open",
        18: "invalid bid: bid not found",
        19: "invalid bid: zero price",
        20: "invalid lease: lease not found",
        21: "invalid bid: bid exists from provider",
        22: "bid price is invalid",
        23: "order active",
        24: "order closed",
        30: "unknown provider",
        32: "capabilities mismatch",
        33: "invalid lease closed reason",
        35: "lease does not have reclamation configured",
        37: "reclamation not started; call MsgLeaseStartReclaim first",
        38: "reclamation window has not elapsed",
        39: "reclamation window outside governance bounds",
        40: "order requires reclamation but bid does not offer it",
        41: "reclamation window shorter than order minimum",
    },
    "escrow": {
        1: "account exists",
        2: "account closed",
        3: "account not found",
        4: "account overdrawn",
        5: "invalid denomination",
        6: "payment exists",
        7: "payment closed",
        8: "payment not found",
        9: "payment rate zero",
        12: "invalid ID",
        15: "unauthorized deposit scope",
        16: "invalid deposit",
        17: "invalid authz scope",
    },
    "deployment": {
        3: "Deployment exists",
        4: "Deployment not found",
        5: "Deployment closed",
        7: "Invalid groups",
        9: "Invalid: empty hash",
        10: "Invalid: deployment hash",
        14: "Group not found",
        15: "Group already closed",
        16: "Group open",
        17: "Group paused",
        20: "Deposit invalid",
        26: "invalid reclamation configuration",
    },
    "provider": {
        1: "invalid provider: invalid host uri",
        2: "invalid provider: not absolute host uri",
        3: "invalid provider: address not found",
        4: "invalid provider: already exists",
        8: "invalid provider: invalid info website",
        10: "internal error",
    },
    "cert": {
        1: "certificate not found",
        2: "invalid address",
        3: "certificate exists",
        4: "certificate already revoked",
        5: "invalid serial number",
        6: "invalid certificate value",
        7: "invalid pubkey value",
    },
    "audit": {1: "invalid provider: address not found", 3: "attribute not found"},
    "authz": {
        2: "authorization not found",
        3: "expiration time of authorization should be more than current time",
        6: "authorization expired",
        7: "grantee and granter should be different",
        9: "authorization can be given to msg with only one signer",
    },
    "feegrant": {
        2: "fee limit exceeded",
        3: "fee allowance expired",
        4: "invalid duration",
        5: "no allowance",
        6: "allowed messages are empty",
        7: "message not allowed",
    },
    "bme": {
        3: "unauthorized",
        6: "circuit breaker is active",
        7: "insufficient vault funds",
        8: "invalid amount",
        9: "invalid denomination",
        12: "oracle price is zero",
        16: "result value is less then precision of the denom",
        17: "minimum mint amount is not met",
    },
    "oracle.v2": {4: "price stalled"},
}


def registered(codespace: str, code: int, detail: str = "") -> ChainError:
    """`registered("market", 15)` is "invalid order: order not found"; a detail goes in front, as the node wraps
    errors.
    """
    error = ChainError(codespace, code, _TEXTS[codespace][code])
    return error.wrap(detail) if detail else error


def not_found(error: ChainError) -> QueryError:
    """How a query names a registered error."""
    return QueryError("NOT_FOUND", f"codespace {error.codespace} code {error.code}: {error.text}")
