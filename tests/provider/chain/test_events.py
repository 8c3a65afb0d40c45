"""Every event a real node recorded is read; what is malformed is named, what is unknown is passed over."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from manifests.coins import DecCoin, parse_decimal
from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID
from provider.chain import events
from provider.chain.events import Malformed, parse_events

LEASE = {"owner": "akash1t", "dseq": "101", "gseq": 1, "oseq": 2, "provider": "akash1p", "bseq": 0}
ID = LeaseID("akash1t", 101, 1, 2, "akash1p")


def event(kind: str, **attributes: str) -> dict[str, Any]:
    return {"type": kind, "attributes": [{"key": k, "value": v, "index": True} for k, v in attributes.items()]}


def fields(*names: str) -> str:
    return json.dumps({n: LEASE[n] for n in names})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            event("akash.market.v1.EventOrderCreated", id=fields("owner", "dseq", "gseq", "oseq"), msg_index="0"),
            events.OrderCreated(OrderID("akash1t", 101, 1, 2)),
        ),
        (
            event(
                "akash.market.v1.EventBidCreated",
                id=json.dumps(LEASE),
                price='{"denom":"uact","amount":"100.500000000000000000"}',
                msg_index="0",
            ),
            events.BidCreated(ID, DecCoin("uact", parse_decimal("100.5"))),
        ),
        (event("akash.market.v1.EventBidClosed", id=json.dumps(LEASE)), events.BidClosed(ID)),
        (
            event("akash.market.v1.EventLeaseClosed", id=json.dumps(LEASE), reason='"lease_closed_owner"'),
            events.LeaseClosed(ID, 1),
        ),
        (
            event("akash.market.v1.EventLeaseClosed", id=json.dumps(LEASE), reason="19999"),
            events.LeaseClosed(ID, 19999),
        ),
        (
            event("akash.market.v1.EventLeaseClosed", id=json.dumps(LEASE), reason='"lease_closed_reason_of_2030"'),
            events.LeaseClosed(ID, 0),
        ),
        (
            event(
                "akash.market.v1.EventLeaseReclaimStarted",
                deadline='"1795219351"',
                id=json.dumps(LEASE),
                reason='"lease_closed_reason_decommission"',
            ),
            events.LeaseReclaimStarted(ID, 10001, 1795219351),
        ),
        (
            event("akash.deployment.v1.EventDeploymentCreated", hash='"AAEC"', id=fields("owner", "dseq")),
            events.DeploymentCreated(DeploymentID("akash1t", 101), b"\x00\x01\x02"),
        ),
        (
            event("akash.deployment.v1.EventGroupPaused", id=fields("owner", "dseq", "gseq")),
            events.GroupChanged(GroupID("akash1t", 101, 1)),
        ),
        (
            event("akash.provider.v1beta4.EventProviderUpdated", owner='"akash1p"', msg_index="0"),
            events.ProviderChanged("akash1p"),
        ),
        (
            event("akash.audit.v1.EventTrustedAuditorCreated", auditor='"akash1a"', owner='"akash1p"'),
            events.AuditChanged("akash1p", "akash1a"),
        ),
        (
            event("akash.audit.v1.EventTrustedAuditorDeleted", auditor='"akash1a"', owner='"akash1p"'),
            events.AuditChanged("akash1p", "akash1a"),
        ),
        (
            event("akash.provider.v1beta4.EventProviderCreated", owner='"akash1p"'),
            events.ProviderChanged("akash1p"),
        ),
        (
            event(
                "akash.oracle.v2.EventAggregatedPrice",
                price='{"denom":"akt","twap":"1.25","num_sources":1}',
                mode="EndBlock",
            ),
            events.PriceTold("akt", 125 * 10**16),
        ),
        (
            event(
                "akash.oracle.v2.EventPriceStaled",
                id='{"denom":"akt","base_denom":"usd"}',
                last_height='"0"',
                mode="EndBlock",
            ),
            events.PriceStaled("akt"),
        ),
    ],
)
def test_one_of_each(given: dict[str, Any], wanted: events.Event) -> None:
    assert parse_events([given]) == (wanted,)


@pytest.mark.parametrize(
    "given",
    [
        event("akash.oracle.v2.EventPriceRecovered", id="{}", mode="EndBlock"),
        event("akash.market.v2.EventOrderCreated", id="?"),
        event("coin_received", receiver="akash1p", amount="5uakt"),
        {"type": "message", "attributes": None},
    ],
)
def test_what_does_not_concern_us_is_passed_over(given: dict[str, Any]) -> None:
    assert parse_events([given]) == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (event("akash.market.v1.EventOrderCreated"), "no attribute 'id'"),
        (event("akash.market.v1.EventOrderCreated", id="{}"), "no attribute 'owner'"),
        (event("akash.market.v1.EventOrderCreated", id="null"), "EventOrderCreated"),
        (event("akash.market.v1.EventBidClosed", id="not json"), "EventBidClosed"),
        (event("akash.market.v1.EventBidCreated", id=json.dumps(LEASE), price='{"denom":"uact","amount":"x"}'), "'x'"),
        (
            event("akash.deployment.v1.EventDeploymentUpdated", id=fields("owner", "dseq"), hash='"!"'),
            "DeploymentUpdated",
        ),
        (event("akash.oracle.v2.EventAggregatedPrice", price='{"denom":"akt"}'), "twap"),
        (event("akash.oracle.v2.EventPriceStaled", id="{}"), "denom"),
    ],
)
def test_what_cannot_be_read_is_named(given: dict[str, Any], says: str) -> None:
    with pytest.raises(Malformed, match=says):
        parse_events([given])


def test_every_recorded_event_is_read(lines: Any) -> None:
    read: Counter[str] = Counter()
    for block in lines(None, "results"):
        for result in [*block["results"], {"events": block["finalize_block_events"]}]:
            given = result["events"]
            known = [e for e in given if e["type"] in events._READERS]
            read.update(e["type"] for e in known)
            assert len(parse_events(given)) == len(known)
    assert set(events._READERS) == set(read), "the recordings hold every event we know"


def test_a_block_lists_its_events_transactions_first() -> None:
    tx = events.TxResult("AB", 0, "", "", 1, (events.ProviderChanged("a"),))
    block = events.Block(5, 0, (tx,), (events.ProviderChanged("b"),))
    assert [e.owner for e in block.events if isinstance(e, events.ProviderChanged)] == ["a", "b"]
