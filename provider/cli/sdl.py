"""`akp sdl`: compile SDL files to what goes on chain and to providers, explain their mistakes, and compare two
versions."""

from __future__ import annotations

import json
import os.path
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml

from manifests.digest import canonical
from manifests.errors import SdlInvalid
from manifests.sdl import Compiled, Notes, compile_sdl, unread_keys
from manifests.sdl.changes import Update, compare
from manifests.sdl.hints import hint
from manifests.wire import groups_json
from manifests.yamlnodes import MAX_TEXT_BYTES
from provider.errors import ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Compile, check and compare SDL files.")

Output = Literal["json", "yaml", "jsonl"]
_SdlFile = Annotated[str, typer.Argument(metavar="FILE", help="An SDL file; - reads standard input.")]


@app.command("compile")
def compile_(
    files: Annotated[list[str], typer.Argument(metavar="FILE…|DIR", help="SDL files, directories of them, or -.")],
    output: Annotated[Output, typer.Option("--output", "-o", help="One object per file; a list for several.")] = "json",
) -> None:
    """Print groups, manifest and version hash of each file, or why it is refused. Exit code 1 if any is refused or
    cannot be read."""
    found = _found(files)
    one = len(files) == 1 and found == files
    accepted = True
    results: list[dict[str, Any]] = []
    for name in found:
        result = _result(name)
        accepted &= result["accept"]
        if output == "jsonl":  # as they come: nobody has to hold thousands
            print(json.dumps(result))
        else:
            results.append(result)
    if output == "json":
        print(json.dumps(results[0] if one else results, ensure_ascii=False, indent=2))
    elif output == "yaml":
        print(yaml.safe_dump(results[0] if one else results, allow_unicode=True, sort_keys=False), end="")
    if not accepted:
        raise SystemExit(1)


@app.command()
def lint(file: _SdlFile) -> None:
    """Tell what is wrong with a file, by line and with a cure, and what is legal but surprising. Exit code 1 if
    refused."""
    data = _read(file)
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    notes = Notes()
    try:
        compiled = compile_sdl(data, notes)
    except SdlInvalid as e:
        _show(file, lines, "error", e.path, e.message, e.line, e.column)
        if cure := hint(e):
            print(f"  hint: {cure}")
        for w in unread_keys(notes):
            _show(file, lines, "warning", w.path, w.message, w.line, w.column)
        raise SystemExit(1) from None
    for w in compiled.warnings:
        _show(file, lines, "warning", w.path, w.message, w.line, w.column)
    services = sum(len(g.services) for g in compiled.manifest)
    kinds = f"{len(compiled.groups)} group(s), {services} service(s), {len(compiled.warnings)} warning(s)"
    print(f"{file}: accepted: {kinds}, version {compiled.version.hex()}")


@app.command()
def diff(old: _SdlFile, new: _SdlFile) -> None:
    """Tell what an update from OLD to NEW changes, and whether it can be one. Exit code 1 if it needs a new
    deployment."""
    before, after = _compiled(old), _compiled(new)
    update = compare(before, after)
    for line in _told(update, before, after):
        print(line)
    if update.obstacle is not None:
        raise SystemExit(1)


def _found(files: list[str]) -> list[str]:
    """Files as given, and the *.yaml and *.yml below each directory, by name."""
    found: list[str] = []
    for name in files:
        if name != "-" and os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
            every = Path(name).rglob("*")
            inside = sorted(str(p) for p in every if p.suffix.lower() in (".yaml", ".yml") and p.is_file())
            if not inside:
                raise ConfigError(name, "there is no *.yaml or *.yml file in this directory", "Name another one.")
            found += inside
        else:
            found.append(name)
    return found


def _read(name: str) -> bytes:
    """One byte more than the compiler takes is enough for it to refuse."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
        with Path(name).open("rb") as f:
            return f.read(MAX_TEXT_BYTES + 1)
    except OSError as e:
        raise ConfigError(name, f"the file cannot be read: {e.strerror}", "Check its name and your rights.") from None


def _result(name: str) -> dict[str, Any]:
    try:
        compiled = compile_sdl(_read(name))
    except SdlInvalid as e:
        return _refused(name, e.path, e.message, e.line)
    except ConfigError as e:  # one of thousands must not hide the others
        return _refused(name, "", e.what, None)
    result: dict[str, Any] = {
        "file": name,
        "accept": True,
        "version": compiled.version.hex(),
        "groups": groups_json(compiled.groups),
        "manifest": canonical(compiled.manifest).decode(),
    }
    if compiled.reclamation_min_window_s is not None:
        result["reclamation_min_window_s"] = compiled.reclamation_min_window_s
    return result


def _refused(name: str, path: str, message: str, line: int | None) -> dict[str, Any]:
    return {"file": name, "accept": False, "error": {"path": path, "message": message, "line": line}}


def _compiled(name: str) -> Compiled:
    data = _read(name)
    try:
        return compile_sdl(data)
    except SdlInvalid as e:
        where = f"{name}:{e.line}" if e.line else name
        raise ConfigError(where, str(e), f"akp sdl lint {name} tells more.") from None


def _show(
    file: str, lines: list[str], kind: str, path: str, message: str, line: int | None, column: int | None
) -> None:
    where = ":".join(str(part) for part in (file, line, column) if part)
    print(f"{where}: {kind}: {f'{path}: ' if path else ''}{message}")
    if line and line <= len(lines):
        text = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in lines[line - 1][:200])
        number = f"{line:5} | "
        print(f"{number}{text}")
        if column and column <= len(text) + 1:
            print(" " * (len(number) + column - 1) + "^")


def _told(update: Update, before: Compiled, after: Compiled) -> list[str]:
    told = [
        f"{' / '.join(filter(None, (c.group, c.service))) or 'deployment'}: {c.what}: {c.detail}"
        for c in update.changes
    ]
    if update.same_hash:
        told.append(f"same manifest, version {before.version.hex()}: there is nothing to send")
    else:
        told.append(f"version {before.version.hex()} → {after.version.hex()}")
    if update.obstacle is not None:
        told.append(f"this needs a new deployment: {update.obstacle}")
    elif not update.same_hash:
        told.append(
            "this can be sent as an update: the new hash to the chain first, then the manifest to the providers"
        )
    return told
