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
BLOCKED = frozenset({*AT_START, ESCROW, module_address("bme")})
"""accounts nobody may send coins to"""


@dataclass(frozen=True, slots=True)
class OracleParams:
    """Nobody may name a price as long as there are no sources."""

    sources: tuple[str, ...] = ()
    min_sources: int = 1
    staleness_ns: int = 30 * 10**9
    twap_window_ns: int = 5 * 10**9
    max_deviation_bps: int = 1_000
    max_future_drift_ns: int = 10 * 10**9
    start_prices: tuple[tuple[str, int], ...] = ()
    """(denom, dollars ×10^18) known from the first block on, as if the first source had named them at the start"""


@dataclass(frozen=True, slots=True)
class Params:
    min_gas_price_e18: int = 25 * 10**15
    """uakt per gas of this node, × 10^18"""
    max_memo: int = 256
    max_signatures: int = 7
    unordered_ttl_ns: int = 600 * 10**9
    send_disabled: frozenset[str] = frozenset({"uact"})
    bid_min_deposits: Coins = (("uact", 500_000), ("uakt", 500_000))
    order_max_bids: int = 20
    min_reclamation_window_ns: int = 3600 * 10**9
    max_reclamation_window_ns: int = 2_592_000 * 10**9
    deployment_min_deposits: Coins = (("uakt", 500_000), ("uact", 500_000))
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
        data = json.loads(path.read_text())
        state = data["app_state"]
        coins = {
            row["address"]: {c["denom"]: int(c["amount"]) for c in row["coins"]} for row in state["bank"]["balances"]
        }
        order = [account.get("base_account", account) for account in state["auth"]["accounts"]]
        balances = {account["address"]: coins.get(account["address"], {}) for account in order}
        market, oracle = state["market"]["params"], state["oracle"]["params"]
        price = data["minimum_gas_prices"].removesuffix("uakt")
        whole, _, fraction = price.partition(".")
        params = Params(
            min_gas_price_e18=int(whole + fraction.ljust(18, "0")),
            bid_min_deposits=_coins(market["bid_min_deposits"]),
            order_max_bids=market["order_max_bids"],
            min_reclamation_window_ns=_seconds(market["min_reclamation_window"]),
            max_reclamation_window_ns=_seconds(market["max_reclamation_window"]),
            deployment_min_deposits=_coins(state["deployment"]["params"]["min_deposits"]),
            oracle=OracleParams(
                sources=tuple(oracle["sources"]),
                min_sources=oracle["min_price_sources"],
                staleness_ns=_seconds(oracle["max_price_staleness_period"]),
                twap_window_ns=_seconds(oracle["twap_window"]),
                max_deviation_bps=int(oracle["max_price_deviation_bps"]),
                max_future_drift_ns=_seconds(oracle["max_future_time_drift"]),
            ),
            send_disabled=frozenset(row["denom"] for row in state["bank"]["send_enabled"] if not row["enabled"]),
        )
        return cls(data["chain_id"], genesis_time_unix_ns, balances, params)


def _coins(rows: list[dict[str, str]]) -> Coins:
    return tuple((row["denom"], int(row["amount"])) for row in rows)


def _seconds(text: str) -> int:
    return int(text.removesuffix("s")) * 10**9
