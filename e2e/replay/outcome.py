"""What a replay found: how much was compared, what was left out, and where the two chains differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Outcome:
    compared: Counter[str] = field(default_factory=Counter)
    """items per kind"""
    left_out: Counter[str] = field(default_factory=Counter)
    """times per reason"""
    differences: list[str] = field(default_factory=list)
    """one text per item that differs"""

    def item(self, kind: str, where: str, *pairs: tuple[str, Any, Any]) -> None:
        """One item of that kind was compared; each pair is (what, of the real node, of the sandbox)."""
        self.compared[kind] += 1
        wrong = [
            f"  {what}: real    {_short(real)}\n  {what}: sandbox {_short(ours)}"
            for what, real, ours in pairs
            if real != ours
        ]
        if wrong:
            self.differences.append("\n".join([where, *wrong]))

    def report(self, show: int = 10) -> str:
        total = sum(self.compared.values())
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.compared.items())
        lines = [f"{total} compared ({kinds}), {len(self.differences)} differ"]
        lines += [f"  left out, {count} times: {why}" for why, count in sorted(self.left_out.items())]
        lines += self.differences[:show]
        if len(self.differences) > show:
            lines.append(f"… and {len(self.differences) - show} more")
        return "\n".join(lines)


def _short(value: Any) -> str:
    """Long values are cut, the beginning being where most differences are told."""
    text = repr(value)
    return text if len(text) <= 4000 else f"{text[:4000]}…"
