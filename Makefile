# Every command of the project. `make run` and `make test` set up all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# A venv that no longer starts, or is of another Python than the one asked for (PYTHON=…), is made anew.
version = $(shell $(1) -c 'import pip, sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifneq ($(wildcard $(VENV)/pyvenv.cfg),)
  have := $(call version,$(BIN)/python)
  want := $(if $(filter file,$(origin PYTHON)),,$(call version,$(PYTHON)))
  ifneq ($(have),$(or $(want),$(have),one that starts))
    $(info Making $(VENV) anew: it has Python $(or $(have),that does not start), wanted is $(or $(want),one that does).)
    $(shell rm -rf $(VENV))
  endif
endif

.PHONY: setup run test coverage test-real check fix bench feel-conformance lock proto clean image image-lock image-test chart-test sbom audit
.DEFAULT_GOAL := setup

setup: $(VENV)/.product

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Coupler needs Python 3.11 or newer. Name one that you have: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt-get install -y python3-venv"; exit 1; }
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
	$(BIN)/python -m pytest -m "not integration and not faults"

# Takes twice the CPU of `make test`.
coverage: $(VENV)/.dev
	$(BIN)/coverage run -m pytest -m "not integration and not faults"
	$(BIN)/coverage report --skip-covered --skip-empty

test-real: $(VENV)/.dev
	$(BIN)/python -m pytest -m "integration or faults"

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coupler templates check

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# The rates by group over FEEL case files, which are read where they are: make feel-conformance CASES=folder-or-file
feel-conformance: $(VENV)/.dev
	@test -n "$(CASES)" || { echo "usage: make feel-conformance CASES=folder-or-file"; exit 1; }
	$(BIN)/python -m bench.feel.conformance $(CASES)

# Writes both lock files from the ranges in pyproject.toml: one set of pins, with hashes, for every platform and Python.
# Pins that still fit are kept; `make lock UPGRADE=--upgrade` takes the newest.
UPGRADE ?=
COMPILE = $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links -p 3.11 --custom-compile-command 'make lock' $(UPGRADE)
lock: $(BIN)/python
	$(PIP) install -q uv
	$(COMPILE) --all-extras pyproject.toml -o requirements.lock
	$(COMPILE) --all-extras --group dev pyproject.toml -o requirements-dev.lock

# The private descriptor pool keeps our messages apart from those of any other Zeebe client in the same process.
PROTO = runtime/coupler/gateway/proto
proto: $(BIN)/python
	$(PIP) install -q 'grpcio-tools>=1.74,<1.79'
	cd runtime && $(abspath $(BIN))/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. coupler/gateway/proto/gateway.proto
	sed -i.bak 's/_descriptor_pool.Default()/_descriptor_pool.DescriptorPool()/' $(PROTO)/gateway_pb2.py && rm $(PROTO)/gateway_pb2.py.bak

# The image, with BUILDER, or whichever of the three is here; buildah needs the Docker format for HEALTHCHECK.
TAG ?= coupler:$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' runtime/coupler/__init__.py)
EXTRAS ?= all
image:
	@builder=$$(for each in $(or $(BUILDER),docker podman buildah); do command -v $$each && break; done) || { echo "docker, podman or buildah is needed to build an image."; exit 1; }; \
	case $$builder in *docker) format= ;; *) format='--format docker' ;; esac; set -x; \
	$$builder build $$format --build-arg EXTRAS=$(EXTRAS) --build-arg VERSION=$(lastword $(subst :, ,$(TAG))) --build-arg REVISION=$$(git rev-parse HEAD) -t $(TAG) .

# Builds the image without a registry and runs it; needs root on Debian. What is missing is installed.
image-test: $(VENV)/.dev
	$(BIN)/python -m pytest tests/deploy/test_image.py tests/deploy/test_dockerfile.py -rP

# The chart: helm, Kubernetes' schemas, Prometheus' checker. `make chart-test UPDATE_GOLDEN=1` writes the golden files anew.
chart-test: $(VENV)/.dev
	UPDATE_GOLDEN=$(UPDATE_GOLDEN) $(BIN)/python -m pytest tests/deploy/test_chart.py tests/deploy/test_chart_values.py

# What the image's build stage needs beside requirements.lock: the build backend that pyproject.toml names.
image-lock: $(BIN)/python
	$(PIP) install -q uv
	sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml | $(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links -p 3.11 --custom-compile-command 'make image-lock' - -o tools/image/build.lock

$(VENV)/tools/.done: $(BIN)/python
	$(BIN)/python -m venv $(VENV)/tools
	$(VENV)/tools/bin/python -m pip --disable-pip-version-check install -q cyclonedx-bom==7.5.0 pip-audit==2.10.1
	@touch $@

# A bill of materials (CycloneDX) of the product with all extras, read off an installation of the locked packages.
sbom: $(VENV)/tools/.done
	rm -rf $(VENV)/sbom && $(BIN)/python -m venv --without-pip $(VENV)/sbom
	$(PIP) --python $(VENV)/sbom/bin/python install -q --require-hashes -r requirements.lock
	$(PIP) --python $(VENV)/sbom/bin/python install -q --no-deps .
	mkdir -p dist && $(VENV)/tools/bin/cyclonedx-py environment $(VENV)/sbom --pyproject pyproject.toml --mc-type application --output-reproducible -o dist/coupler.cdx.json
	rm -rf $(VENV)/sbom

# Known vulnerabilities of the locked packages; a package that cannot be looked up is a failure, too.
audit: $(VENV)/tools/.done
	$(VENV)/tools/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock --progress-spinner off

clean:
	rm -rf $(VENV) dist build .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
