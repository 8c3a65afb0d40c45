"""Strategy `script`: the reference's contract for price scripts (bidengine-inventory.md §4.3).

The question goes to the script's stdin, the owner and denomination into its environment, the price comes from its
stdout. Differences, all on the safe side: of the daemon's environment it gets only `PASSED` and what the settings name,
since a wallet may be among the rest; its process group is gone when it is done; what it prints is limited, too.
"""

from __future__ import annotations

import asyncio
import fnmatch
import os
import re
from collections.abc import Mapping
from pathlib import Path

from bidengine import ask
from bidengine.answer import printed
from bidengine.placement import Placement
from bidengine.quote import Quote
from bidengine.reasons import Decline, Reason
from bidengine.views import Order
from manifests.errors import Invalid
from provider.errors import ConfigError
from provider.market.pricing import Failed
from provider.market.pricing.process import Ended, run
from provider.pricer_settings import ScriptSettings
from provider.watched import stamp

PASSED = (
    "PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_*", "PRICE_*", "WHITELIST_URL", "DEBUG_BID_SCRIPT",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""Variables of the daemon that a script sees: what programs need to run, and the knobs of the reference's script."""
MOST_OUTPUT_BYTES = 64 << 10
TAIL_CHARACTERS = 300


class Script:
    strategy = "script"

    def __init__(self, settings: ScriptSettings, environ: Mapping[str, str]) -> None:
        """ConfigError when there is no script that could be run."""
        self._settings = settings
        self.denoms = frozenset(settings.denoms)
        self._path = _runnable(settings.path)
        passed = {name: value for name, value in environ.items() if any(fnmatch.fnmatchcase(name, p) for p in PASSED)}
        self._environ = {**passed, **settings.environment}
        self._seen = stamp(self._path)
        self._starting = asyncio.Lock()

    def look(self) -> bool:
        """True when the script itself was changed."""
        seen, self._seen = self._seen, stamp(self._path)
        return self._seen != seen

    def question(self, order: Order, placement: Placement) -> bytes:
        told = ask.resources if self._settings.input == "array" else ask.question
        return ask.written(told(order.spec, placement))

    async def ask(self, order: Order, question: bytes) -> Quote | Decline:
        name, timeout_s = f"price script {self._path}", self._settings.timeout_s
        environ = {**self._environ, **ask.environment(order)}
        try:
            ended = await run(
                [str(self._path)], question, environ,
                timeout_s=timeout_s, most_bytes=MOST_OUTPUT_BYTES, starting=self._starting,
            )  # fmt: skip
        except OSError as bad:
            raise Failed("start", f"{name} cannot be run: {bad.strerror or bad}") from None
        match ended:
            case Ended(killed_for="timeout"):
                raise Failed("timeout", f"{name} gave no answer within {timeout_s:g} s{_tail(ended)}")
            case Ended(killed_for="output"):
                raise Failed("output", f"{name} printed more than {MOST_OUTPUT_BYTES} bytes{_tail(ended)}")
            case Ended(code=code) if code < 0:
                raise Failed("signal", f"{name} was ended by signal {-code}{_tail(ended)}")
            case Ended(code=code) if code > 0:
                return Decline(Reason.PRICER_DECLINED, f"{name} ended with code {code}{_tail(ended)}", final=False)
        try:
            return printed(order.spec, ended.stdout)
        except Invalid as bad:
            raise Failed("answer", f"{name}: {bad.message}{_tail(ended)}") from None


def _runnable(path: Path | None) -> Path:
    where = "bid.script.path"
    if path is None:
        raise ConfigError(where, "is not set, and bid.strategy is script", "Name an executable file.")
    found = path.absolute()
    if not found.is_file():
        raise ConfigError(where, f"{found} is not a file", "Name an executable file.")
    if not os.access(found, os.X_OK):
        raise ConfigError(where, f"{found} is not executable", f"chmod +x {found}, or mount it with mode 0555.")
    return found


def _tail(ended: Ended) -> str:
    """The last it said on stderr, for a log line: one line, nothing a terminal would obey."""
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", ended.stderr.decode("utf-8", "replace")).split())
    if not text:
        return ""
    return f"; its stderr: {text if len(text) <= TAIL_CHARACTERS else '…' + text[-TAIL_CHARACTERS:]}"
