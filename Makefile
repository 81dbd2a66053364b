# Every command of the project. `make run` and `make test` set up all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup run test test-real check fix bench lock proto clean
.DEFAULT_GOAL := setup

setup: $(VENV)/.product

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Coupler needs Python 3.11 or newer: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.product: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install -q --require-hashes -r requirements.lock
	$(PIP) install -q --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(PIP) install -q --require-hashes -r requirements-dev.lock
	$(PIP) install -q --no-deps -e .
	@touch $@ $(VENV)/.product

run: $(VENV)/.product
	$(BIN)/coupler dev demo

test: $(VENV)/.dev
	$(BIN)/coverage run -m pytest -m "not integration and not faults"
	$(BIN)/coverage report --skip-covered --skip-empty | tail -n 1

test-real: $(VENV)/.dev
	$(BIN)/python -m pytest -m "integration or faults"

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# Writes both lock files from the ranges in pyproject.toml (one set of pins for every platform and Python).
lock: $(BIN)/python
	$(PIP) install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes -p 3.11 --all-extras pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes -p 3.11 --all-extras --group dev pyproject.toml -o requirements-dev.lock

# The private descriptor pool keeps our messages apart from those of any other Zeebe client in the same process.
proto: $(BIN)/python
	$(PIP) install -q 'grpcio-tools>=1.74,<1.79'
	cd runtime && ../$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. coupler/gateway/proto/gateway.proto
	sed -i 's/_descriptor_pool.Default()/_descriptor_pool.DescriptorPool()/' runtime/coupler/gateway/proto/gateway_pb2.py

clean:
	rm -rf $(VENV) dist build
