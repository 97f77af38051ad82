# Everything needs only Python >= 3.11, make and the package registry: each target sets itself up.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint docs docs-check bench edits fuzz clean

demo: .venv/demo
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/digits/demo.sh

test: lint
	$(BIN)/python -m pytest -n 2

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: .venv/dev
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f docs/maker/mkdocs.yml

# opens every page in a real browser, which it does not install: chromium
docs-check: docs
	$(BIN)/python docs/maker/check.py build/site

bench: .venv/dev
	$(BIN)/python bench/lint.py
	$(BIN)/python bench/resolve.py
	$(BIN)/python bench/prune.py
	$(BIN)/python bench/trace.py
	$(BIN)/python bench/compact.py
	$(BIN)/python bench/server.py

# three configs, edited at random 10,000 times each, in a running language server
edits: .venv/dev
	PRUNECONF_EDITS=10000 $(BIN)/python -m pytest tests/server/test_edits.py

fuzz: .venv/dev
	$(INSTALL) atheris
	mkdir -p .fuzz
	cp -n schema/tests/*/*.yaml schema/tests/*/*.json .fuzz
	$(BIN)/python tests/fuzz/fuzz.py .fuzz -max_total_time=600 -max_len=2048 -artifact_prefix=.fuzz/
	$(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile=search

clean:
	rm -rf .fuzz .venv build dist demo-out

# torch comes first and pinned, so that nothing else decides which build of it is installed
.venv/torch: constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) torch
	@touch $@

.venv/demo: .venv/torch pyproject.toml
	$(INSTALL) -e '.[torch,examples]'
	@touch $@

.venv/dev: .venv/demo
	$(INSTALL) -e '.[torch,examples,dev]'
	@touch $@
