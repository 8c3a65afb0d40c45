"""How a chain starts: its name, its first time, who owns what, and the parameters tests and the sandbox like to
change.

`load` reads the genesis of the recorded scenarios. Module accounts have addresses of their own that no key can sign
for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from manifests.bech32 import encode

Coins = tuple[tuple[str, int], ...]
"""(denom, amount) pairs, sorted by denom"""


def module_address(name: str) -> str:
    """The first 20 bytes of the SHA-256 of the module's name, as the SDK derives them."""
    return encode("akash", sha256(name.encode()).digest()[:20])


ESCROW = module_address("escrow")
FEE_COLLECTOR = module_address("fee_collector")
AT_START = tuple(
    module_address(name)
    for name in ("fee_collector", "distribution", "mint", "bonded_tokens_pool", "not_bonded_tokens_pool", "gov")
)
"""module accounts that exist from the start and take account numbers after the genesis accounts"""
BME = module_address("bme")
BLOCKED = frozenset({*AT_START, ESCROW, BME})
"""accounts nobody may send coins to"""


@dataclass(frozen=True, slots=True)
class BmeParams:
    warn_bps: int = 9_500
    halt_bps: int = 9_000
    min_epoch_blocks: int = 10
    backoff_percent: int = 10
    mint_spread_bps: int = 25
    settle_spread_bps: int = 0
    max_records: int = 50
    """of one kind, per end of a block"""
    min_mint: Coins = (("uact", 10_000_000),)
    max_attempts: int = 3


@dataclass(frozen=True, slots=True)
class OracleParams:
    """Nobody may name a price as long as there are no sources."""

    sources: tuple[str, ...] = ()
    min_sources: int = 1
    staleness_ns: int = 30 * 10**9
    twap_window_ns: int = 5 * 10**9
    max_deviation_bps: int = 1_000
    retention_ns: int = 86_400 * 10**9
    prune_epoch: str = "hour"
    max_prune_per_epoch: int = 1_000
    max_future_drift_ns: int = 10 * 10**9
    start_prices: tuple[tuple[str, int], ...] = ()
    """(denom, USD × 10^18), as if the first source had named them at the very start: they, too, count for only as long
    as `staleness_ns` and `retention_ns` say
    """


@dataclass(frozen=True, slots=True)
class Params:
    min_gas_price_e18: int = 25 * 10**15
    """uakt per gas of this node, × 10^18"""
    max_memo: int = 256
    max_signatures: int = 7
    unordered_ttl_ns: int = 600 * 10**9
    send_disabled: frozenset[str] = frozenset({"uact"})
    send_enabled: frozenset[str] = frozenset()
    """denoms with an entry that says so; the others may be sent as well"""
    bid_min_deposits: Coins = (("uact", 500_000), ("uakt", 500_000))
    order_max_bids: int = 20
    min_reclamation_window_ns: int = 3600 * 10**9
    max_reclamation_window_ns: int = 2_592_000 * 10**9
    deployment_min_deposits: Coins = (("uakt", 500_000), ("uact", 500_000))
    bme: BmeParams = BmeParams()
    oracle: OracleParams = OracleParams()


@dataclass(frozen=True, slots=True)
class Genesis:
    chain_id: str
    genesis_time_unix_ns: int
    balances: Mapping[str, Mapping[str, int]]
    """address -> denom -> amount, in account-number order"""
    params: Params = field(default_factory=Params)

    @classmethod
    def default(
        cls,
        balances: Mapping[str, Mapping[str, int]],
        *,
        chain_id: str = "sandbox",
        genesis_time_unix_ns: int = 1_767_225_600 * 10**9,
        **params: Any,
    ) -> Genesis:
        """A chain with these accounts; every keyword of `Params` may be overridden. Starts 2026-01-01 unless told
        otherwise.
        """
        return cls(chain_id, genesis_time_unix_ns, balances, Params(**params))

    @classmethod
    def load(cls, path: Path, genesis_time_unix_ns: int) -> Genesis:
        """The genesis of the recorded scenarios; their files name the first time one by one."""
        return cls.read(json.loads(path.read_text()), genesis_time_unix_ns)

    @classmethod
    def read(cls, data: Mapping[str, Any], genesis_time_unix_ns: int) -> Genesis:
        """The same, decoded."""
        state = data["app_state"]
        coins = {
            row["address"]: {c["denom"]: int(c["amount"]) for c in row["coins"]} for row in state["bank"]["balances"]
        }
        order = [account.get("base_account", account) for account in state["auth"]["accounts"]]
        balances = {account["address"]: coins.get(account["address"], {}) for account in order}
        market = state["market"]["params"]
        price = data["minimum_gas_prices"].removesuffix("uakt")
        whole, _, fraction = price.partition(".")
        params = Params(
            min_gas_price_e18=int(whole + fraction.ljust(18, "0")),
            max_memo=int(state["auth"]["params"]["max_memo_characters"]),
            max_signatures=int(state["auth"]["params"]["tx_sig_limit"]),
            bid_min_deposits=_coins(market["bid_min_deposits"]),
            order_max_bids=market["order_max_bids"],
            min_reclamation_window_ns=_seconds(market["min_reclamation_window"]),
            max_reclamation_window_ns=_seconds(market["max_reclamation_window"]),
            deployment_min_deposits=_coins(state["deployment"]["params"]["min_deposits"]),
            send_disabled=frozenset(row["denom"] for row in state["bank"]["send_enabled"] if not row["enabled"]),
            send_enabled=frozenset(row["denom"] for row in state["bank"]["send_enabled"] if row["enabled"]),
            bme=_bme(state["bme"]["params"]),
            oracle=_oracle(state["oracle"]["params"]),
        )
        _must_be_fresh(state)
        return cls(data["chain_id"], genesis_time_unix_ns, balances, params)


def _bme(told: Mapping[str, Any]) -> BmeParams:
    return BmeParams(
        warn_bps=told["circuit_breaker_warn_threshold"],
        halt_bps=told["circuit_breaker_halt_threshold"],
        min_epoch_blocks=int(told["min_epoch_blocks"]),
        backoff_percent=told["epoch_blocks_backoff_percent"],
        mint_spread_bps=told["mint_spread_bps"],
        settle_spread_bps=told["settle_spread_bps"],
        max_records=told["max_endblocker_records"],
        min_mint=_coins(told["min_mint"]),
        max_attempts=told["max_pending_attempts"],
    )


def _oracle(told: Mapping[str, Any]) -> OracleParams:
    return OracleParams(
        sources=tuple(told["sources"]),
        min_sources=told["min_price_sources"],
        staleness_ns=_seconds(told["max_price_staleness_period"]),
        twap_window_ns=_seconds(told["twap_window"]),
        max_deviation_bps=int(told["max_price_deviation_bps"]),
        retention_ns=_seconds(told["price_retention"]),
        prune_epoch=told["prune_epoch"],
        max_prune_per_epoch=int(told["max_prune_per_epoch"]),
        max_future_drift_ns=_seconds(told["max_future_time_drift"]),
    )


_EMPTY_AT_START = (
    ("authz", "authorization"),
    ("feegrant", "allowances"),
    ("oracle", "prices"),
    ("bme", "ledger"),
    ("escrow", "accounts"),
    ("escrow", "payments"),
    ("deployment", "deployments"),
    ("market", "orders"),
    ("market", "leases"),
    ("market", "bids"),
    ("provider", "providers"),
    ("audit", "providers"),
    ("cert", "certificates"),
)


def _must_be_fresh(state: Mapping[str, Any]) -> None:
    """ValueError when a chain starts with records: only accounts, balances and parameters are read from a genesis."""
    for module, what in _EMPTY_AT_START:
        if state.get(module, {}).get(what):
            raise ValueError(f"the genesis has {module}.{what}, which a sandbox chain cannot start with")


def _coins(rows: list[dict[str, str]]) -> Coins:
    return tuple((row["denom"], int(row["amount"])) for row in rows)


def _seconds(text: str) -> int:
    return int(text.removesuffix("s")) * 10**9
