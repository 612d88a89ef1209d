# The project's commands. They need python3 (3.11 or newer), make and git, and bring the rest into .venv themselves.
# ARGS passes on: make serve ARGS="--port 9000" · make test ARGS="tests/cli -x"

.DEFAULT_GOAL := help
.PHONY: help python-found setup setup-test serve demo test check format bench lock clean

ARGS ?=
VENV := .venv/bin
# The first of these that is new enough; PYTHON=/path/to/python names another.
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
endif
COMPILE = $(PYTHON) tools/setup_venv.py uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

help: ## Show these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|' 2>/dev/null \
		|| grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST)

python-found:
	@test -n "$(PYTHON)" || { echo "MiniRAG needs Python 3.11 or newer, and found none. Install it, or name it: make PYTHON=/path/to/python3.12"; exit 1; }

setup: python-found ## Set up .venv for running the service
	@$(PYTHON) tools/setup_venv.py runtime

setup-test: python-found ## Set up .venv for running, testing and checking
	@$(PYTHON) tools/setup_venv.py test

serve: setup ## Run MiniRAG, all in one process
	@$(VENV)/minirag serve $(ARGS)

demo: setup ## See the whole of it: a document, a question, a cited answer
	@$(VENV)/minirag demo $(ARGS)

test: setup-test ## Run all tests
	@$(VENV)/python -m pytest $(ARGS)

check: setup-test ## Format, lint, types, import rules and our own lints
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/pyright
	$(VENV)/lint-imports
	$(VENV)/python -m tools.lint_ownership
	$(VENV)/python -m tools.lint_commits

format: setup-test ## Put the code into its format and mend what lint can mend
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .

bench: setup-test ## Measure: time to first token, ingestion, cold start, memory
	@$(VENV)/python -m bench $(ARGS)

lock: python-found ## Lock the requirements anew from pyproject.toml
	$(COMPILE) requirements/uv.in --output-file requirements/uv.txt $(ARGS)
	$(COMPILE) pyproject.toml requirements/build.in --output-file requirements/runtime.txt $(ARGS)
	$(COMPILE) pyproject.toml requirements/build.in --extra test --constraint requirements/runtime.txt \
		--output-file requirements/test.txt $(ARGS)

clean: ## Remove what was built here (never ./data)
	rm -rf .venv .tools .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* htmlcov dist
	find app tests tools alembic bench -name __pycache__ -type d -prune -exec rm -rf {} +
