"""Every metric, in one registry that is passed in, so tests can read it and two daemons in a process do not mix.

Counters are stepped where an effect happens; gauges are read from live state when Prometheus asks, so they cannot
drift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Sample = tuple[str, dict[str, str], float]
PRICING_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: a price file answers within the first, a script within a few tenths, its time limit is 10."""


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.blocks = Counter("akp_blocks", "Blocks taken in.", registry=self.registry)
        self.skipped = Counter("akp_blocks_skipped", "Blocks never taken in, by reloads.", registry=self.registry)
        self.reloads = Counter(
            "akp_chain_reloads", "Starts that loaded the present state over a gap in blocks.", registry=self.registry
        )
        self.parameters = Counter(
            "akp_parameter_changes", "Changes of the market's parameters.", ["parameter"], registry=self.registry
        )
        self.bids = Counter("akp_bids", "Bids, by what became of them.", ["outcome"], registry=self.registry)
        self.outcomes = Counter(
            "akp_outcomes", "What became of bids, by code (docs/orders.md).", ["outcome"], registry=self.registry
        )
        self.declines = Counter("akp_declines", "Orders not bid on, by reason.", ["reason"], registry=self.registry)
        self.pricing_seconds = Histogram(
            "akp_pricing_seconds",
            "From asking for a price to the answer, waiting for a turn included.",
            ["strategy"],
            buckets=PRICING_BUCKETS,
            registry=self.registry,
        )
        self.pricing_errors = Counter(
            "akp_pricing_errors",
            "Prices asked for and not given, by kind of trouble.",
            ["strategy", "kind"],
            registry=self.registry,
        )
        self.failed = Counter(
            "akp_messages_failed",
            "Messages that left and came to nothing, by kind.",
            ["message"],
            registry=self.registry,
        )
        self.tx = Counter(
            "akp_tx",
            "Transactions, by what became of them: included, failed in a block, refused by a node, expired.",
            ["result"],
            registry=self.registry,
        )
        self.tx_fees = Counter(
            "akp_tx_fee_utokens", "Fees paid, in millionths of the fee's coin.", registry=self.registry
        )
        self.tx_retries = Counter(
            "akp_tx_retries", "Messages signed once more in another transaction.", registry=self.registry
        )
        self.manifests = Counter("akp_manifests", "Manifests received, by answer.", ["answer"], registry=self.registry)
        self.price_steps = Counter(
            "akp_auto_price_steps", "Steps of auto-pricing.", ["subject", "direction", "mode"], registry=self.registry
        )
        self.leases = Counter(
            "akp_leases_closed", "Leases that ended, by the chain's reason.", ["reason"], registry=self.registry
        )

    def watch(self, gauges: Callable[[], Iterable[Sample]]) -> None:
        """`gauges()` yields (name, labels, value) each time metrics are read."""
        self.registry.register(_Live(gauges))

    def text(self) -> bytes:
        return generate_latest(self.registry)


HELP = {
    "akp_sweep_on": "1 while money above what is kept goes to an account of the operator's.",
    "akp_starting": "1 until the daemon is up; /readyz tells what it waits for.",
    "akp_start_blocks_behind": "Blocks that the nodes lack of those the ledger has, while the daemon starts.",
    "akp_height": "Last block taken in.",
    "akp_block_age_seconds": "Age of that block by the local clock.",
    "akp_orders_open": "Open orders on the market.",
    "akp_bids_open": "Bids of ours that wait for an answer.",
    "akp_leases": "Leases of ours that live.",
    "akp_leases_unwell": "Leases of which nothing serves, by cause and who can mend it (docs/leases.md).",
    "akp_leases_over_unconfirmed": "Leases that are over and stay, because nodes do not agree or do not answer.",
    "akp_lease_conditions": "Leases by condition and status; of a healthy lease all are True.",
    "akp_cleaned_total": "Objects of leases cleaned up since the start, by what they were.",
    "akp_stuck": "Namespaces and pods of leases that were to be gone and are not.",
    "akp_reservations": "Orders with room set aside, by state.",
    "akp_gpu": "GPUs by model and node: sold, reserved for bids, idle, sick, or unsold for the reason in the log.",
    "akp_resource": "Amounts by node: sold, reserved for bids, idle; CPU in thousandths, the rest in bytes.",
    "akp_queue": "Keys waiting or being worked on, by queue.",
    "akp_transactions_pending": "Transactions sent and not yet seen in a block.",
    "akp_outbox": "Messages for the chain: waiting, signed and taken by no node yet, or accepted by one.",
    "akp_fee_budget_left_utokens": "What may still be spent on fees in this hour.",
    "akp_mirror_fresh": "1 while a cluster mirror is up to date.",
    "akp_hostnames": "Host names of leases: claimed, or wanted and not led to the lease, by reason.",
    "akp_leased_ports": "Ports on leased addresses: claimed, or wanted and not led to the lease, by reason.",
    "akp_leased_addresses": "Addresses for leases: total after what others hold, used, free.",
    "akp_free": "What could still be sold, by resource.",
    "akp_price_usd": "Last good price of a coin in dollars, by the oracle's name.",
    "akp_oracle_age_seconds": "Age of that price by the chain's clock.",
    "akp_auto_price_factor": "What auto-pricing multiplies a price by, or would.",
    "akp_maintenance": "1 while the operator has paused bidding.",
    "akp_owners_listed": "Tenants on the operator's lists.",
    "akp_policy_list_loaded": "1 once a list kept elsewhere has been loaded.",
    "akp_policy_list_age_seconds": "Since its server last said that a list is up to date.",
    "akp_hot_key_problems": "What stops the hot key from working, or will within two weeks (akp chain grants show).",
    "akp_hot_key_balance_tokens": "What the hot key's account holds for fees, by denomination.",
    "akp_hot_key_grants_end_seconds": "Unix time at which the first of the hot key's grants ends.",
    "akp_node_up": "1 while both doors of a node answer, for our chain.",
    "akp_node_in_step": "1 while a node is up and neither lags nor catches up.",
    "akp_node_in_use": "1 for the node that is asked first.",
    "akp_node_height": "Height at the door of a node that is further behind.",
    "akp_node_lag_blocks": "How far that is behind the best height any node had shown when it was asked.",
    "akp_node_earliest_height": "Oldest block a node keeps.",
    "akp_node_errors_total": "Calls a node did not answer, by door.",
    "akp_node_latency_seconds": "Moving average of a node's answers, by door.",
    "akp_income_unpaid_utokens": "Earned by live leases and not withdrawn yet, by denomination.",
    "akp_leases_dry_soon": "Leases whose escrow ends within a day (akp leases dry).",
    "akp_leases_dry_soon_utokens_per_day": "What these earn a day, by denomination.",
    "akp_accounts_wedged": "Deployments that run for nothing: uakt has paid for uact once, and nothing is paid since.",
    "akp_deposits_locked_utokens": "Deposits of our bids on chain, by denomination, source and state of the bid.",
    "akp_deposits_stale": "Deposits locked for bids whose order is over; they are being got back.",
    "akp_wallet_balance_tokens": "What the account that pays deposits holds, by denomination.",
    "akp_wallet_granted_tokens": "What deposit authorizations of others allow it besides, by denomination.",
    "akp_fee_payer_balance_tokens": "What the account that pays the fees holds, where it is another one.",
}


class _Live(Collector):
    def __init__(self, gauges: Callable[[], Iterable[Sample]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for name, labels, value in self._gauges():
            family = families.get(name)
            if family is None:
                kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
                family = families[name] = kind(name, HELP[name], labels=list(labels))
            family.add_metric(list(labels.values()), value)
        yield from families.values()

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance: the registry must not read live state while the daemon is still being built."""
        return iter(())
