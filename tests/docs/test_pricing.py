"""The examples of docs/pricing.md are run as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bidengine import ask
from bidengine.answer import printed
from bidengine.placement import Placement, Slot
from bidengine.quote import Quote
from bidengine.reasons import Decline
from bidengine.views import Order
from manifests.coins import E18, DecCoin, shown
from manifests.gpus import GpuModel
from manifests.ids import OrderID
from manifests.resources import Attribute, Cpu, Gpu, GroupSpec, Memory, Requirements, Resources, ResourceUnit, Storage
from provider.market.pricing import Failed
from provider.market.pricing.http import Http
from provider.market.pricing.script import Script
from provider.pricer_settings import HttpSettings, ScriptSettings
from provider.sandbox.network import kept_port
from provider.settings import BidSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pricing.md").read_text()
GIB = 1 << 30


def example(language: str, at: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[at]


def order(model: str = "a100", denom: str = "uact") -> tuple[Order, Placement]:
    """Two replicas of two cores, 4 GiB, 10 GiB of disk and one card."""
    wish = Attribute(f"vendor/nvidia/model/{model}", "true")
    resources = Resources(1, Cpu(2000), Memory(4 * GIB), (Storage("root", 10 * GIB),), Gpu(1, (wish,)))
    spec = GroupSpec("here", Requirements(), (ResourceUnit(resources, 2, DecCoin(denom, 10**6 * E18)),))
    placement = Placement((Slot(1, "n1", None, GpuModel("nvidia", model, "80Gi", "sxm")),) * 2)  # type: ignore[arg-type]
    return Order(OrderID("akash1tenant", 7, 1, 1), "open", spec, 1), placement


@pytest.mark.skipif(not (shutil.which("jq") and shutil.which("awk")), reason="needs jq and awk")
async def test_the_script(tmp_path: Path) -> None:
    path = tmp_path / "price.sh"
    path.write_text(example("sh"))
    path.chmod(0o755)
    script = Script(ScriptSettings(path=path, timeout_s=60), {"PATH": os.environ["PATH"]})

    async def asked(*about: str) -> Quote | Decline:
        whose, placement = order(*about)
        return await script.ask(whose, script.question(whose, placement))

    found = await asked()
    assert isinstance(found, Quote)
    usd = 2 * (2 * 1.60 + 4 * 0.80 + 10 * 0.04 + 900)
    assert shown(found.per_block.amount_e18) == f"{usd / 438300 * 10**6:.6f}"
    no = await asked("a100", "uakt")
    assert isinstance(no, Decline)
    assert no.detail.endswith("its stderr: no price in uakt")


async def test_the_service(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(example("python"))
    with kept_port() as port:
        await _asks_the_service(tmp_path, port)


async def _asks_the_service(tmp_path: Path, port: int) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, str(tmp_path / "service.py"), str(port), stderr=-3)
    try:
        async with Http.connect(HttpSettings(url=f"http://127.0.0.1:{port}/", timeout_s=60)) as http:
            found, no = [await _answered(http, *order(model)) for model in ("h100", "t4")]
    finally:
        process.kill()
        await process.wait()
    assert isinstance(found, Quote)
    assert shown(found.per_block.amount_e18) == "10016"
    assert isinstance(no, Decline)
    assert no.detail.endswith("no price for t4")


async def _answered(http: Http, whose: Order, placement: Placement) -> Any:
    for _ in range(3600):
        try:
            return await http.ask(whose, http.question(whose, placement))
        except Failed as not_yet:
            if not_yet.kind != "unreachable":
                raise
            await asyncio.sleep(0.05)
    raise AssertionError("the service did not come up")


def test_the_question_shown_is_what_is_asked() -> None:
    shown_ = yaml.safe_load(example("json"))
    whose, placement = order()
    ours = ask.question(whose.spec, placement)
    assert list(shown_) == list(ours)
    assert list(shown_["resources"][0]) == list(ours["resources"][0])
    more = yaml.safe_load(example("json", 1))
    assert list(more) == [key for key in ask.detailed(whose, placement) if key not in ours]
    assert list(more["placement"][0]) == list(ask.detailed(whose, placement)["placement"][0])


@pytest.mark.parametrize("at", [0, 1, 2], ids=["script", "http", "scale"])
def test_the_settings_shown_are_settings(at: int) -> None:
    bid = BidSettings.model_validate(yaml.safe_load(example("yaml", at))["bid"])
    assert bid.strategy == ("script", "http", "scale")[at]


def test_what_the_page_says_of_bc_is_so() -> None:
    with pytest.raises(Exception, match=r"e\.g\. 0\.5"):
        printed(order()[0].spec, b".5")
