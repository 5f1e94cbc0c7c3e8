# `make` alone lists the targets. Needed: Python >= 3.11, git, make.

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest
TESTS ?= tests
PACKAGES := core plugins/builtin plugins/integrations plugins/ot server
PROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(PACKAGES))
# The system's certificates, as git and pip take them: company networks often have their own.
UV := $(BIN)/uv pip
UVFLAGS := --quiet --system-certs
EDITABLE := $(addprefix -e ,$(PACKAGES)) -e .
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run test test-crash test-ot test-sandbox test-web lint types docs bench constraints clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z].*:.*## / {printf "%-42s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## Make .venv with everything in it; what you installed there stays

# A name may be a mere wrapper, and a Python may lack venv: so each candidate is tried, not only looked up.
$(BIN)/pip:
	@for python in python3.13 python3.12 python3.11 python3; do \
		if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "$$($$python --version) -> $(VENV)"; exec $$python -m venv $(VENV); fi; done; \
	echo 'No Python >= 3.11 with venv found. Install one (Debian, Ubuntu: apt install python3-venv).' >&2; exit 1

$(READY): $(PROJECTS) constraints.txt | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(UV) install $(UVFLAGS) --python $(BIN)/python -c constraints.txt $(EDITABLE) --group dev
	@touch $@

run: setup ## Start the demo: a server, a sample workflow, its result
	$(BIN)/caudal demo

test: setup ## Run the tests (TESTS=path for some of them)
	$(PYTEST) $(TESTS) -n 2 --dist loadgroup -m "not crash and not ot and not sandbox and not web"

# pytest ends with 5 when no test carries the mark.
test-crash test-ot test-sandbox test-web: test-%: setup ## Run the tests that carry the mark
	@$(PYTEST) $(TESTS) -m $* || { [ $$? -eq 5 ] && echo 'test-$*: no such test yet'; }

lint: types ## Check style, format, types and the order of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.docs --check

types: setup ## Check the types
	$(BIN)/mypy

docs: setup ## Write the generated files anew
	$(BIN)/python -m tools.migrations
	$(BIN)/python -m tools.openapi
	$(BIN)/python -m tools.docs

bench: setup ## Measure speed; prints JSON
	$(BIN)/python -m benchmarks

constraints: $(BIN)/uv ## Resolve every version anew into constraints.txt
	@printf '%s\n' $(foreach package,$(PACKAGES),'-e ./$(package)') | $(UV) compile $(UVFLAGS) --upgrade \
		--universal --python-version 3.11 --no-annotate --no-header --no-emit-index-url --group dev - \
		| grep -v '^-e' > $(VENV)/constraints.txt
	@{ echo '# Exact versions of all that is installed, made by `make constraints`.'; \
		cat $(VENV)/constraints.txt; } > constraints.txt

$(BIN)/uv: | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv

clean: ## Remove caches and built packages, never .venv
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . \( -path ./$(VENV) -o -name node_modules \) -prune -o \( -name __pycache__ -o -name build -o -name dist \) -type d -prune -exec rm -rf {} +
