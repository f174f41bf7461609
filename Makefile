# reattend: every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= dev
ARGS   ?=
# cpu or auto where PyTorch's own index can be reached; empty takes what the default index serves
TORCH_BACKEND ?=
# without byte code every start imports Lightning in 10 s instead of 5
unexport PYTHONDONTWRITEBYTECODE
comma := ,
space := $(subst ,, )
# uv reads none of pip's settings, and separates by commas where pip uses blanks
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_FIND_LINKS)))
export VIRTUAL_ENV := $(abspath $(VENV))
PY     := $(VENV)/bin/python
WANTED := -e '.[$(EXTRAS)]' -c constraints.txt

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.done ## virtual environment with the pinned packages
$(VENV)/.done: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "reattend needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	if $(PY) -m pip install -q uv==0.13.9; \
	then $(VENV)/bin/uv pip install -q $(if $(TORCH_BACKEND),--torch-backend=$(TORCH_BACKEND)) $(WANTED); \
	else $(PY) -m pip install -q $(WANTED); fi
	touch $@

.PHONY: lock
lock: setup ## pin every dependency anew in constraints.txt
	echo 'torch==2.13.0' > .torch-pin
	UV_FIND_LINKS= $(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --all-extras pyproject.toml -c .torch-pin -o constraints.txt
	rm .torch-pin
