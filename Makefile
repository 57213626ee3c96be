# Schalter. `make up` runs the whole system, `make test` runs all tests; both set up what they need.
PYTHON ?= python3
PORT ?= 8080
# Parallel test workers; JOBS=4 takes two thirds of the time on two cores. Browser journeys run one after the other.
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo 4 || echo $$n)
BIN := .venv/bin
# Some machines forbid Python to keep what it has compiled; the tests start it hundreds of times.
unexport PYTHONDONTWRITEBYTECODE
WEB := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix web --silent
.DEFAULT_GOAL := help
.PHONY: help up test check format lock setup web python browser unit journeys faults observed production bench mutants dashboards

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

# exec: a signal that reaches make alone must reach the supervisor.
up: setup ## run everything on PORT (8080); Ctrl-C stops it; OBSERVE=1 with Prometheus and Alertmanager
	@exec $(BIN)/schalter up --port $(PORT) $(if $(OBSERVE),--observe)

test: setup browser ## all tests: unit, services, architecture, browser journeys
	@$(MAKE) --no-print-directory unit journeys

unit: python ## all tests but the browser journeys
	$(BIN)/pytest -n $(JOBS) --dist loadfile -m "not journey"

journeys: setup browser ## the browser journeys alone
	$(BIN)/pytest -m journey || [ $$? -eq 5 ]

faults: setup ## 2,000 bookings while notify, NATS and PostgreSQL are killed and the mail server misbehaves (minutes)
	SCHALTER_FAULT_BOOKINGS=2000 $(BIN)/pytest -s tests/integration/test_mail_faults.py

observed: setup ## every panel and alert on a real Prometheus, after the story and through outages (minutes)
	SCHALTER_OBSERVED=1 $(BIN)/pytest -s tests/integration/test_observed.py tests/docs/test_walk.py

production: python ## starts a production on this machine's container engine and looks at it (minutes)
	SCHALTER_ENGINE=1 $(BIN)/pytest -s tests/integration/test_production.py tests/docs/test_walk.py

bench: python ## speed beside bare anchors (about ten minutes); ARGS="--only G1 --quick --json FILE"
	$(BIN)/python -m bench $(ARGS)

mutants: python ## plants small wrongs and sees whether tests notice; ARGS="--only booking --count 30 --seed 7"
	$(BIN)/python -m tools.mutants $(ARGS)

dashboards: $(if $(PICTURES),setup,python) ## Grafana's dashboards and the promises' rules; PICTURES=1 draws them for the docs (minutes)
	$(BIN)/python -m tools.observability
	$(if $(PICTURES),SCHALTER_OBSERVED=1 SCHALTER_PICTURES=docs/images $(BIN)/pytest tests/integration/test_observed.py -k pictures)

check: setup ## linters, types, import rules, web checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy libs services cli simulators tests tools bench conftest.py
	$(BIN)/lint-imports
	$(BIN)/schalter offices check
	$(BIN)/schalter nats-config --check deploy/nats/nats.conf
	$(BIN)/schalter personal-data document --check docs/data-protection.md
	$(BIN)/schalter metrics document --check docs/metrics.md
	$(BIN)/python -m tools.observability --check
	$(BIN)/python -m tools.mutants --changed HEAD~1 --count 12 --seconds 60 --at-least 60
	$(WEB) run check
	$(WEB) run generate -- --check
	$(WEB) test
	$(WEB) run budget
	$(WEB) run floor

format: python ## format and fix what can be
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## newest library versions into requirements.lock
	@$(PYTHON) tools/setup.py lock

setup: python web ## install and build, without running anything

python:
	@command -v $(PYTHON) >/dev/null || { echo "setup: Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("setup: Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) tools/setup.py python

web: python
	@$(PYTHON) tools/setup.py web

browser: python
	@$(BIN)/python tools/setup.py browser
