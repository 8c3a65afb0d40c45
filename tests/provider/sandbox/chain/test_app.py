"""The chain from outside: blocks, heights, what CheckTx remembers, and that a tx is all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.errors import QueryError, SimulateError
from provider.sandbox.chain.genesis import Genesis

SEND = "cosmos.bank.v1beta1.MsgSend"


def send(chain: Any, to: str, amount: int, denom: str = "uakt") -> Any:
    coins = [{"denom": denom, "amount": str(amount)}]
    return message(SEND)(from_address=chain["tenant"], to_address=chain[to], amount=coins)


def test_a_failing_message_undoes_the_ones_before_it_but_not_the_fee(chain: Any) -> None:
    before = chain.balance("tenant")
    answer = chain.send("tenant", send(chain, "p1", 5), chain.close_deployment(7))
    assert (answer.codespace, answer.code) == ("deployment", 4)
    assert answer.log == "failed to execute message; message index: 1: Deployment not found"
    assert chain.balance("tenant") == before - 50_000
    assert [e.type for e in answer.events][-1] == "tx"
    assert answer.data == b""
    assert chain.sequence("tenant") == 1


def test_the_past_stays_readable_and_the_future_is_refused(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    born = chain.app.height
    chain.must("tenant", chain.close_deployment())
    request = message("akash.deployment.v1beta4.QueryDeploymentRequest")(id={"owner": chain["tenant"], "dseq": 1})
    method = "/akash.deployment.v1beta4.Query/Deployment"
    states = [chain.app.query(method, request, h).deployment.state for h in (born, born + 1, 0, None)]
    assert states == [1, 2, 2, 2]
    with pytest.raises(QueryError) as missing:
        chain.app.query(method, request, born - 1)
    assert (missing.value.status, missing.value.text) == (
        "NOT_FOUND",
        "codespace deployment code 4: Deployment not found",
    )
    with pytest.raises(QueryError) as ahead:
        chain.app.query(method, request, born + 9)
    assert ahead.value.status == "UNKNOWN"
    assert "code 26: invalid height: cannot query with height in the future" in ahead.value.text


def test_skipping_blocks_is_the_same_as_making_them_empty(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid(price=3 * 10**18))
    chain.must("tenant", chain.lease())
    started, then = chain.app.height, chain.app.time_unix_ns
    chain.app.skip(100_000, 6 * 10**9)
    assert (chain.app.height, chain.app.time_unix_ns) == (started + 100_000, then + 600_000 * 10**9)
    before = chain.balance("p1", "uact")
    chain.must("p1", chain.on_lease("WithdrawLease"))
    assert chain.balance("p1", "uact") - before == 3 * 100_001


def test_check_remembers_what_it_accepted_until_the_next_block(chain: Any) -> None:
    first = chain.tx("tenant", send(chain, "p1", 1), sequence=0)
    second = chain.tx("tenant", send(chain, "p1", 2), sequence=1)
    assert chain.app.check_tx(second).code == 32
    assert [chain.app.check_tx(tx).code for tx in (first, second)] == [0, 0]
    assert chain.app.check_tx(first).log == "account sequence mismatch, expected 2, got 0: incorrect account sequence"
    chain.block()
    assert chain.app.check_tx(first).code == 0


def test_a_simulation_keeps_nothing_and_needs_no_signature(chain: Any) -> None:
    tx = chain.tx("tenant", chain.deployment(), signature=b"")
    answer = chain.app.simulate(tx)
    assert answer.gas_wanted == 2**64 - 1
    assert 100_000 < answer.gas_used < 200_000
    assert not chain.ask("akash.deployment.v1beta4.Query/Deployments").deployments
    with pytest.raises(SimulateError) as no:
        chain.app.simulate(chain.tx("tenant", chain.close_deployment(), signature=b""))
    assert no.value.text.startswith("failed to execute message; message index: 0: Deployment not found")
    assert f"with gas used: '{no.value.gas_used}'" in no.value.text


def test_a_simulation_sees_what_waits_in_the_mempool(chain: Any) -> None:
    chain.app.check_tx(chain.tx("tenant", send(chain, "p1", 1), sequence=0))
    assert chain.app.simulate(chain.tx("tenant", send(chain, "p1", 1), sequence=1, signature=b"")).code == 0


@pytest.mark.parametrize("gas", [1_000, 30_000, 60_000])
def test_too_little_gas_ends_a_tx_wherever_it_runs_out(chain: Any, gas: int) -> None:
    answer = chain.send("tenant", chain.deployment(), gas=gas)
    assert (answer.codespace, answer.code) == ("sdk", 11)
    assert answer.log.startswith("out of gas in location: ")
    assert answer.gas_used > answer.gas_wanted == gas
    assert not chain.ask("akash.deployment.v1beta4.Query/Deployments").deployments


def test_an_unknown_query_method_is_unimplemented(chain: Any) -> None:
    with pytest.raises(QueryError) as no:
        chain.app.query("/akash.market.v1beta5.Query/Nope", message("akash.market.v1beta5.QueryParamsRequest")())
    assert no.value.status == "UNIMPLEMENTED"
    assert no.value.text == "unknown method Nope for service akash.market.v1beta5.Query"
    assert "/akash.market.v1beta5.Query/Orders" in chain.app.query_methods()


def test_parameters_may_be_overridden() -> None:
    genesis = Genesis.default({}, chain_id="mine", order_max_bids=3)
    assert (genesis.chain_id, genesis.params.order_max_bids, genesis.params.max_memo) == ("mine", 3, 256)
