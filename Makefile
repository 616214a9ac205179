# Every target installs the packages that it needs in .venv, once, in pinned versions: those of
# requirements.txt, and for tests, the live page, the site or a release those of a second file.
# make PYTHON=python3.12 chooses the Python that the environment is made with.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two of pip's installations in one environment would collide.
.NOTPARALLEL:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Python compiles the modules that are imported; all the others would take 60 MB.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
STAMP := $(VENV)/installed
TESTS := $(VENV)/tests-installed
LIVE := $(VENV)/live-installed
DOCS := $(VENV)/docs-installed
RELEASE := $(VENV)/release-installed

# Pyright would ask the network whether there is a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# The stamp says which folder the environment was made in, since its scripts name it. In
# another folder, or without its Python, it is made anew.
ifneq ($(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null),$(CURDIR))
$(shell rm -f $(STAMP))
endif

.PHONY: help
help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(STAMP)  ## Train, simulate, compare and draw: the whole machine at work; pictures in out/.
	@$(BIN)/allspin demo -o out

.PHONY: live
live: $(LIVE)  ## Draw digits on a page in the browser, and watch the machine; Ctrl-C ends it.
	@$(BIN)/allspin live $(NET)

.PHONY: test
test: lint  ## Lint, then all tests that take no minutes.
	@$(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: long
long: $(TESTS)  ## Tests that take long: the net, examples of documents, proofs, pairs of options, pages, clusters.
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q --long

.PHONY: prove
prove: $(TESTS)  ## Proofs of the gateware's blocks, for every input, with a line for each; 20 minutes.
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q tests/formal --prove $(if $(DOCUMENT),--proofs-into $(DOCUMENT))

.PHONY: coverage
coverage: $(TESTS)  ## What benches make blocks and machines go through, counted: no bin may be empty.
	@$(BIN)/python -m tests.coverage $(if $(DOCUMENT),--document $(DOCUMENT))

.PHONY: faults
faults: $(TESTS)  ## A thousand programmings with two faults each, a thousand with old frames; ten million hurt frames.
	@ALLSPIN_FAULT_RUNS=1000 ALLSPIN_HURT_FRAMES=10 $(BIN)/python -m pytest -n 2 --dist worksteal -q tests/host/link/test_session.py tests/host/link/test_frames.py

.PHONY: boards
boards: $(TESTS)  ## Bitstreams of all boards, and the tables of them; hours.
	@$(PIP) --no-build-isolation -e '.[boards]'
	@# Exit status 1: a board is too small or too slow, which the table says.
	@$(BIN)/allspin build all --jobs 2 > /dev/null || test $$? -eq 1
	@$(BIN)/allspin build ulx3s-85f:chips ulx3s-25f:chips ulx3s-85f:fast ecpix-5:fast ulx3s-85f ulx3s-25f ulx3s-85f:maps ulx3s-25f:maps ulx3s-85f:general ulx3s-25f:general icebreaker:general icebreaker:chips icebreaker --seeds 3 --jobs 2 > /dev/null || test $$? -eq 1
	@$(BIN)/allspin build ulx3s-45f:chips ulx3s-85f:fast-sdram --jobs 2 > /dev/null || test $$? -eq 1
	@$(BIN)/allspin boards --write docs/boards.md
	@$(BIN)/python -m tests.bench --former docs/performance.json --builds docs/boards.json --document docs/performance.md -o docs/performance.json > /dev/null

.PHONY: gates
gates: $(TESTS)  ## Netlists of an iCE40 and an ECP5 board, with mnist-10, against the golden model.
	@$(BIN)/allspin gates

.PHONY: bench
bench: $(TESTS)  ## Measure how fast it is; the figures go into docs/performance.md and .json.
	@$(BIN)/python -m tests.bench --builds docs/boards.json --document docs/performance.md -o docs/performance.json

.PHONY: mutants
mutants: $(TESTS)  ## Small mistakes put into the sources: do tests see them? COUNT=30 SEED=0
	@$(BIN)/python -m tests.mutants --count $(or $(COUNT),30) --seed $(or $(SEED),0) $(if $(DOCUMENT),--document $(DOCUMENT))

.PHONY: soak
soak: $(TESTS)  ## Ten minutes of random work on virtual boards over a bad wire; SECONDS=600 SEED=0.
	@$(BIN)/python -m tests.soak --seconds $(or $(SECONDS),600) --seed $(or $(SEED),0)

# With -W a warning is an error: a link or an anchor that leads nowhere, a page that none leads to.
.PHONY: docs
docs: $(DOCS)  ## The documentation site, its notebooks run: build/site/index.html; 5 minutes.
	@$(BIN)/python -m sphinx -W --keep-going --quiet -d build/doctrees docs build/site
	@echo "build/site/index.html; build/external-links.txt lists what it links to elsewhere"

.PHONY: release
release: $(RELEASE)  ## Wheel, sdist, bitstreams, site, changes, checksums of the commit: build/release/files. VERSION=1.0.0
	@$(BIN)/python -m tests.release $(if $(VERSION),--version $(VERSION))

.PHONY: try
try: $(RELEASE)  ## The live page that needs no server, with mnist-10: build/try; 8 minutes, once.
	@$(BIN)/python -m allspin.host.live.alone build/try

.PHONY: lint
lint: $(TESTS) types  ## Ruff's rules and format, and pyright's types.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright --pythonpath $(BIN)/python

# The type checker looks a module up by its path.
.PHONY: types
types:  ## Links by which pyright and editors find the layers as parts of allspin.
	@mkdir -p build/types/allspin
	@for part in sim hdl boards host allspin/*.py allspin/*.pyi; do ln -sfn ../../../$$part build/types/allspin/; done

.PHONY: format
format: $(TESTS)  ## Let ruff mend what it can.
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: setup
setup: $(STAMP)  ## Only make the environment, with .venv/bin/allspin.

.PHONY: clean
clean:  ## Remove what was made, except the environment.
	rm -rf out build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find allspin sim hdl boards host tests -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean  ## Remove the environment too.
	rm -rf $(VENV)

# The stamp goes first and comes last: an environment without one was interrupted, and no
# part of it is trusted. With one, pip only has to bring it up to date.
$(STAMP): requirements.txt pyproject.toml .ci/prerequisites
	@.ci/prerequisites $(PYTHON)
	@if test -f $@; then rm $@; else rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); fi
	@echo "setting up $(VENV) (once, about a minute) ..."
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@printf '%s' "$(CURDIR)" > $@

# Packages of the other files come on top, in versions that go with those of requirements.txt.
$(TESTS): $(STAMP) tests/requirements.txt
	@.ci/prerequisites $(PYTHON) tests
	@echo "installing the packages for tests (once, about a minute) ..."
	@$(PIP) --require-hashes -r tests/requirements.txt
	@touch $@

$(LIVE): $(STAMP) host/live/requirements.txt
	@echo "installing the packages for the live page (once) ..."
	@$(PIP) --require-hashes -r host/live/requirements.txt
	@touch $@

$(DOCS): $(STAMP) docs/requirements.txt
	@echo "installing the packages for the documentation site (once) ..."
	@$(PIP) --require-hashes -r docs/requirements.txt
	@touch $@

# A release has bitstreams and the site besides.
$(RELEASE): $(TESTS) $(DOCS) tests/release/requirements.txt
	@echo "installing the packages for a release (once) ..."
	@$(PIP) --require-hashes -r tests/release/requirements.txt
	@touch $@
