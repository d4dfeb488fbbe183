# Two commands matter: `make demo` and `make test`. Everything else is what they are made of.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.PHONY: setup
setup: ## Install everything into .venv and build the web app
	@PYTHON=$(PYTHON) scripts/setup.sh

.PHONY: demo
demo: setup ## Start the mesh and run the whole job; pictures go to out/demo
	@$(BIN)/oma demo --out out/demo

.PHONY: up
up: setup ## Start the mesh on this machine; Ctrl-C stops it
	@$(BIN)/oma up

.PHONY: test
test: setup ## Run the whole suite
	@scripts/test.sh

.PHONY: test-slow
test-slow: setup ## Run what takes minutes
	@$(BIN)/pytest -m slow

.PHONY: test-gpu
test-gpu: setup ## Run what needs an NVIDIA card; skips, saying so, without one
	@$(BIN)/pytest -ra -m gpu

.PHONY: test-chaos
test-chaos: setup ## Strike every process, server and client of the mesh under load; prints a scoreboard
	@scripts/test_chaos.sh

.PHONY: test-chaos-full
test-chaos-full: setup ## The same, and forty real trainings that are killed
	@scripts/test_chaos.sh --full

.PHONY: test-hostile
test-hostile: setup ## Send hostile pictures, messages, weights and strangers through every way in; prints counts
	@$(BIN)/pytest -q -m "slow or not slow" tests/hostile tests/wire/test_isolation_of_rpcs.py \
	  tests/unit/common/test_identity.py tests/unit/gateway/test_gateway_hostile_pictures.py \
	  tests/unit/gateway/test_gateway_contract.py tests/unit/gateway/test_gateway_fuzz.py \
	  tests/unit/gateway/test_gateway_isolation.py tests/unit/gateway/test_gateway_links.py

.PHONY: test-web
test-web: setup ## Walk the web app in Chromium through the whole mesh; ARGS=--smoke for the short form
	@scripts/test_web.sh $(ARGS)

.PHONY: lint
lint: setup ## Style, types, direction, protos, drift
	@scripts/lint.sh

.PHONY: protos
protos: ## Generate gen/ from protos/
	@scripts/gen_protos.sh

.PHONY: k8s
k8s: setup ## Render every Kubernetes overlay and combination, and check it
	@$(BIN)/pytest -q -m "slow or not slow" --ignore tests/deploy/test_images_built.py tests/deploy
