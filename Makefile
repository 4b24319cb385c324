# Each target prepares the environment that it needs. ARGS are passed on: make demo ARGS="--domain-id 7"
XVIEW := .venv/bin/xview

.PHONY: setup demo test train bench lint

setup:
	@./setup.sh

demo: setup
	@$(XVIEW) demo $(ARGS)

test:
	@./setup.sh browser
	@$(MAKE) --no-print-directory checks
	@.venv/bin/pytest $(ARGS)

train: setup
	@$(XVIEW) train imitation --experiment cpu $(ARGS)

bench: setup
	@$(XVIEW) bench sim $(ARGS)

lint: setup
	@$(MAKE) --no-print-directory checks

.PHONY: checks
checks:
	@.venv/bin/ruff check .
	@.venv/bin/mypy
