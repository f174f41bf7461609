# reattend: every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= dev,llm
ARGS   ?=
# cpu or auto where PyTorch's own index can be reached; empty takes what the default index serves
TORCH_BACKEND ?=
# where `make train` puts its results: beside the committed ones in results/, not among them
LOCAL  ?= results/local
BEST = ls -t $(LOCAL)/checkpoints/*/best.ckpt results/checkpoints/*/best.ckpt 2>/dev/null
# the newest that writes, and the newest that translates
CHECKPOINT ?= $(shell $(BEST) | grep -v -e _translation_ -e _transformer_ | head -n 1)
TRANSLATOR ?= $(shell $(BEST) | grep -e _translation_ -e _transformer_ | head -n 1)
# a file to translate; -: what is typed or piped in
INPUT ?= -

# without byte code every start imports Lightning in 10 s instead of 5
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
comma := ,
space := $(subst ,, )
# uv reads none of pip's settings, and separates by commas where pip uses blanks
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_FIND_LINKS)))
export VIRTUAL_ENV := $(abspath $(VENV))
BIN := $(VENV)/bin
PY  := $(BIN)/python
# uv installs in seconds; where it cannot be had, pip does the same in a minute or two
install = if test -x $(BIN)/uv; \
	then $(BIN)/uv pip install -q $(if $(TORCH_BACKEND),--torch-backend=$(TORCH_BACKEND)) -e '.[$(1)]' -c constraints.txt; \
	else $(PY) -m pip install -q -e '.[$(1)]' -c constraints.txt; fi

.PHONY: help
help: ## list the targets
	@echo 'make TARGET [ARGS="key=value ..."]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: train
train: setup ## train softmax and daGPAM on real text, then print the table; ARGS="seed=1,2,3" adds to the command
	@$(PY) scripts/train.py -m attention=softmax,dagpam results_dir=$(LOCAL) $(ARGS)
	@$(PY) scripts/report.py results_dir=$(LOCAL)
	@echo 'Picture:' $(LOCAL)/figures/*.png
	@echo 'Next: make train ARGS="seed=1,2,3" tells a difference from chance; only what is missing is trained.'
	@echo '      make sample writes text (make translate: in the other language); make dashboard shows the curves.'

.PHONY: evaluate
evaluate: setup ## a pretrained model reads a novel under five cache policies, then the table; ARGS="max_tokens=4096" is shorter
	@$(PY) scripts/evaluate.py policy=full max_tokens=8192 results_dir=$(LOCAL) $(ARGS)
	@$(PY) scripts/evaluate.py -m policy=window,window_sinks,h2o,tova policy.size=64,256,1024 max_tokens=8192 results_dir=$(LOCAL) $(ARGS)
	@$(PY) scripts/report.py results_dir=$(LOCAL)
	@echo 'Picture:' $(LOCAL)/figures/perplexity.png

.PHONY: sample
sample: setup ## continue a prompt with the newest model trained here, or with CHECKPOINT=FILE
	@test -n "$(CHECKPOINT)" || { echo 'No model yet: `make train` makes two, or say CHECKPOINT=FILE.' >&2; exit 1; }
	@$(PY) scripts/evaluate.py task=sample policy=full lm=checkpoint lm.path=$(CHECKPOINT) $(ARGS)

.PHONY: translate
translate: setup ## translate lines, typed or of INPUT=FILE, with the newest model trained here, or with TRANSLATOR=FILE
	@test -n "$(TRANSLATOR)" || { echo 'No model yet: `make train ARGS="experiment=ui_strings"` makes two, or say TRANSLATOR=FILE.' >&2; exit 1; }
	@$(PY) scripts/evaluate.py task=translation checkpoint=$(TRANSLATOR) data.source=$(INPUT) progress=false $(ARGS)

.PHONY: dashboard
dashboard: setup ## browse the curves of all local runs in the terminal viewer of Weights & Biases
	@test -d results/wandb || { echo 'No curves yet: `make train` draws some.' >&2; exit 1; }
	@$(BIN)/wandb leet results/wandb

.PHONY: report
report: setup ## tables and figures from the records in results/runs
	@$(PY) scripts/report.py $(ARGS)

.PHONY: readme
readme: setup ## the same, and the tables, figures and menus of README.md
	@$(PY) -m reattend.menus README.md
	@$(PY) scripts/report.py readme=README.md $(ARGS)

.PHONY: test
test: setup ## all tests; ARGS="-k dagpam" runs some
	@$(PY) -m pytest $(ARGS)

.PHONY: check
check: setup ## style, types and spelling
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/codespell *.md docs results/LOG.md CITATION.cff Makefile conf scripts src tests

.PHONY: bench
bench: $(VENV)/.bench ## speed and memory against softmax, x-transformers, reading token by token, transformers' beam search, a full softmax
	@$(PY) scripts/bench.py suite=attention_step
	@$(PY) scripts/bench.py suite=training_throughput
	@$(PY) scripts/bench.py suite=policy_engine
	@$(PY) scripts/bench.py suite=beam_search
	@$(PY) scripts/bench.py suite=adaptive_softmax

.PHONY: setup
setup: $(VENV)/.done ## virtual environment with the pinned packages; PYTHON=python3.12 chooses the interpreter
$(VENV)/.done: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "reattend needs Python 3.11 or newer, but $(PYTHON) is " + sys.version.split()[0] + ". Name a newer one: make setup PYTHON=python3.12")'
	@echo 'Setting up $(VENV): once, half a minute on a fast network'
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -q uv==0.13.9 || echo 'Going on without uv'
	@$(call install,$(EXTRAS))
	@touch $@
$(VENV)/.bench: $(VENV)/.done
	@$(call install,bench)
	@touch $@

.PHONY: lock
lock: setup ## pin every dependency anew in constraints.txt
	@# without the local folder of wheels: its CPU torch has a version that others cannot install
	@echo 'torch==2.13.0' > .torch-pin
	@UV_FIND_LINKS= $(BIN)/uv pip compile -q --universal --python-version 3.11 --all-extras pyproject.toml -c .torch-pin -o constraints.txt
	@rm .torch-pin

.PHONY: clean
clean: ## remove the virtual environment and caches; results stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist .torch-pin
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
