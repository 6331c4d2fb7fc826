# Python >= 3.11 and make are all that has to be there; see `make help`.

MAKEFLAGS += --no-print-directory
BIN := .venv/bin

# Whatever the machine says elsewhere: the tests start a thousand processes, and each would compile every file anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test soak bench pictures lint format lock clean setup postgres curl chromium faketime wrk

help:
	@echo 'make run      set everything up and serve a demo company'
	@echo 'make test     set everything up and run every test (under ten minutes)'
	@echo 'make soak     the long tests (kills, races, mutants, big ledgers), ending with one table of what they have come to'
	@echo 'make bench    every figure of bench/README.md anew; FIGURES="charges batch" for some of them'
	@echo 'make pictures the screenshots of the documentation anew'
	@echo 'make lint     ruff, pyright and the import contracts, without the tests'
	@echo 'make format   write the code the way make lint wants it'
	@echo 'make lock     write requirements.lock anew from pyproject.toml (UPGRADE=--upgrade for newer versions)'
	@echo 'make clean    remove what the others made'

run: setup
	@exec $(BIN)/kvota demo

# One process more than there are cores, up to four: many tests wait for a clock, or for somebody who is to be patient.
test: postgres curl chromium faketime lint
	$(BIN)/pytest -m "not soak" -n $$(( $$(nproc) < 4 ? $$(nproc) + 1 : 4 )) --dist worksteal

soak: setup postgres curl wrk faketime chromium
	$(BIN)/pytest -m soak -n auto --maxprocesses 2 --dist worksteal

bench: setup postgres wrk
	$(BIN)/python -m bench $(FIGURES)

pictures: setup chromium
	$(BIN)/python -m tests.web.pictures
	$(BIN)/python -m tests.bitrix24.pictures

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup
	@sh tools/lock.sh $(UPGRADE)

setup:
	@sh tools/setup.sh venv

postgres:
	@sh tools/setup.sh postgres

curl:
	@sh tools/setup.sh curl

chromium:
	@sh tools/setup.sh chromium

faketime:
	@sh tools/setup.sh faketime

wrk:
	@sh tools/setup.sh wrk

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
