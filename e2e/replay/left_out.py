"""What is not compared, all of it, with the reason. Each time something is left out it is counted under its reason.

The sandbox chain has no validators' economy (minting, distribution, staking), no governance, no wasm and no IBC: what
those do at the start of each block and the accounts they move is left out, as is what only that very node can know.
"""

from __future__ import annotations

import re
from typing import Any

ECONOMY = "events of minting and distributing rewards (no validators' economy)"
NOISE = "price and coinbase events that the recorder dropped itself"
ACCOUNTS = "balances of accounts that live on rewards"
GAS = "gas used"
OWN = "hashes, keys, names and sizes of that very node"
TX_ITSELF = "the transaction inside GetTx's answer (the recorder dropped it)"
DECODER = "how Go describes bytes that are no transaction (it varies its own spacing)"

_ECONOMY_EVENTS = {"mint", "rewards", "commission", "proposer_reward", "withdraw_rewards", "liveness", "slash"}
AGGREGATED = "akash.oracle.v2.EventAggregatedPrice"
_REWARDED = ("fee_collector", "distribution", "mint", "bonded_tokens_pool", "not_bonded_tokens_pool", "gov")


def is_economy(event: dict[str, Any]) -> bool:
    """Of a block's own events: those of minting and rewards, and every transfer at the start of a block."""
    starts = any(a["key"] == "mode" and a["value"] == "BeginBlock" for a in event["attributes"])
    return event["type"] in _ECONOMY_EVENTS or (starts and not event["type"].startswith("akash."))


def is_noise(event_type: str, *, keeps_prices: bool) -> bool:
    """What the recorder drops from nearly all blocks; some files keep the prices."""
    return event_type == "coinbase" or (event_type == AGGREGATED and not keeps_prices)


def rewarded(genesis: dict[str, Any]) -> set[str]:
    """Accounts whose balances follow from rewards; the validator's own among them."""
    modules = {genesis["module_accounts"][name] for name in _REWARDED if name in genesis["module_accounts"]}
    names = genesis.get("names", {})
    return modules | {names[name]["address"] for name in ("validator",) if name in names}


_OWN_KEYS = {
    *("id", "listen_addr", "rpc_address", "moniker", "voting_power", "version", "node_version", "block_size"),
    *("hash", "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash"),
    *("last_results_hash", "evidence_hash", "proposer_address", "validator_address", "signature", "address", "value"),
    *("latest_block_hash", "latest_app_hash", "earliest_block_hash", "earliest_app_hash", "last_block_app_hash"),
    *("validator_hash", "gas_used", "timestamp_of_vote"),
}
_ALWAYS = {"id", "listen_addr", "rpc_address", "moniker", "voting_power", "version", "node_version", "block_size"}
_OPAQUE = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==")


def own(value: Any, key: str = "") -> Any:
    """An answer of the node about itself with what only it can know replaced by its form."""
    if isinstance(value, dict):
        return {k: own(v, k) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(own(v, key) for v in value)
    if isinstance(value, list):
        return [own(v, key) for v in value]
    if not isinstance(value, str) or key not in _OWN_KEYS:
        return value
    if key == "gas_used" or key in _ALWAYS:
        return f"<{key}>"
    return f"<{len(value)} characters>" if _OPAQUE.fullmatch(value) else value
