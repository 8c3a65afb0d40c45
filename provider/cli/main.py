"""`akp`: finds the noun, runs its command, and turns errors into one line and an exit code.

Exit codes: 0 done · 1 the answer is no · 2 what you wrote cannot work · 3 the other side could not be reached · 5
the sandbox's life did not come to its end.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click
import typer
import typer.main

from provider.errors import AkpError, ConfigError, Retry

NOUNS = {
    "run": ("provider.cli.run", "Run the daemon."),
    "sandbox": ("provider.cli.sandbox", "A small network in one command: chain, cluster, tenant and this daemon."),
    "sdl": ("provider.cli.sdl", "Compile, check and compare SDL files."),
    "leases": ("provider.cli.leases", "Leases this ledger knows."),
    "ledger": ("provider.cli.ledger", "Usage and money per lease and block."),
    "version": ("provider.cli.version", "Print the version."),
}


class _Lazy(click.Group):
    """Imports a noun's module when it is called: `akp sdl lint` must not pay for the Kubernetes client."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        app: Any = importlib.import_module(NOUNS[cmd_name][0]).app
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in NOUNS.items()])


group = _Lazy(name="akp", help="An Akash provider: bids on orders, runs leases on Kubernetes, keeps the books.")


def main(args: list[str] | None = None) -> None:
    try:
        code = group.main(args=args, prog_name="akp", standalone_mode=False)
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.ClickException as bad:
        bad.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        code = 0
    except (AkpError, ExceptionGroup) as bad:
        error = _first(bad)
        print(f"akp: {error}", file=sys.stderr)
        code = 2 if isinstance(error, ConfigError) else 3 if isinstance(error, Retry) else 1
    sys.exit(code if isinstance(code, int) else 0)


def _first(error: BaseException) -> BaseException:
    """The error of ours inside a task group's bundle; anything else is a defect and goes on with its traceback."""
    if isinstance(error, BaseExceptionGroup):
        found = [_first(inner) for inner in error.exceptions]
        return next((e for e in found if isinstance(e, AkpError)), found[0])
    if not isinstance(error, AkpError):
        raise error
    return error
