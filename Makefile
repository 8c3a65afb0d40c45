# Two commands on a fresh machine: `make sandbox` and `make test`. Both set up what they need.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: sandbox test check setup format clean

## Run one whole life in the embedded sandbox: order, bid, lease, manifest, pods, usage, close, settlement.
sandbox: .venv/.installed
	$(BIN)/akp sandbox --once --sdl examples/01-web.yaml

## Every test, the real Kubernetes control plane included (built once from Go modules, 13 to 18 minutes; cached in ~/.cache/akp).
## One worker more than two cores have: those with real pods mostly wait.
test: .venv/.tools
	$(BIN)/python -m e2e.prepare
	$(BIN)/python -m pytest -n 3 --dist loadgroup $(PYTEST)

## Style, types, layers, and a test file for each module.
check: .venv/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/names.py

setup: .venv/.tools

format: .venv/.tools
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .import_linter_cache provider/chain/akash.binpb

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "akash-provider needs Python 3.11 or newer; set PYTHON=python3.x"; exit 2; }
	@$(PYTHON) -m venv .venv || { echo "python3 -m venv failed; on Debian and Ubuntu install python3-venv"; rm -rf .venv; exit 2; }
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt hatch_build.py $(shell find provider/chain/proto -name '*.proto')
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.tools: .venv/.installed
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --group test --group lint
	@touch $@
