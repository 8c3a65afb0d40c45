"""The Dockerfile's statements, and that the wheel it installs is whole. (Building the image itself needs an engine.)"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AWAY = "Could not fetch|Temporary failure|No matching distribution|timed out|Connection (reset|refused|broken|aborted)"


@pytest.fixture(scope="module")
def statements():
    """(instruction, rest) in order; comments gone, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line.strip()]


def those(statements, instruction):
    return [rest for found, rest in statements if found == instruction]


def test_both_stages_start_from_one_base_that_names_its_version(statements):
    bases = [rest.split()[0] for rest in those(statements, "FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", bases[0])


def test_the_last_stage_runs_as_somebody_who_is_not_root(statements):
    last = max(i for i, (found, _) in enumerate(statements) if found == "FROM")
    (user,) = those(statements[last:], "USER")
    uid = int(user.split(":")[0])
    assert uid != 0
    after = statements[last:].index(("USER", user))
    assert "RUN" not in [found for found, _ in statements[last:][after:]]
    chart = (ROOT / "helm" / "akash-provider" / "templates" / "statefulset.yaml").read_text()
    assert f"runAsUser: {uid}" in chart, "the chart and the image agree on who runs"


def test_it_runs_the_daemon_and_takes_other_commands(statements):
    assert those(statements, "ENTRYPOINT") == ['["akp"]']
    assert those(statements, "CMD") == ['["run", "--config", "/etc/akp/config.yaml"]']


def test_nothing_secret_goes_in(statements):
    assert not those(statements, "ADD")
    assert not those(statements, "ARG")
    assert not re.search(r"mnemonic|password|token|secret", (ROOT / "Dockerfile").read_text(), re.I)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored, "only what is named reaches the builder"
    copied = {s for rest in those(statements, "COPY") if "--from" not in rest for s in rest.split()[:-1]}
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_python_writes_no_bytecode_into_a_read_only_root(statements):
    assert any("PYTHONDONTWRITEBYTECODE=1" in rest for rest in those(statements, "ENV"))
    assert those(statements, "VOLUME") == ["/var/lib/akp"]


def test_the_wheel_has_the_wire_declarations_and_all_three_packages(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    command += ["--retries", "10", "--timeout", "60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and re.search(AWAY, done.stderr):
        pytest.skip("the build's own requirements (hatchling, grpcio-tools) cannot be downloaded here")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("akash_provider-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"provider/chain/akash.binpb", "provider/ledger/schema_1.sql", "manifests/render/lease.py"} <= names
    assert {n.split("/")[0] for n in names if n.endswith(".py")} == {"manifests", "bidengine", "provider"}
    assert not any(n.endswith((".proto.bak", ".db", ".pem")) for n in names)
