from __future__ import annotations

import asyncio
import os
import signal

import pytest

from provider.cli.stopping import told_to_stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_is_heard(number: signal.Signals) -> None:
    stop = told_to_stop()
    try:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        await stop.wait()
    finally:
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(one)
