# CadMonkey: `make cadmonkey` sets up and runs the main job, `make test` sets up and runs the checks.
.DEFAULT_GOAL := help
.PHONY: help cadmonkey test lint oracle setup clean

PYTHON ?= python3
# An extra package index to take torch from. Without a GPU, Linux users save gigabytes of CUDA libraries by
# naming PyTorch's CPU index here (its address is on PyTorch's "Get started" page).
TORCH_INDEX ?=
BACKEND := $(shell nvidia-smi -L >/dev/null 2>&1 && echo cuda || echo cpu)

BIN := .venv/bin
STAMP := .venv/.installed-$(BACKEND)
PIP := $(BIN)/python -m pip -qq install --no-input --disable-pip-version-check -c constraints.txt

export UNSLOTH_DISABLE_STATISTICS = 1
export TOKENIZERS_PARALLELISM = false

help:
	@echo "make cadmonkey   set up .venv and run the main job: data, fine-tuning, GGUF, report (ARGS='--preset nano')"
	@echo "make test        set up .venv and run every check and test"
	@echo "make lint        the checks alone: ruff, mypy, import contract"
	@echo "make oracle      fetch llama.cpp's own converter into .venv/llama.cpp, with which tests and a benchmark compare"
	@echo "make setup       make .venv and install, once (PYTHON=python3.12, TORCH_INDEX=address of a torch index)"
	@echo "make clean       remove .venv and caches; outputs/ stays"

cadmonkey: $(STAMP)
	@$(BIN)/python recipes/cadmonkey.py $(ARGS)

test: lint
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

oracle: .venv/llama.cpp/convert_hf_to_gguf.py

# The source package of the installed llama-cpp-python holds it. A folder appears under its name only when it is whole.
.venv/llama.cpp/convert_hf_to_gguf.py: $(STAMP)
	@rm -rf .venv/llama.cpp .venv/llama.cpp-part && mkdir -p .venv/llama.cpp-part
	@echo "==> fetching the source package of llama-cpp-python (77 MB), which holds llama.cpp's own converter"
	@$(BIN)/python -m pip -qq download --no-input --disable-pip-version-check --no-deps --no-binary :all: \
	  -d .venv/llama.cpp-part "llama-cpp-python==$$($(BIN)/python -c 'from importlib.metadata import version; print(version("llama-cpp-python"))')"
	@tar -xzf .venv/llama.cpp-part/*.tar.gz -C .venv/llama.cpp-part --strip-components=3 --wildcards \
	  '*/vendor/llama.cpp/convert_*_to_gguf.py' '*/vendor/llama.cpp/conversion/*' '*/vendor/llama.cpp/gguf-py/*'
	@rm .venv/llama.cpp-part/*.tar.gz && mv .venv/llama.cpp-part .venv/llama.cpp && touch $@

setup: $(STAMP)
	@echo "ready: .venv ($(BACKEND))"

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis unsloth_compiled_cache build dist

$(STAMP): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $(PYTHON): expected Python 3.11 or newer, got $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.12" >&2; exit 2; }
	@for tool in cc c++; do command -v $$tool >/dev/null || { \
	  echo "error: $$tool: expected a C and C++ compiler (llama-cpp-python is built from source), found none; install one: apt-get install build-essential, or xcode-select --install" >&2; exit 2; }; done
	@# A torch of the other kind (a GPU came or went) is not repaired by pip: start over.
	@for old in .venv/.installed-*; do [ ! -e "$$old" ] || [ "$$old" = "$(STAMP)" ] || rm -rf .venv; done
	@[ -x $(BIN)/python ] || { echo "==> making .venv with $$($(PYTHON) -V)"; $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }; }
	@$(PIP) 'pip>=25.1'
ifeq ($(BACKEND),cuda)
	@echo "==> installing torch for CUDA (nvidia-smi found a GPU)"
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)") torch
	@$(BIN)/python -W ignore -c 'import sys, torch; sys.exit(torch.version.cuda is None)' || { rm -rf .venv; \
	  echo "error: torch: nvidia-smi found a GPU, so a CUDA build was expected, got a CPU build; name an index that has one: make setup TORCH_INDEX=…" >&2; exit 1; }
	@echo "==> installing CadMonkey, Unsloth and the tools (llama-cpp-python is built from source: 3-4 minutes on 2 cores)"
	@$(PIP) --group dev -e '.[train,unsloth]'
else
	@echo "==> installing torch (nvidia-smi found no GPU; TORCH_INDEX=… may name an index with a small CPU build)"
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)") torch
	@echo "==> installing CadMonkey and the tools (llama-cpp-python is built from source: 3-4 minutes on 2 cores)"
	@$(PIP) --group dev -e '.[train]'
	@# Without dependencies: Unsloth's own would bring CUDA-only packages and do not resolve with every index (certifi).
	@echo "==> installing Unsloth without its CUDA dependencies"
	@$(PIP) --no-deps unsloth unsloth_zoo
endif
	@touch $@
