# One word each. Every target makes .venv and installs what is missing, at most once per change of
# pyproject.toml or constraints.txt; none needs the environment to be activated.
#
#   PYTHON=python3.12        another interpreter for a new .venv (3.11 or newer)
#   TORCH_INDEX=URL          where torch comes from (see CONTRIBUTING.md)
#   JOBS=4                   test processes at once (3)
#   ARGS='-k journal'        further arguments for pytest or the benchmarks

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test check e2e faults faults-twenty bench bench-tui bench-search curves snapshots screenshots format clean

export PYTHON TORCH_INDEX JOBS ARGS RUNS LOAD
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV
unexport PYTHONDONTWRITEBYTECODE  # rewritten asserts are kept: a third of what `make check` takes

help:
	@echo 'make demo    run the main job: a real learning-rate sweep in tmux windows (minutes)'
	@echo 'make test    every test, the slow ones too (needs tmux; 10 minutes at most)'
	@echo 'make check   format, lint, types, import directions, fast tests (about a minute)'
	@echo 'make e2e     only the tests that start a real tmux server'
	@echo 'make faults  every fault at every point, every tmux: crashes, disks, journals (minutes)'
	@echo 'make faults-twenty  the fast ones of them twenty times in a row (LOAD=2: beside busy loops)'
	@echo 'make bench   the measurements, as one table (ARGS=NAME for a part, ARGS=--all for all)'
	@echo 'make bench-tui  what the full screen costs, beside LEET=/path/to/wandb (minutes)'
	@echo 'make bench-search  regret and replayed curves, measured anew (minutes)'
	@echo 'make curves  train the curves that it replays (an hour)'
	@echo 'make snapshots  accept how every screen looks now (then look at the difference)'
	@echo 'make screenshots  the pictures of README and docs, from a real sweep (minutes)'
	@echo 'make format  let ruff rewrite what `make check` would refuse'
	@echo 'make clean   remove caches and .venv; sweeps/ is yours and stays'

demo:
	@scripts/setup recipes,report
	@scripts/install_tmux
	@scripts/demo

test:
	@scripts/setup dev
	@scripts/install_tmux
	@scripts/other_tmux
	@# Three for two cores: half of the time a test waits for what it has started.
	@scripts/venv sh -c 'exec pytest -n "$${JOBS:-3}" --dist worksteal $$ARGS'

check:
	@scripts/setup dev
	@scripts/check

e2e:
	@scripts/setup dev
	@scripts/install_tmux
	@scripts/venv sh -c 'exec pytest tests/end_to_end tests/launchers $$ARGS'

faults:
	@scripts/setup dev
	@scripts/install_tmux
	@scripts/other_tmux all
	@scripts/venv sh -c 'exec pytest -m "faults or slow" tests/faults -n "$${JOBS:-2}" --dist worksteal $$ARGS'
	@scripts/venv sh -c 'exec pytest -m faults tests/launchers tests/end_to_end -n "$${JOBS:-2}" --dist worksteal $$ARGS'

faults-twenty:
	@scripts/setup dev
	@scripts/install_tmux
	@scripts/faults_twenty

bench:
	@scripts/setup dev
	@scripts/install_tmux
	@scripts/venv sh -c 'exec python -m benchmarks $$ARGS'

bench-tui:
	@scripts/setup dev
	@scripts/install_tmux
	@scripts/venv sh -c 'exec python -m benchmarks tui $$ARGS'

bench-search:
	@scripts/setup dev
	@scripts/venv python -m benchmarks.search.remeasure
	@scripts/venv python -m benchmarks search

curves:
	@scripts/setup dev
	@scripts/venv python -m benchmarks.search.train_curves

snapshots:
	@scripts/setup dev
	@scripts/venv sh -c 'exec pytest -q tests/tui/test_pictures.py --snapshot-update $$ARGS'
	@git status --short tests/tui/__snapshots__

screenshots:
	@scripts/setup dev
	@scripts/install_tmux
	@scripts/venv scripts/screenshots

format:
	@scripts/setup dev
	@scripts/venv ruff format .
	@scripts/venv ruff check --fix .

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache snapshot_report.html
	find tuiswp recipes tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
