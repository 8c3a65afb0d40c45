"""One recording, line by line, into a sandbox node of its own.

Only blocks carry transactions in a recording, so it is left open when exactly each was sent. What a refused broadcast
or a simulation must have had before it is inferred from its answer: lower sequences of the same account, the first user
of a nonce, or the very same bytes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

from google.protobuf import json_format

from e2e.replay import comparable, left_out
from e2e.replay.comparable import abci_answer, as_json, events, log, parsed, simulation
from e2e.replay.outcome import Outcome
from e2e.replay.recording import Line, Recording
from provider.chain.wire import POOL, message
from provider.sandbox.chain.app import App
from provider.sandbox.chain.blockstore import Block
from provider.sandbox.chain.errors import QueryError, SimulateError
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.jsonrpc import JsonRpc
from provider.sandbox.chain.mempool import MempoolError
from provider.sandbox.chain.node import Node
from provider.sandbox.chain.rest import Rest
from provider.sandbox.chain.services import Services


class Replay:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        genesis = Genesis.read(recording.genesis, recording.genesis_time_ns)
        self._node = Node(App(genesis), block_time_s=None)
        self._services, self._rpc, self._rest = Services(self._node), JsonRpc(self._node), Rest(self._node)
        self._rewarded = left_out.rewarded(recording.genesis)
        self._keeps_prices = any(
            event["type"] == left_out.AGGREGATED
            for line in recording.lines
            if line.get("noise_events_dropped")
            for event in line["finalize_block_events"]
        )
        self._answers: dict[str, Any] = {}
        self._waiting: list[tuple[Line, asyncio.Task[Any]]] = []
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        for at, line in enumerate(self._recording.lines):
            if "results" in line:
                await self._block(line)
            elif "checktx" in line:
                self._check(line["checktx"], self._next_txs(at))
            elif "simulate" in line:
                self._simulate(line["simulate"], self._next_txs(at))
            elif "query" in line:
                self._query(line)
            elif "rpc" in line:
                await self._call(line["rpc"])
            elif "rest" in line:
                self._get(line["rest"])
            else:
                self.outcome.item("lines", f"an unknown line: {sorted(line)}", ("known", True, False))
        self._advance(self._recording.last_height)
        await self._finish_waiting()
        return self.outcome

    # Blocks.

    async def _block(self, line: Line) -> None:
        self._advance(line["height"] - 1)
        txs = [base64.b64decode(tx["bytes"]) for tx in line["txs"]]
        for tx, data in zip(line["txs"], txs, strict=True):
            self._send(tx, data)
        made = self._make(line["height"], txs)
        for tx, real, ours in zip(line["txs"], line["results"], made.results, strict=True):
            data = base64.b64encode(ours.data).decode()
            self._leave_out(left_out.GAS)
            self.outcome.item(
                "transactions",
                f"height {made.height} tx {tx['note']!r}",
                ("code", (real["codespace"], real["code"]), (ours.codespace, ours.code)),
                ("log", log(real["log"] or ""), log(ours.log)),
                ("data", real["data"] or "", data),
                ("gas wanted", int(real["gas_wanted"]), ours.gas_wanted),
                ("events", events(real["events"]), events(ours.events)),
            )
        await self._finish_waiting()
        self._compare_block_events(made, line["finalize_block_events"], bool(line.get("noise_events_dropped")))

    def _advance(self, height: int) -> None:
        """Heights without a line had no transaction, and no event but those that the recorder drops."""
        while self._node.app.height < height:
            made = self._make(self._node.app.height + 1, [])
            self._compare_block_events(made, [], True)

    def _reach(self, height: int | None) -> None:
        """A question may name a height without a line, or one that has never come."""
        if height is not None and height <= self._recording.last_height:
            self._advance(height)

    def _make(self, height: int, txs: list[bytes]) -> Block:
        assert height == self._node.app.height + 1, f"height {height} comes after {self._node.app.height}"
        return self._node.include(self._recording.times[height], txs)

    def _compare_block_events(self, made: Block, told: list[Line], dropped: bool) -> None:
        real = [event for event in told if not left_out.is_economy(event)]
        self._leave_out(left_out.ECONOMY, len(told) - len(real))
        ours = list(made.events)
        if dropped:
            ours = [e for e in ours if not left_out.is_noise(e.type, keeps_prices=self._keeps_prices)]
            self._leave_out(left_out.NOISE, len(made.events) - len(ours))
        if real or ours:
            pair = ("events", events(real), events(ours))
            self.outcome.item("blocks with events of their own", f"height {made.height}", pair)

    def _leave_out(self, why: str, times: int = 1) -> None:
        if times:
            self.outcome.left_out[why] += times

    # What was sent and asked between blocks.

    def _check(self, line: Line, pending: list[Line]) -> None:
        self._advance(line["after_height"])
        data = base64.b64decode(line["bytes"])
        where = f"after {line['after_height']} broadcast {line['note']!r}"
        self._prepare(data, pending, line, with_itself="rpc_error" in line)
        try:
            ours = self._node.broadcast(data)
        except MempoolError as no:
            real = line.get("rpc_error", {}).get("data", f"code {line.get('code')}")
            self.outcome.item("refused broadcasts", where, ("error", real, no.text))
            return
        self.outcome.item(
            "refused broadcasts",
            where,
            ("code", (line.get("codespace"), line.get("code")), (ours.codespace, ours.code)),
            ("log", log(line.get("log") or ""), log(ours.log)),
        )

    def _simulate(self, line: Line, pending: list[Line]) -> None:
        self._advance(line["after_height"])
        data = base64.b64decode(line["bytes"])
        self._prepare(data, pending, line)
        where = f"after {line['after_height']} simulate {line['note']!r}"
        error = line.get("error")
        real: Any = ("fails", simulation(error["details"])) if error else "succeeds"
        try:
            got = self._node.app.simulate(data)
        except SimulateError as no:
            self.outcome.item("simulations", where, ("outcome", real, ("fails", simulation(no.text))))
        else:
            answer = message("cosmos.base.abci.v1beta1.TxMsgData").FromString(got.data)
            responses = [
                {"type_url": r.type_url, "value": base64.b64encode(r.value).decode()} for r in answer.msg_responses
            ]
            self.outcome.item(
                "simulations",
                where,
                ("outcome", real, "succeeds"),
                ("responses", line.get("msg_responses", responses), responses),
                (
                    "events",
                    events(line.get("events", [])) if "events" in line else events(got.events),
                    events(got.events),
                ),
            )
        self._leave_out(left_out.GAS)
        for tx in pending:
            if tx["note"] == line["note"]:
                self._send(tx, base64.b64decode(tx["bytes"]))

    def _query(self, line: Line) -> None:
        self._reach(line["at"])
        name, request = line["query"], line["request"]
        ident = json.dumps([name, request], sort_keys=True)
        real = line.get("response", line.get("error"))
        if "same_as" in line:
            real = self._answers[f"{ident}@{line['same_as']}"]
        self._answers[f"{ident}@{line['at']}"] = real
        if request.get("address") in self._rewarded and name.startswith("cosmos.bank"):
            self._leave_out(left_out.ACCOUNTS)
            return
        ours = self._asked(name, request, 0 if line.get("unpinned") else line["at"])
        if line.get("unpinned"):
            real, ours = self._own(real), self._own(ours)
            if name.endswith("/GetTx") and "tx_response" in ours:
                self._leave_out(left_out.TX_ITSELF)
                ours.pop("tx", None)
                ours["tx_response"].pop("tx", None)
        self.outcome.item("queries", f"height {line['at']} {name} {json.dumps(request)}", ("answer", real, ours))

    def _asked(self, name: str, request: Line, height: int) -> Line:
        service, _, rpc = name.rpartition("/")
        try:
            described = POOL.FindServiceByName(service).FindMethodByName(rpc)
            asked = parsed(described.input_type.full_name, request)
        except (KeyError, json_format.ParseError) as unknown:
            return {"the sandbox does not know the question": str(unknown)}
        try:
            answer, _ = self._services.ask(f"/{name}", asked.SerializeToString(), height)
        except QueryError as no:
            return {"code": no.status, "details": no.text}
        found: Line = as_json(message(described.output_type.full_name).FromString(answer))
        return found

    def _get(self, line: Line) -> None:
        self._reach(line["at"])
        ours = self._rest.get(line["path"], line["at"] or 0)
        pair = ("answer", (line["status"], line["body"]), (ours.status, ours.body))
        if not line["at"]:
            pair = ("answer", self._own(pair[1]), self._own(pair[2]))
        self.outcome.item("REST answers", f"height {line['at']} GET {line['path']}", pair)

    async def _call(self, line: Line) -> None:
        """A call of CometBFT's RPC. One that waits for a block is compared after that block."""
        self._advance(line["after_height"])
        asked = {"jsonrpc": "2.0", "id": 1, "method": line["method"], "params": line["params"]}
        task = asyncio.get_running_loop().create_task(self._rpc.answer_json(asked))
        await asyncio.sleep(0)
        if line["method"] == "broadcast_tx_commit":
            self._waiting.append((line, task))
        else:
            self._compare_call(line, await task)

    async def _finish_waiting(self) -> None:
        for line, task in self._waiting:
            self._compare_call(line, await task)
        self._waiting.clear()

    def _compare_call(self, line: Line, reply: Any) -> None:
        real, ours = line.get("result", line.get("error")), reply.get("result", reply.get("error"))
        if line["method"] == "block_results" and "finalize_block_events" in ours:
            real = {
                **real,
                "finalize_block_events": [e for e in real["finalize_block_events"] or [] if not left_out.is_economy(e)],
            }
            ours = {**ours, "finalize_block_events": ours["finalize_block_events"] or []}
        if line["method"] == "abci_query":
            real, ours = (abci_answer(line["params"]["path"], answer["response"]) for answer in (real, ours))
            if real["log"] == ours["log"] == comparable.UNREADABLE:
                self._leave_out(left_out.DECODER)
        where = f"after {line['after_height']} rpc {line['method']} {json.dumps(line['params'])[:200]}"
        self.outcome.item("RPC calls", where, ("answer", self._own(real), self._own(ours)))

    def _own(self, answer: Any) -> Any:
        self._leave_out(left_out.OWN)
        return left_out.own(answer)

    # What must have been sent before.

    def _next_txs(self, at: int) -> list[Line]:
        """Transactions of the next block: sent about now, and accepted."""
        following = next((line for line in self._recording.lines[at:] if line.get("txs")), None)
        return following["txs"] if following else []

    def _send(self, tx: Line, data: bytes) -> None:
        """As the real one was sent, and accepted; nothing when it is waiting already."""
        if self._node.mempool.waits(data):
            return
        where = f"after {self._node.app.height} sending {tx['note']!r}"
        try:
            got = self._node.broadcast(data)
        except MempoolError as no:
            self.outcome.item("accepted broadcasts", where, ("error", "", no.text))
        else:
            self.outcome.item("accepted broadcasts", where, ("answer", (0, ""), (got.code, got.log)))

    def _prepare(self, data: bytes, pending: list[Line], line: Line, *, with_itself: bool = False) -> None:
        mine = _opened(data)
        told = line.get("log") or (line.get("error") or {}).get("details", "")
        clash = "already used timeout" in told
        expected = re.search(r"sequence mismatch, expected (\d+)", told)
        for tx in pending:
            other = _opened(base64.b64decode(tx["bytes"]))
            if tx["bytes"] == line["bytes"]:
                if with_itself:
                    self._send(tx, data)
                continue
            if other is None or mine is None or other[0] != mine[0]:
                continue
            before = min(mine[2], int(expected[1])) if expected else mine[2]
            earlier = not other[1].unordered and not mine[1].unordered and other[2] < before
            if earlier or (clash and other[1].timeout_timestamp == mine[1].timeout_timestamp):
                self._send(tx, base64.b64decode(tx["bytes"]))


def _opened(data: bytes) -> tuple[bytes, Any, int] | None:
    """(first signer's key, body, sequence) of a tx; None when it cannot be read."""
    try:
        raw = message("cosmos.tx.v1beta1.TxRaw").FromString(data)
        body = message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes)
        auth = message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes)
    except Exception:
        return None
    if not auth.signer_infos:
        return None
    return auth.signer_infos[0].public_key.value, body, auth.signer_infos[0].sequence
