"""The proof: real chains, replayed block by block. every line of a recording is fed to an `App` or asked of it, and
what it answers is compared, verbatim.

What depends on modules the sandbox does not have (authz, feegrant, deposit grants, bme) is skipped and
counted by reason. A skipped tx still happened on the real chain, so its effect on balances, sequences and provider
records is taken over from the recording ("taken over").
"""

from __future__ import annotations

import base64
import datetime
import gzip
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from provider.chain.wire import POOL, message
from provider.sandbox.chain.app import App
from provider.sandbox.chain.errors import QueryError, SimulateError
from provider.sandbox.chain.genesis import FEE_COLLECTOR, Genesis

HERE = Path(__file__).parent / "data"

SCENARIOS: dict[str, dict[str, Any]] = {
    "S1-life": {},
    "S2-provider-side": {},
    "S3-escrow": {},
    "S4-refusals": {
        "accepted": {"ante: tx bytes garbage": "how Go's decoder describes broken bytes; it varies its own spacing"},
    },
    "S5-unordered": {},
    "S6-reclamation": {},
    "S7-authz-grants-audit": {"outside": frozenset({701, 702, 703, 710, 711, 712})},
    "S9-queries": {},
}

Line = dict[str, Any]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_chain_is_repeated(name: str, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = shared / "conformance" / "chain"
    made = replayed(chain / f"{name}.jsonl", chain / "genesis.json", **SCENARIOS[name])
    with capsys.disabled():
        print(f"\n{name}: {made.report()}")
    assert made.compared["transactions"] > 0
    assert not made.differences, f"{len(made.differences)} differences\n" + "\n".join(made.differences[:20])


def test_a_deployments_life_is_repeated_from_the_copy_in_this_repository(tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_bytes(gzip.decompress((HERE / "genesis.json.gz").read_bytes()))
    made = replayed(HERE / "S1-life.jsonl.gz", genesis)
    assert made.compared["transactions"] == 37
    assert made.compared["queries"] == 256
    assert not made.differences, "\n".join(made.differences[:20])


def test_a_changed_recording_is_noticed(tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_bytes(gzip.decompress((HERE / "genesis.json.gz").read_bytes()))
    recording = tmp_path / "changed.jsonl"
    text = gzip.decompress((HERE / "S1-life.jsonl.gz").read_bytes()).decode()
    recording.write_text(text.replace('"value":"700000uakt"', '"value":"700001uakt"'))
    assert replayed(recording, genesis).differences


def nanoseconds(text: str) -> int:
    """ "2026-11-21T00:07:41.123Z" in nanoseconds since 1970, exactly."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0") or 0)


def as_json(found: Any) -> Any:
    return json_format.MessageToDict(
        found, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, descriptor_pool=POOL
    )


@dataclass
class Replay:
    """`accepted` names lines that may differ, with the reason; `outside` are deployments that skipped transactions
    made or touched.
    """

    lines: list[Line]
    genesis_path: Path
    accepted: dict[str, str] = field(default_factory=dict)
    outside: frozenset[int] = frozenset()
    compared: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def run(self) -> None:
        meta = self.lines[0]["meta"]
        self.times = {height: nanoseconds(time) for height, time in self.lines[-1]["headers"]}
        self.app = App(Genesis.load(self.genesis_path, nanoseconds(meta["genesis_time"])))
        self.answers: dict[str, Any] = {}
        self.in_mempool: set[str] = set()
        self.taken_over: set[int] = set()
        for at, line in enumerate(self.lines):
            if "results" in line:
                self.block(line)
            elif "checktx" in line:
                self.check(line["checktx"], self.pending(at))
            elif "simulate" in line:
                self.simulate(line["simulate"], self.pending(at))
            elif "query" in line:
                self.query(line)
            elif "rest" in line or "rpc" in line:
                self.skipped["REST and RPC lines: the servers' part"] += 1

    # What happened

    def block(self, line: Line) -> None:
        height = line["height"]
        self.advance(height - 1)
        chosen = []
        for tx, result in zip(line["txs"], line["results"], strict=True):
            why = self.why_skipped(base64.b64decode(tx["bytes"]))
            if why:
                self.skipped[f"tx: {why}"] += 1
                self.taken_over.add(height)
            else:
                self.enter(tx)
                chosen.append((tx, result))
        answer = self.app.deliver_block(self.times[height], [base64.b64decode(tx["bytes"]) for tx, _ in chosen])
        assert answer.height == height
        foreign = [e["type"] for e in line["finalize_block_events"] if e["type"].startswith("akash.")]
        assert not [t for t in foreign if t.split(".")[1] in ("market", "deployment", "provider", "audit")], foreign
        for (tx, wanted), got in zip(chosen, answer.results, strict=True):
            where = f"height {height} tx {tx['note']!r}"
            self.same(where, "code", (wanted["codespace"], wanted["code"]), (got.codespace, got.code))
            if wanted["code"]:
                self.same(where, "log", stable(wanted["log"]), stable(got.log))
            else:
                self.same(where, "data", wanted["data"], base64.b64encode(got.data).decode())
            self.same(where, "gas_wanted", int(wanted["gas_wanted"]), got.gas_wanted)
            self.same(where, "events", plain(wanted["events"]), [[e.type, e.attributes] for e in got.events])
            self.compared["transactions"] += 1
        self.in_mempool.clear()

    def check(self, line: Line, pending: list[Line]) -> None:
        self.advance(line["after_height"])
        data = base64.b64decode(line["bytes"])
        if "rpc_error" in line:
            self.skipped["checktx: refused by the mempool, before the app"] += 1
            return
        why = self.why_skipped(data)
        if why and (line["code"] != 38 or "authz" in why):
            self.skipped[f"checktx: {why}"] += 1
            return
        self.prepare(data, pending, line)
        got = self.app.check_tx(data)
        where = f"after {line['after_height']} checktx {line['note']!r}"
        self.same(where, "code", (line["codespace"], line["code"]), (got.codespace, got.code))
        self.same(where, "log", stable(line["log"]), stable(got.log))
        self.compared["checktx"] += 1

    def simulate(self, line: Line, pending: list[Line]) -> None:
        self.advance(line["after_height"])
        data = base64.b64decode(line["bytes"])
        why = self.why_skipped(data)
        if why:
            self.skipped[f"simulate: {why}"] += 1
            return
        self.prepare(data, pending, line)
        where = f"after {line['after_height']} simulate {line['note']!r}"
        wanted = line.get("error")
        try:
            got = self.app.simulate(data)
        except SimulateError as no:
            text = wanted["details"] if wanted else "success"
            core = stable(
                text.rpartition(" with gas used")[0].rpartition(" [")[0] or text.rpartition(" with gas used")[0]
            )
            self.same(where, "text", True, core in stable(no.text), f"{text!r} against {no.text!r}")
        else:
            self.same(where, "outcome", str(wanted), "None")
            if "events" in line:
                self.same(where, "events", plain(line["events"]), [[e.type, e.attributes] for e in got.events])
        for tx in pending:
            if tx["note"] == line["note"]:
                self.enter(tx)
        self.compared["simulate"] += 1

    def query(self, line: Line) -> None:
        name, request = line["query"], line["request"]
        method = f"/{name}"
        ident = json.dumps([name, request], sort_keys=True)
        wanted = line.get("response", line.get("error"))
        if "same_as" in line:
            wanted = self.answers[f"{ident}@{line['same_as']}"]
        self.answers[f"{ident}@{line['at']}"] = wanted
        if line["at"] in self.taken_over and self.take_over(name, wanted, line["at"]):
            self.skipped["query: taken over after a skipped tx"] += 1
            return
        why = self.why_query_skipped(method, request)
        if why:
            self.skipped[f"query: {why}"] += 1
            return
        where = f"height {line['at']} {name} {json.dumps(request)}"
        service, _, rpc = name.rpartition("/")
        described = POOL.FindServiceByName(service).FindMethodByName(rpc)
        asked = json_format.ParseDict(request, message(described.input_type.full_name)(), descriptor_pool=POOL)
        try:
            got = as_json(self.app.query(method, asked, line["at"]))
        except QueryError as no:
            got = {"code": no.status, "details": no.text}
        self.same(where, "answer", wanted, got)
        self.compared["queries"] += 1

    # Helpers

    def advance(self, height: int) -> None:
        while self.app.height < height:
            self.app.deliver_block(self.times[self.app.height + 1], [])
            self.in_mempool.clear()

    def pending(self, at: int) -> list[Line]:
        """Transactions of the next block: sent about now, and accepted."""
        following = next((line for line in self.lines[at:] if line.get("txs")), None)
        return following["txs"] if following else []

    def enter(self, tx: Line) -> None:
        """Send it as the real one was sent; it was accepted."""
        data = base64.b64decode(tx["bytes"])
        if tx["hash"] in self.in_mempool or self.why_skipped(data):
            return
        self.in_mempool.add(tx["hash"])
        got = self.app.check_tx(data)
        self.same(f"at {self.app.height} sending {tx['note']!r}", "acceptance", (0, ""), (got.code, got.log))
        self.compared["accepted broadcasts"] += 1

    def prepare(self, data: bytes, pending: list[Line], line: Line) -> None:
        """What was sent before this line: lower sequences of the same signer, or the first user of an equal nonce."""
        mine = opened(data)
        told = line.get("log") or (line.get("error") or {}).get("details", "")
        clash = "already used timeout" in told
        expected = re.search(r"sequence mismatch, expected (\d+)", told)
        for tx in pending:
            other = opened(base64.b64decode(tx["bytes"]))
            if other is None or mine is None or tx["bytes"] == line["bytes"]:
                continue
            before = min(mine[2], int(expected[1])) if expected else mine[2]
            if other[0] == mine[0] and not other[1].unordered and not mine[1].unordered and other[2] < before:
                self.enter(tx)
            if clash and other[0] == mine[0] and other[1].timeout_timestamp == mine[1].timeout_timestamp:
                self.enter(tx)

    def why_skipped(self, data: bytes) -> str:
        found = opened(data)
        if found is None:
            return ""
        _, body, _ = found
        raw = message("cosmos.tx.v1beta1.TxRaw").FromString(data)
        granter = message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes).fee.granter
        for box in body.messages:
            module = box.type_url.split(".")[1] if box.type_url.count(".") > 1 else ""
            if module in ("authz", "feegrant", "bme"):
                return f"module {module}"
            if granter and self.outside:
                return "module feegrant"
            for dseq in self.outside:
                if _names(box, dseq):
                    return "a deployment of skipped transactions"
        return ""

    def why_query_skipped(self, method: str, request: Line) -> str:
        if method not in self.app.query_methods():
            return f"{method.split('.Query')[0].lstrip('/')} is not part of the app"
        if request.get("address") == FEE_COLLECTOR:
            return "fee collector"
        text = json.dumps(request)
        for dseq in self.outside:
            if f'"dseq": "{dseq}"' in text or f"/{dseq}" in text:
                return "a deployment of skipped transactions"
        return ""

    def take_over(self, name: str, wanted: Line, height: int) -> bool:
        """Puts a recorded balance, account or provider into the state, as the skipped transactions left it."""
        rows: dict[str, dict[tuple[Any, ...], Any]] = {}
        if name.endswith("Query/AllBalances"):
            address = json.loads(
                next(k for k in reversed(self.answers) if k.startswith('["cosmos.bank')).rpartition("@")[0]
            )
            rows["balance"] = {(address[1]["address"], c["denom"]): int(c["amount"]) for c in wanted["balances"]}
        elif name.endswith("Query/AccountInfo") and "info" in wanted:
            record = json_format.ParseDict(
                wanted["info"], message("cosmos.auth.v1beta1.BaseAccount")(), descriptor_pool=POOL
            )
            rows["account"] = {(record.address,): record.SerializeToString(deterministic=True)}
        elif name.endswith("Query/Provider") and "provider" in wanted:
            record = json_format.ParseDict(
                wanted["provider"], message("akash.provider.v1beta4.Provider")(), descriptor_pool=POOL
            )
            rows["provider"] = {(record.owner,): record.SerializeToString(deterministic=True)}
        else:
            return False
        assert height == self.app.height
        self.app._store.write(height, rows)
        return True

    def same(self, where: str, what: str, wanted: Any, got: Any, told: str = "") -> None:
        if wanted == got:
            return
        for note, reason in self.accepted.items():
            if note in where:
                self.known[reason] += 1
                return
        self.differences.append(f"{where}\n  {what}: wanted {wanted}\n  {what}: got    {got} {told}")

    def report(self) -> str:
        parts = [f"compared {dict(self.compared)}"]
        parts += [f"  skipped {count}: {why}" for why, count in sorted(self.skipped.items())]
        parts += [f"  known difference {count}: {why}" for why, count in sorted(self.known.items())]
        return "\n".join(parts)


def opened(data: bytes) -> tuple[bytes, Any, int] | None:
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


def stable(log: str) -> str:
    """Without what no re-implementation can repeat: gas numbers."""
    if log.startswith("out of gas"):
        return "out of gas"
    return log


def plain(events: list[Line]) -> list[Any]:
    return [[e["type"], [(a["key"], a["value"]) for a in e["attributes"]]] for e in events]


def _names(box: Any, dseq: int) -> bool:
    try:
        text = str(message(box.type_url.lstrip("/")).FromString(box.value))
    except Exception:
        return False
    return f"dseq: {dseq}\n" in text or f"/{dseq}" in text


def read_lines(path: Path) -> list[Line]:
    data = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return [json.loads(line) for line in data.splitlines()]


def replayed(recording: Path, genesis: Path, **options: Any) -> Replay:
    made = Replay(read_lines(recording), genesis, **options)
    made.run()
    return made
