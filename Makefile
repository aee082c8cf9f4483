# Everything starts here; each target sets up what it needs. QUITTANCE_VAR=/other/dir keeps several stacks apart.
.DEFAULT_GOAL := help
.PHONY: help demo up test proofs check clean
SHELL := /bin/sh

PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo "$$name"; break; fi; done)
SET_UP = $(if $(PYTHON),$(PYTHON) sandbox/provision.py,$(error Python 3.11 or newer is needed, as python3 on the PATH))
VENV := .venv/bin
TESTS ?=

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## one checkout, from the cart to the mailed invoice, on a stack of its own
	@$(SET_UP) sandbox
	@exec $(VENV)/python -m sandbox.demo

up: ## the whole stack until Ctrl-C: shop, payment page, inbox, API docs, Temporal UI
	@$(SET_UP) sandbox
	@exec $(VENV)/python -m sandbox.supervisor

test: ## the test suite, against real parts; of its proofs some cases
	@$(SET_UP) dev
	@exec $(VENV)/python -m pytest -n 2 --dist loadgroup $(TESTS)

proofs: ## all cases of the proofs, and kill -9 at every step
	@$(SET_UP) dev
	@QUITTANCE_TEST_FULL=1 exec $(VENV)/python -m pytest -n 2 --dist loadgroup -m "proof or long"

check: ## lint, types, who may import whom, migrations in step with the models
	@$(SET_UP) dev
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/python -m sandbox.check_migrations
	$(VENV)/python -m sandbox.check_compose

clean: ## removes the stack's files in var, caches and the virtual environment
	rm -rf var .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
