"""Deployments and groups from creation to their end."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message


def names(answer: Any) -> list[str]:
    return [e.type.rpartition(".")[2] for e in answer.events if e.type.startswith("akash.")]


def two_groups(chain: Any) -> list[Any]:
    groups = [chain.deployment().groups[0] for _ in range(2)]
    groups[1].name = "second"
    return groups


def test_every_group_gets_an_order(chain: Any) -> None:
    answer = chain.must("tenant", chain.deployment(groups=two_groups(chain)))
    assert names(answer) == ["EventDeploymentCreated", "EventOrderCreated", "EventOrderCreated"]
    orders = chain.ask("akash.market.v1beta5.Query/Orders").orders
    assert [(o.id.gseq, o.id.oseq, o.spec.name) for o in orders] == [(1, 1, "g"), (2, 1, "second")]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"deposit": 499_999}, ("deployment", 20)),
        ({"deposit": 10**13}, ("undefined", 1)),
        ({"reclamation": {"min_window": {"seconds": 9}}}, ("deployment", 26)),
        ({"reclamation": {"min_window": {"seconds": 10}}}, ("", 0)),
        ({"deposit": 1, "reclamation": {"min_window": {"seconds": 9}}}, ("deployment", 20)),
    ],
)
def test_creation_in_the_block(chain: Any, more: Any, wanted: tuple[str, int]) -> None:
    answer = chain.send("tenant", chain.deployment(**more))
    assert (answer.codespace, answer.code) == wanted, answer.log


def test_creation_before_the_block(chain: Any) -> None:
    good = chain.deployment()
    for change, wanted in (
        (lambda m: m.ClearField("groups"), ("deployment", 7)),
        (lambda m: setattr(m, "hash", b""), ("deployment", 9)),
        (lambda m: setattr(m, "hash", b"h" * 31), ("deployment", 10)),
        (lambda m: setattr(m.deposit.amount, "denom", "uakt"), ("deployment", 20)),
        (lambda m: m.deposit.ClearField("sources"), ("akash", 4)),
        (lambda m: setattr(m.id, "dseq", 0), ("sdk", 3)),
    ):
        changed = message("akash.deployment.v1beta4.MsgCreateDeployment")()
        changed.CopyFrom(good)
        change(changed)
        answer = chain.app.check_tx(chain.tx("tenant", changed))
        assert (answer.codespace, answer.code) == wanted


def test_names_of_groups_differ_and_a_dseq_is_used_once(chain: Any) -> None:
    twins = [chain.deployment().groups[0]] * 2
    assert chain.send("tenant", chain.deployment(groups=twins)).code == 7
    chain.must("tenant", chain.deployment())
    chain.must("tenant", chain.close_deployment())
    assert chain.send("tenant", chain.deployment()).code == 3
    assert chain.send("tenant", chain.close_deployment()).code == 5


def test_an_update_changes_the_hash_only(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    update = message("akash.deployment.v1beta4.MsgUpdateDeployment")(
        id={"owner": chain["tenant"], "dseq": 1}, hash=b"n" * 32
    )
    assert names(chain.must("tenant", update)) == ["EventDeploymentUpdated"]
    assert chain.send("tenant", update).code == 10


def test_a_group_pauses_starts_again_with_a_new_order_and_closes(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid())
    assert names(chain.must("tenant", chain.on_group("Pause"))) == [
        "EventGroupPaused",
        "EventOrderClosed",
        "EventBidClosed",
    ]
    assert chain.send("tenant", chain.on_group("Pause")).code == 17
    assert names(chain.must("tenant", chain.on_group("Start"))) == ["EventGroupStarted", "EventOrderCreated"]
    assert chain.send("tenant", chain.on_group("Start")).code == 16
    chain.must("p1", chain.bid(oseq=2))
    assert names(chain.must("tenant", chain.on_group("Close"))) == [
        "EventGroupClosed",
        "EventOrderClosed",
        "EventBidClosed",
    ]
    for what in ("Pause", "Start", "Close"):
        assert chain.send("tenant", chain.on_group(what)).code == 15
    assert chain.send("tenant", chain.on_group("Close", gseq=2)).code == 14
    assert names(chain.must("tenant", chain.close_deployment())) == ["EventDeploymentClosed"]


def test_closing_a_deployment_ends_all_under_it_and_pays_everybody(chain: Any) -> None:
    chain.must("tenant", chain.deployment(groups=two_groups(chain)))
    chain.must("p1", chain.bid(price=9 * 10**18))
    chain.must("p2", chain.bid("p2", gseq=2))
    chain.must("tenant", chain.lease())
    before = chain.balance("p1", "uact")
    assert names(chain.must("tenant", chain.close_deployment())) == [
        "EventDeploymentClosed",
        *("EventGroupClosed", "EventOrderClosed", "EventBidClosed", "EventLeaseClosed"),
        *("EventGroupClosed", "EventOrderClosed", "EventBidClosed"),
    ]
    assert chain.balance("p1", "uact") == before + 9
    assert not chain.ask("akash.market.v1beta5.Query/Orders", filters={"state": "open"}).orders


@pytest.mark.parametrize("what", ["Pause", "Close"])
def test_a_dry_lease_ends_with_the_tenants_reason_but_takes_the_deployment_along(chain: Any, what: str) -> None:
    chain.must("tenant", chain.deployment(deposit=500_000))
    chain.must("p1", chain.bid(price=100_000 * 10**18))
    chain.must("tenant", chain.lease())
    chain.app.skip(20, 10**9)
    answer = chain.must("tenant", chain.on_group(what))
    assert names(answer)[:4] == [f"EventGroup{what}d", "EventOrderClosed", "EventBidClosed", "EventLeaseClosed"]
    assert "EventDeploymentClosed" in names(answer)
    lease = chain.ask("akash.market.v1beta5.Query/Lease", id=chain.bid_id())
    assert (lease.lease.state, lease.lease.reason) == (3, 1)
    assert lease.escrow_payment.state.state == 3
