from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .test_hosts import ONE, PORT
from .test_hosts import config as config


def test_ports_with_their_addresses_and_how_many_are_left(akp: Callable[..., Any], config: Path) -> None:
    said = akp("ips", "list", "--config", config, "-o", "json")
    assert said.code == 0
    assert said.err == "addresses: 4, of which 1 used, 3 free\n"
    assert json.loads(said.out) == [
        {"name": PORT, "lease": str(ONE), "service": "web", "held_by": "", "address": "10.0.0.1"}
    ]
    assert "10.0.0.1" in akp("ips", "list", "--config", config).out
