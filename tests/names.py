"""`make check`: every module has a test file of its own name, and no test file is left without its module.

A module is exempt when it holds only declarations (types, constants, a docstring): there is nothing in it to go wrong.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("manifests", "bidengine", "provider")


def main() -> int:
    missing = []
    for package in PACKAGES:
        for module in sorted((ROOT / package).rglob("*.py")):
            name = module.parent.name if module.name == "__init__.py" else module.stem
            home = module.parent.parent if module.name == "__init__.py" else module.parent
            test = ROOT / "tests" / home.relative_to(ROOT) / f"test_{name.strip('_')}.py"
            if not test.exists() and decides_something(module):
                missing.append(f"{module.relative_to(ROOT)} has no {test.relative_to(ROOT)}")
    print("\n".join(missing) or "every module has its test")
    return 1 if missing else 0


def decides_something(module: Path) -> bool:
    """Whether the module has a function with a body that can go wrong: a branch, a loop, or more than one statement."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            if len(body) > 1 or any(isinstance(s, ast.If | ast.For | ast.While | ast.Match | ast.Try) for s in body):
                return True
    return False


if __name__ == "__main__":
    sys.exit(main())
