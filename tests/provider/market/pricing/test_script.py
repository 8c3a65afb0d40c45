"""The reference's contract, with scripts that are really run: good ones, and each way to be bad."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.views import Order
from manifests.coins import shown
from provider.errors import ConfigError
from provider.market.pricing import Pricing
from provider.market.pricing.asked import Asked
from provider.market.pricing.script import MOST_OUTPUT_BYTES, TAIL_CHARACTERS, Script
from provider.metrics import Metrics
from provider.pricer_settings import ScriptSettings

ENVIRON = {"PATH": os.environ["PATH"]}


@pytest.fixture
def ask(order: Order, placement: Placement, metrics: Metrics) -> Callable[..., Any]:
    """A script's answer for the order, as orders get it."""

    async def quote(path: Path, environ: dict[str, str] = ENVIRON, **settings: Any) -> Quote | Decline:
        script = Script(ScriptSettings(path=path, **{"timeout_s": 300.0, **settings}), environ)
        return await Pricing(Asked(script, at_once=1), metrics).quote(order, placement)

    return quote


def price(found: Quote | Decline) -> str:
    assert isinstance(found, Quote), found
    assert (found.strategy, found.lines, found.per_block.denom) == ("script", (), "uact")
    return shown(found.per_block.amount_e18)


async def test_what_it_prints_is_the_price_per_block(sh: Callable[..., Path], ask: Any) -> None:
    assert price(await ask(sh("echo 12.345678901234567"))) == "12.345678901234567"


async def test_it_reads_the_question_and_its_environment(
    python: Callable[[str], Path], ask: Any, tmp_path: Path, order: Order
) -> None:
    path = python(
        "import json, os, pathlib, sys\n"
        "given = sys.stdin.read()\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(json.dumps([given, dict(os.environ), sys.argv[1:]]))\n"
        "print(json.loads(given)['resources'][0]['cpu'] * float(os.environ['PRICE_TARGET_CPU']))\n"
    )
    environ = {
        **ENVIRON, "PRICE_TARGET_CPU": "0.25", "WHITELIST_URL": "https://x.test", "TMPDIR": "/tmp", "LC_ALL": "C",
        "AKP_KEY__MNEMONIC": "abandon", "AKASH_KEY_SECRET": "s", "AWS_SECRET_ACCESS_KEY": "s", "KUBECONFIG": "/k",
    }  # fmt: skip
    assert price(await ask(path, environ, environment={"API_KEY": "mine", "TZ": "UTC"})) == "25"
    given, seen, arguments = json.loads((tmp_path / "seen").read_text())
    assert given.endswith('"price_precision":6}\n')
    assert given.count("\n") == 1
    assert json.loads(given)["price"] == {"denom": "uact", "amount": "1000.000000000000000000"}
    assert arguments == []
    seen.pop("LC_CTYPE", None)  # Python's own
    assert seen == {
        "PATH": ENVIRON["PATH"], "PRICE_TARGET_CPU": "0.25", "WHITELIST_URL": "https://x.test", "TMPDIR": "/tmp",
        "LC_ALL": "C", "API_KEY": "mine", "TZ": "UTC", "AKASH_OWNER": order.id.owner, "AKASH_DENOM": "uact",
    }  # fmt: skip


async def test_an_old_script_reads_the_bare_list(python: Callable[[str], Path], ask: Any) -> None:
    path = python("import json, sys\nunits = json.load(sys.stdin)\nprint(len(units), units[0]['count'], sep='.')\n")
    assert price(await ask(path, input="array")) == "1.1"


@pytest.mark.skipif(not (shutil.which("jq") and shutil.which("bc")), reason="needs jq and bc")
async def test_a_script_in_the_manner_of_operators_with_jq_and_bc(sh: Callable[..., Path], ask: Any) -> None:
    path = sh(
        "set -e",
        "order=$(cat)",
        "cpu=$(echo \"$order\" | jq '[.resources[] | .cpu * .count] | add')",
        "memory=$(echo \"$order\" | jq '[.resources[] | .memory * .count] | add')",
        "precision=$(echo \"$order\" | jq '.price_precision')",
        'usd=$(echo "scale=20; $cpu / 1000 * $PRICE_TARGET_CPU + $memory / 2^30 * $PRICE_TARGET_MEMORY" | bc)',
        'printf "%.*f" "$precision" "$(echo "scale=20; $usd / 429909 * 1000000" | bc)"',
    )
    environ = {**ENVIRON, "PRICE_TARGET_CPU": "1.60", "PRICE_TARGET_MEMORY": "0.80"}
    # (0.1 × 1.60 + 0.0625 × 0.80) USD a month ÷ 429909 blocks
    assert price(await ask(path, environ)) == "0.488475"


BAD: dict[str, tuple[tuple[str, ...], str, str, dict[str, Any]]] = {
    "hangs": (("echo asking >&2", "sleep 600"), "timeout", "no answer within 0.4 s", {"timeout_s": 0.4}),
    "prints rubbish": (("echo hello",), "answer", "it answered 'hello'; a price is digits", {}),
    "prints nothing": (("exit 0",), "answer", "printed no price", {}),
    "prints debug lines": (("echo DEBUG; echo 5",), "answer", "'DEBUG 5'", {}),
    "prints too much": (("yes",), "output", f"printed more than {MOST_OUTPUT_BYTES} bytes", {}),
    "prints zero": (("echo 0",), "answer", "answered 0, and a bid must be more than zero", {}),
    "prints a negative": (("echo -1",), "answer", "answered -1", {}),
    "prints NaN": (("echo NaN",), "answer", "'NaN'", {}),
    "is killed": (("kill -SEGV $$",), "signal", "ended by signal 11", {}),
    "complains and prints rubbish": (("echo no jq >&2; echo null",), "answer", "'null'; a price is", {}),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_script_that_goes_wrong_is_a_decline_with_the_reason(
    name: str, sh: Callable[..., Path], ask: Any, metrics: Metrics
) -> None:
    lines, kind, says, settings = BAD[name]
    found = await ask(path := sh(*lines), **settings)
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == ("skip.price.pricer_failed", False)
    assert found.detail.startswith(f"price script {path}")
    assert says in found.detail
    assert f'akp_pricing_errors_total{{kind="{kind}",strategy="script"}} 1.0' in metrics.text().decode()


async def test_what_it_said_on_stderr_is_in_the_decline_one_line_and_not_all(sh: Callable[..., Path], ask: Any) -> None:
    found = await ask(sh("echo first >&2", 'printf "\\033[31mline %d\\n" $(seq 1 500) >&2', "exit 1"))
    assert isinstance(found, Decline)
    assert (found.reason, found.final) == ("skip.price.pricer_declined", False)
    before, _, tail = found.detail.partition("; its stderr: ")
    assert before.endswith("ended with code 1")
    assert tail.startswith("…")
    assert tail.endswith("line 500")
    assert tail.isprintable()
    assert len(tail) == TAIL_CHARACTERS + 1


async def test_a_script_that_says_no_is_no_error(sh: Callable[..., Path], ask: Any, metrics: Metrics) -> None:
    found = await ask(sh('echo "$AKASH_OWNER is not on the list" >&2', "exit 1"))
    assert isinstance(found, Decline)
    assert found.detail.endswith("ended with code 1; its stderr: akash1tenant is not on the list")
    assert "akp_pricing_errors_total{" not in metrics.text().decode()


async def test_a_price_above_the_tenants_is_too_high(sh: Callable[..., Path], ask: Any) -> None:
    found = await ask(sh("echo 1000.000001"))
    assert isinstance(found, Decline)
    assert found.reason == "skip.price.above_max"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.chmod(0o644), "Permission denied"),
        (lambda path: path.write_text("#!/no/such/shell\n"), "No such file"),
        (lambda path: path.write_bytes(b"\x00\x01\x02"), "Exec format error"),
    ],
    ids=["missing", "not executable", "no interpreter", "no program"],
)
async def test_a_script_that_can_no_longer_be_run_is_a_decline(
    spoil: Callable[[Path], Any],
    says: str,
    sh: Callable[..., Path],
    order: Order,
    placement: Placement,
    metrics: Metrics,
) -> None:
    script = Script(ScriptSettings(path=sh("echo 5"), timeout_s=300), ENVIRON)
    pricing = Pricing(Asked(script, at_once=1), metrics)
    assert isinstance(await pricing.quote(order, placement), Quote)
    spoil(script._path)
    assert pricing.look(), "it is another file now"
    found = await pricing.quote(order, placement)
    assert isinstance(found, Decline)
    assert "cannot be run: " + says in found.detail
    assert 'kind="start"' in metrics.text().decode()


@pytest.mark.parametrize("what", ["none", "missing", "directory", "not executable"])
def test_at_the_start_it_must_be_there_and_executable(what: str, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("echo 5\n")
    path = {"none": None, "missing": tmp_path / "no", "directory": tmp_path, "not executable": tmp_path / "plain"}[what]
    with pytest.raises(ConfigError, match=r"bid\.script\.path: .*(Name an executable file|chmod \+x)"):
        Script(ScriptSettings(path=path), {})


def test_a_new_script_is_noticed_once(sh: Callable[..., Path]) -> None:
    script = Script(ScriptSettings(path=sh("echo 5")), {})
    assert not script.look()
    sh("echo 55")
    assert (script.look(), script.look()) == (True, False)


async def test_200_orders_share_eight_scripts_and_the_loop_goes_on(
    sh: Callable[..., Path], chain: Any, placement: Placement, metrics: Metrics, tmp_path: Path
) -> None:
    """Counted, not timed: how many ran at once by their own log, and how often the loop came round meanwhile."""
    full = "until [ $(grep -c + log) -ge 8 ]; do sleep 0.01; done"  # the first ones wait for one another
    path = sh("echo + >> log", full, "sleep 0.05", "echo - >> log", "echo 5")
    pricing = Pricing(Asked(Script(ScriptSettings(path=path, timeout_s=300), ENVIRON), at_once=8), metrics)
    orders = [chain.orders_[chain.add_order(n)] for n in range(200)]
    rounds, done = 0, asyncio.Event()

    async def turn() -> None:
        nonlocal rounds
        while not done.is_set():
            await asyncio.sleep(0.001)
            rounds += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(turn())
        answers = await asyncio.gather(*(pricing.quote(order, placement) for order in orders))
        done.set()
    assert [price(a) for a in answers] == ["5"] * 200
    steps = [1 if line == "+" else -1 for line in (tmp_path / "log").read_text().split()]
    running = [sum(steps[: n + 1]) for n in range(len(steps))]
    assert (max(running), running[-1], len(steps)) == (8, 0, 400)
    assert rounds >= 200 / 8, "in each wave all scripts sleep, and the loop is free"
    assert 'akp_pricing_seconds_count{strategy="script"} 200.0' in metrics.text().decode()
