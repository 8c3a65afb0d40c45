"""`akp`: finds the noun, runs its command, and turns errors into one line and an exit code.

A noun's module is imported when it is called: `akp sdl lint` must not pay for the Kubernetes client. Exit codes: 0
done · 1 the answer is no · 2 what you wrote cannot work · 3 the other side could not be reached · 4 what is differs
from what should be · 5 the sandbox's life did not come to its end.
"""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

import typer
import typer.main

from provider.errors import AkpError, ConfigError, Retry

NOUNS = {
    "run": ("provider.cli.run", "Run the daemon."),
    "sandbox": ("provider.cli.sandbox", "A small network in one command: chain, cluster, tenant and this daemon."),
    "sdl": ("provider.cli.sdl", "Compile, check and compare SDL files."),
    "policy": ("provider.cli.policy", "Whom and what this provider serves: test an SDL file, deny and allow tenants."),
    "price": ("provider.cli.price", "What orders would cost, and why."),
    "orders": ("provider.cli.orders", "Orders seen: what was decided, and what became of them."),
    "inventory": ("provider.cli.inventory", "What the cluster has, what is free, and what would fit."),
    "discover": ("provider.cli.discover", "Label this node with the cards in it, where no labeller does."),
    "hosts": ("provider.cli.hosts", "Host names of leases, and who waits for one."),
    "ips": ("provider.cli.ips", "Leased addresses, their ports and leases."),
    "simulate": ("provider.cli.simulate", "Recorded orders once more, with other prices."),
    "chain": ("provider.cli.chain", "The provider's record on chain, and grants to its hot key."),
    "attributes": ("provider.cli.attributes", "The provider's attributes: chain against settings and cluster."),
    "cert": ("provider.cli.cert", "The gateway's certificate, as a file and on chain."),
    "tx": ("provider.cli.tx", "What the daemon has sent, and every command that signs; --dry-run shows what."),
    "leases": ("provider.cli.leases", "Leases: what they earn, until when they are paid, and ending them."),
    "deposits": ("provider.cli.deposits", "Deposits of bids: where they are, and getting back those that are stuck."),
    "volumes": ("provider.cli.volumes", "Volumes kept after their lease: list, give back, delete."),
    "money": ("provider.cli.money", "Income, fees, and the books for an accountant."),
    "reconcile": ("provider.cli.reconcile", "Compare chain, ledger and cluster; book what the ledger lacks."),
    "db": ("provider.cli.db", "The ledger's file: copy it, check it."),
    "ledger": ("provider.cli.ledger", "Usage and money per lease and block."),
    "maintenance": ("provider.cli.maintenance", "Pause bidding; leases go on."),
    "node": ("provider.cli.node", "Take a node out of service, and put it back."),
    "migrate": ("provider.cli.migrate", "Take over from the Go provider: what would change."),
    "version": ("provider.cli.version", "Print the version."),
}
USAGE = (
    "akp NOUN [...]: an Akash provider that bids on orders, runs leases on Kubernetes and keeps the books.\n\n"
    + "".join(f"  {noun:<11} {what}\n" for noun, (_, what) in NOUNS.items())
)


def main(args: list[str] | None = None) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # what a terminal's encoding lacks is escaped, never a traceback
        sys.stdout.reconfigure(errors="backslashreplace")
    noun, *rest = (sys.argv[1:] if args is None else args) or ["--help"]
    if noun in ("--help", "-h", "help"):
        print(USAGE, end="")
        sys.exit(0)
    if noun not in NOUNS:
        print(f"akp: no such command: {noun}\n\n{USAGE}", end="", file=sys.stderr)
        sys.exit(2)
    sys.exit(run(noun, rest))


def run(noun: str, args: list[str]) -> int:
    """The command's exit code; what is no error of ours is a defect and goes on with its traceback."""
    app: Any = importlib.import_module(NOUNS[noun][0]).app
    try:
        # In this mode usage errors print themselves and an Exit becomes its code.
        typer.main.get_command(app).main(args=args, prog_name=f"akp {noun}", standalone_mode=True)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1 if done.code else 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except (AkpError, ExceptionGroup) as bad:
        error = _first(bad)
        print(f"akp: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 3 if isinstance(error, Retry) else 1
    return 0


def _first(error: BaseException) -> BaseException:
    """The error of ours inside a task group's bundle; a defect is raised as it is."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if not isinstance(inner, AkpError | BaseExceptionGroup):
                raise inner
        return _first(error.exceptions[0])
    return error
