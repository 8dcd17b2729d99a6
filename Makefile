# Everything starts here: `make up`. Needs Python 3.11 or newer and make; works with GNU make 3.81.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help up import install install-local install-tests test test-faults test-local test-slow fuzz test-deps check lock bench clean

help: ## this list
	@sed -n 's/^\([a-z][a-z%-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

up: install $(if $(LOCAL_MODEL),install-local) ## start everything on this machine (LOCAL_MODEL=… a local model too); Ctrl-C stops it
	@exec env $(if $(LOCAL_MODEL),TLOI_LOCAL_MODEL="$(LOCAL_MODEL)") $(BIN)/tloi up

import: install ## read what this machine's own agents recorded (beside `make up`, or alone)
	@exec $(BIN)/tloi import --all

test: install-tests ## check, and every test but the slow ones, the fault tests and the long fuzz
	$(BIN)/python -m tests.parts $(MAKE) check
	@command -v chromium >/dev/null || echo "There is no Chromium, so the browser tests were skipped: make test-deps"

test-faults: install-tests ## kill and starve real servers
	$(BIN)/python -m pytest -m faults

test-slow: install-tests ## what takes seconds each, and ten times the examples of properties that set no number
	$(BIN)/python -m pytest -m "slow or not (faults or fuzz or local or browser)" --hypothesis-profile=thorough --timeout=1800

test-local: install-tests install-local ## serve a small model by mlx-lm, which is 320 MB, and ask it
	$(BIN)/python -m pytest -m local

fuzz: install-tests ## give every decoder 100,000 bodies made worse, and the ledger long histories
	$(BIN)/python -m pytest -m fuzz

test-deps: ## install Debian's Chromium for the browser tests
	@command -v chromium >/dev/null || { \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q && $$sudo apt-get install -qy --no-install-recommends chromium; }

check: install-tests ## style, types, import rules, house rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house

bench: install-tests ## run the short benchmarks and rewrite docs/performance.md
	$(BIN)/python -m benchmarks.run

bench-%: install-tests ## run one benchmark, for instance bench-ingest
	@exec $(BIN)/python -m benchmarks.$(subst -,_,$*)

lock: $(VENV)/made ## pin what pyproject.toml asks for, with hashes
	@[ -n "$(UV)" ] || [ -x $(BIN)/uv ] || $(BIN)/python -m pip install -q uv
	$(LOCK) -o requirements.lock
	$(LOCK) --group test -o tests/requirements.lock

clean: ## remove what can be made again; never the data in .tloi
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What follows makes .venv. A stamp in it says which lock was installed.
LOCK = $(if $(UV),$(UV),$(BIN)/uv) pip compile -q pyproject.toml --extra server --group build \
	--universal --generate-hashes --no-header --no-annotate
PIP = $(if $(UV),$(UV) pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check)

install: $(VENV)/installed
install-tests: $(VENV)/installed $(VENV)/installed-tests
install-local: $(VENV)/installed-local

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "TLOI needs Python 3.11 or newer; say which one with: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making .venv ..."
	@$(if $(UV),$(UV) venv -q --seed --allow-existing --python "$$(command -v $(PYTHON))" $(VENV),$(PYTHON) -m venv $(VENV)) || { \
		echo "Python cannot make .venv; on Debian install python3-venv."; exit 1; }
	@touch $@

$(VENV)/installed: $(VENV)/made requirements.lock pyproject.toml
	@cmp -s requirements.lock $(VENV)/requirements.lock || { \
		echo "Installing what requirements.lock pins ..."; \
		$(PIP) --require-hashes -r requirements.lock; cp requirements.lock $(VENV)/; }
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed tests/requirements.lock
	@echo "Installing what tests need ..."
	@$(PIP) --require-hashes -r tests/requirements.lock
	@touch $@

$(VENV)/installed-local: $(VENV)/installed
	@echo "Installing mlx-lm ..."
	@$(PIP) -e '.[local]'
	@touch $@
