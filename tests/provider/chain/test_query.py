"""Queries over real gRPC: a node that answers what a real node was recorded to answer, and pages where it paged."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from bidengine.views import OraclePrice
from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID
from manifests.resources import Attribute
from provider.chain import wire
from provider.chain.nodes import NodeError, Nodes
from provider.chain.query import Query
from provider.errors import NotFound, Refused

MAIN = "akash1dge0lcc5rqxkw52rgav4q0fyhx7arcufmrkyww"
PROVIDER = "akash18tdthhtcvfmzl60r0r6gvjdcelc0wtwfumqsdz"
AUDITOR = "akash12dx7qpl3fegwch4zgg6w4uqdp0zgqcf2c06wu2"
STATUS = {status.name: status for status in grpc.StatusCode}


class Recorded:
    """Answers from S9 by method and filters; a request that was not recorded is answered by paging what was."""

    def __init__(self, lines: Any) -> None:
        self.unary: dict[str, dict[str, Any]] = {}
        for line in lines("S9-queries", "query"):
            if line.get("at") == 24:
                self.unary.setdefault(line["query"], {})[str(sorted(self._flat(line["request"])))] = line

    def _flat(self, value: Any, path: str = "") -> list[str]:
        if isinstance(value, dict):
            return [x for k, v in value.items() if k != "pagination" for x in self._flat(v, f"{path}.{k}")]
        return [f"{path}={value}"] if value not in ("", 0, "0", False) else []

    async def answer(self, service: str, method: str, response: str, request: Any, context: Any) -> Any:
        asked = json_format.MessageToDict(request, preserving_proto_field_name=True)
        line = self.unary[f"{service}/{method}"].get(str(sorted(self._flat(asked))))
        if line is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"not recorded: {method} {asked}")
        if "error" in line:
            await context.abort(STATUS[line["error"]["code"]], line["error"]["details"])
        found = wire.message(response)()
        return json_format.ParseDict(line["response"], found, ignore_unknown_fields=True, descriptor_pool=wire.POOL)


@pytest.fixture
async def query(grpc_nodes: Any, lines: Any, grpc_of: Any) -> AsyncIterator[Query]:
    recorded, node = Recorded(lines), await grpc_nodes()
    for name in (
        "akash.market.v1beta5.Query",
        "akash.deployment.v1beta4.Query",
        "akash.escrow.v1.Query",
        "akash.provider.v1beta4.Query",
        "akash.audit.v1.Query",
        "akash.cert.v1.Query",
        "akash.oracle.v2.Query",
        "cosmos.auth.v1beta1.Query",
        "cosmos.bank.v1beta1.Query",
        "cosmos.base.node.v1beta1.Service",
    ):
        for method in wire.POOL.FindServiceByName(name).methods:

            async def answer(request: Any, context: Any, name: str = name, m: Any = method) -> Any:
                return await recorded.answer(name, m.name, m.output_type.full_name, request, context)

            node.answers(name, **{method.name: answer})
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        yield Query(nodes, 24)


async def test_one_of_each_as_a_real_node_tells_it(query: Query) -> None:
    order = OrderID(MAIN, 901, 1, 1)
    assert (await query.order(order)).id == order
    assert (await query.bid(order.bid_of(PROVIDER))).price == DecCoin("uact", 5 * 10**18)
    lease = await query.lease(LeaseID(MAIN, 9021, 1, 1, PROVIDER))
    assert (lease.state, lease.live) == ("reclaiming", True)
    assert lease.reclamation is not None
    assert lease.reclamation.started_at == 19
    group = await query.group(GroupID(MAIN, 902, 2))
    assert (group.state, group.spec.name) == ("open", "b")
    deployment = await query.deployment(DeploymentID(MAIN, 902))
    assert [g.id.gseq for g in deployment.groups] == [1, 2]
    assert (await query.escrow_account(DeploymentID(MAIN, 902))).state == "open"
    provider = await query.provider(PROVIDER)
    assert (provider.host_uri, provider.audited) == ("https://provider.example.com:8443", {})
    assert await query.audited(PROVIDER) == {AUDITOR: (Attribute("region", "us-west"),)}
    params = await query.market_params()
    assert params.bid_min_deposits == (Coin("uact", 500000), Coin("uakt", 500000))
    assert (params.order_max_bids, params.min_reclamation_window_s) == (20, 10)
    account = await query.account("akash14pphss726thpwws3yc458hggufynm9x77l4l2u")
    assert account is not None
    assert (account.number, account.public_key) == (38, None)


async def test_lists_as_a_real_node_tells_them(query: Query) -> None:
    orders = await query.orders("open")
    assert orders
    assert {o.state for o in orders} == {"open"}
    bids = await query.bids(PROVIDER)
    assert bids
    assert {b.id.provider for b in bids} == {PROVIDER}


async def test_deposits_of_bids_are_told_by_who_paid_them(query: Query) -> None:
    found = await query.bid_deposits(PROVIDER, "")
    assert 0 < len(found) < len(await query.bids(PROVIDER)), "those that came back are not there any more"
    assert {(deposit.bid.provider, deposit.account, deposit.coin) for deposit in found} == {
        (PROVIDER, PROVIDER, Coin("uakt", 500_000))
    }


async def test_what_is_locked_for_bids(query: Query) -> None:
    found = await query.locked_bids(PROVIDER, "")
    assert [locked.bid for locked in found] == await query.bids(PROVIDER)
    assert {locked.bid.state for locked in found if locked.account_state == "open"} == {"active"}
    assert {(d.left.denom, d.owner) for locked in found for d in locked.deposits} == {("uakt", PROVIDER)}
    assert all(not locked.deposits for locked in found if locked.account_state == "closed")


async def test_what_is_missing_is_not_found(query: Query) -> None:
    with pytest.raises(NotFound):
        await query.provider("akash1nobody")
    with pytest.raises(NotFound):
        await query.lease(LeaseID(MAIN, 1, 1, 1, PROVIDER))
    assert await query.account("akash1nobody") is None
    assert await query.audited("akash1nobody") == {}
    assert await query.certificate("akash1nobody", 5) is None


async def test_pages_are_read_to_the_end_with_the_same_filters_at_one_height(grpc_nodes: Any, grpc_of: Any) -> None:
    seen: list[tuple[str, bytes]] = []

    async def bids(request: Any, context: Any) -> Any:
        seen.append((request.filters.provider, request.pagination.key))
        page = int(request.pagination.key or b"0")
        answer = wire.message("akash.market.v1beta5.QueryBidsResponse")()
        for n in range(2):
            row = answer.bids.add()
            row.bid.id.dseq, row.bid.price.amount = 10 * page + n, "1"
        answer.pagination.next_key = str(page + 1).encode() if page < 2 else b""
        return answer

    node = await grpc_nodes(height=77)
    node.answers("akash.market.v1beta5.Query", Bids=bids)
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        found = await Query(nodes).bids("akash1p")
    assert [b.id.dseq for b in found] == [0, 1, 10, 11, 20, 21]
    assert seen == [("akash1p", b""), ("akash1p", b"1"), ("akash1p", b"2")]
    assert [height for method, height in node.asked if method == "Bids"] == [None, 77, 77]


async def test_one_odd_order_does_not_hide_the_others(grpc_nodes: Any, grpc_of: Any) -> None:
    def fill(order: Any, dseq: int, kind: int) -> None:
        order.id.owner, order.id.dseq, order.state = "akash1t", dseq, 1
        order.spec.resources.add().resource.endpoints.add(kind=kind)

    async def orders(request: Any, context: Any) -> Any:
        answer = wire.message("akash.market.v1beta5.QueryOrdersResponse")()
        for dseq, kind in ((1, 0), (2, 9), (3, 1)):
            fill(answer.orders.add(), dseq, kind)
        return answer

    async def order(request: Any, context: Any) -> Any:
        answer = wire.message("akash.market.v1beta5.QueryOrderResponse")()
        fill(answer.order, 2, 9)
        return answer

    node = await grpc_nodes()
    node.answers("akash.market.v1beta5.Query", Orders=orders, Order=order)
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        assert [o.id.dseq for o in await Query(nodes).orders()] == [1, 3]
        with pytest.raises(Refused, match="akash1t/2/1/1 cannot be read: endpoint kind 9"):
            await Query(nodes).order(OrderID("akash1t", 2, 1, 1))
        assert await Query(nodes).order_state(OrderID("akash1t", 2, 1, 1)) == "open", "that much can be"


async def test_payments_of_a_longer_number_with_the_same_beginning_are_not_ours(grpc_nodes: Any, grpc_of: Any) -> None:
    asked: list[str] = []

    async def payments(request: Any, context: Any) -> Any:
        asked.append(request.xid)
        answer = wire.message("akash.escrow.v1.QueryPaymentsResponse")()
        for dseq in (12, 123):
            row = answer.payments.add()
            row.id.aid.scope, row.id.aid.xid, row.id.xid = 1, f"akash1t/{dseq}", "1/1/akash1p"
            row.state.state, row.state.rate.amount, row.state.unsettled.amount = 1, "5", "7"
        return answer

    node = await grpc_nodes()
    node.answers("akash.escrow.v1.Query", Payments=payments)
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        (payment,) = await Query(nodes).escrow_payments(DeploymentID("akash1t", 12))
    assert asked == ["deployment/akash1t/12"]
    assert payment.lease == LeaseID("akash1t", 12, 1, 1, "akash1p")
    assert (payment.state, payment.rate.amount_e18, payment.unsettled_e18) == ("open", 5, 7)


async def test_the_oracles_price_under_its_own_name(query: Query) -> None:
    at = int(dt.datetime(2026, 11, 21, 0, 37, 14, tzinfo=dt.UTC).timestamp()) * 10**9 + 965_051_123
    assert await query.oracle_price() == OraclePrice("akt", 125 * 10**16, at, healthy=True)
    assert await query.oracle_price("uakt") is None, "it knows no such name"


async def test_other_trouble_of_the_oracle_is_not_the_absence_of_a_price(grpc_nodes: Any, grpc_of: Any) -> None:
    async def answer(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNKNOWN, "codespace oracle.v2 code 4: price stalled")

    node = await grpc_nodes()
    node.answers("akash.oracle.v2.Query", AggregatedPrice=answer)
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        with pytest.raises(NodeError, match="price stalled"):
            await Query(nodes).oracle_price()


async def test_an_unhealthy_price_says_what_is_wrong(grpc_nodes: Any, grpc_of: Any) -> None:
    async def answer(request: Any, context: Any) -> Any:
        found = wire.message("akash.oracle.v2.QueryAggregatedPriceResponse")()
        found.aggregated_price.denom, found.aggregated_price.twap = request.denom, "7"
        found.price_health.failure_reason.extend(["a", "b"])
        return found

    node = await grpc_nodes()
    node.answers("akash.oracle.v2.Query", AggregatedPrice=answer)
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        assert await Query(nodes).oracle_price("btc") == OraclePrice("btc", 7, 0, healthy=False, why="a; b")


@pytest.mark.parametrize(("dseq", "xid"), [(None, "deployment/akash1t/"), (12, "deployment/akash1t/12")])
async def test_a_tenants_open_escrows_are_two_questions(
    grpc_nodes: Any, grpc_of: Any, dseq: int | None, xid: str
) -> None:
    """A number alone finds those too that begin with it: the chain settles them together (settlement.py)."""
    asked = []

    def answers(method: str, rows: str) -> Any:
        async def answer(request: Any, context: Any) -> Any:
            asked.append((method, request.state, request.xid))
            found = wire.message(f"akash.escrow.v1.Query{method}Response")()
            for number in (12, 123):
                row = getattr(found, rows).add()
                key = row.id if method == "Accounts" else row.id.aid
                key.scope, key.xid = 1, f"akash1t/{number}"
                if method == "Payments":
                    row.id.xid = "1/1/akash1p"
            return found

        return answer

    node = await grpc_nodes()
    node.answers(
        "akash.escrow.v1.Query", Accounts=answers("Accounts", "accounts"), Payments=answers("Payments", "payments")
    )
    await node.start()
    async with Nodes(grpc_of(node.address), "sandbox") as nodes:
        accounts, payments = await Query(nodes).open_escrows("akash1t", dseq)
        assert await Query(nodes).open_payments("akash1t") == payments
    assert asked[:2] == [("Accounts", "open", xid), ("Payments", "open", xid)]
    assert asked[2:] == [("Payments", "open", "deployment/akash1t/")]
    assert [a.deployment.dseq for a in accounts] == [p.lease.dseq for p in payments] == [12, 123]
