# Every target sets up .venv by itself. `make` alone says what there is.
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.requirements
DEV := $(VENV)/.requirements-dev
ARGS ?=
TRACKS ?= 100000
# `make test` means SQLite whatever the environment says; only `make test DB=postgres` changes that.
TEST_DB := $(if $(filter command line,$(origin DB)),$(DB),sqlite)
# Checks read the settings: without a .env file, and with a data folder of their own.
CLEAN := ENV_FILE=/dev/null DATA_DIR=$(VENV)/check-data

.PHONY: screenshots hosts-test fs-test image-test help run demo test browser-test fire check bench torture mutants wedge lock update-ytdlp setup

help:
	@echo "make run            the web page, the jobs and the watcher, until Ctrl-C"
	@echo "make demo           the whole cycle on sample music, without an account (ARGS=--exit ends after it)"
	@echo "make test           the tests on SQLite; DB=postgres: on PostgreSQL; ARGS=tests/catalog: some of them"
	@echo "make browser-test   every page in chromium: accessible, quiet, no wider than the screen (minutes)"
	@echo "make screenshots    the pictures of README and docs; ARGS=\"--all --out FOLDER\": every page, phone and desk, light and dark"
	@echo "make hosts-test     two and four hosts on one PostgreSQL: kills, cuts, lost mounts (ARGS=\"--tracks 5000\")"
	@echo "make fs-test        the whole cycle on ext4, xfs, btrfs, exFAT, NTFS-3G, mergerfs, gocryptfs, bindfs, overlay, sshfs, rclone, and where nothing can be renamed; kills"
	@echo "make fire           the long tests: failing disks, kills at every point, hostile names (minutes)"
	@echo "make image-test the image, built with buildah and tried as a non-root user on a read-only root (Debian, root)"
	@echo "make check          style, types, migrations"
	@echo "make bench          reconcile against find, pages, sync, adopt and the rest (TRACKS=1000000); make torture, mutants, wedge: the long tests"
	@echo "make lock           the locks, after a change of requirements.txt or requirements-dev.txt"
	@echo "make update-ytdlp   the newest yt-dlp, pinned once the tests of fetching pass with it"

setup: $(READY)

# What the lock names and nothing else: each file must have one of its hashes.
install = if ! PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install --quiet --require-hashes -r $(1); then \
		echo "The packages in $(1) could not be installed: is the package index within reach?" >&2; \
		if ls /lib/ld-musl-* >/dev/null 2>&1; then \
			echo "This system has musl (Alpine), for which deno has no wheel: use the image, or Debian or another system with glibc." >&2; \
		fi; exit 1; \
	fi

# One sentence where something is missing, instead of a traceback of pip or venv.
$(READY): requirements.lock
	@set -e; \
	if ! $(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		found=; \
		for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
			if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Tonekeep needs Python 3.11 or newer, and none is here: install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
		fi; \
		if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
			echo "Python's venv module is missing: install it first (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; \
		fi; \
		echo "Setting up $(VENV) with $$($$found --version)" >&2; \
		$$found -m venv --clear $(VENV); \
	fi; \
	$(call install,requirements.lock); \
	touch $@

$(DEV): $(READY) requirements-dev.lock
	@set -e; $(call install,requirements-dev.lock); touch $@

run: $(READY)
	@exec $(PY) manage.py run

demo: $(READY)
	@exec $(PY) -m demo.run $(ARGS)

test: $(DEV)
	@DB=$(TEST_DB) $(PY) -m pytest -n auto --dist worksteal $(ARGS)

# Needs chromium on the PATH; skips without it.
browser-test: $(DEV)
	@DB=$(TEST_DB) $(PY) -m pytest -m "browser and not long" tests/browser $(ARGS)

# The pictures of README and docs, of a library that is made up. Needs chromium.
screenshots: $(DEV)
	@$(PY) -m tests.browser.screenshots $(ARGS)

# The long part of the tests: failing disks, kills at random, pairs of late workers, hostile names.
fire: $(DEV)
	@DB=$(TEST_DB) $(PY) -m pytest -n auto --dist worksteal -m long $(ARGS)

# Two hosts with a folder each on one PostgreSQL and one library: one is killed, one is cut off (minutes).
hosts-test: $(DEV)
	@DB=postgres $(PY) -m pytest -n 0 -m long tests/hosts -s $(ARGS)

# The whole cycle on real file systems: needs root, loop devices and FUSE; installs nothing, says what it leaves out.
fs-test: $(DEV)
	@DB=sqlite $(PY) -m pytest -n 0 -m long tests/downloads/filesystems -rs $(ARGS)

check: $(DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(CLEAN) $(VENV)/bin/mypy .
	$(CLEAN) $(PY) manage.py makemigrations --check --dry-run

bench: $(DEV)
	@$(PY) bench/reconcile.py --tracks $(TRACKS) $(ARGS)
	@$(PY) bench/queries.py --tracks $(TRACKS) $(ARGS)
	@$(PY) bench/polls.py --tracks $(TRACKS) $(if $(filter postgres,$(ARGS)),--db postgres)
	@$(PY) bench/sync.py --tracks 100000
	@$(PY) bench/retention.py --tracks 100000
	@$(PY) bench/adopt.py --files 20000

# 1,000 random kills; ARGS="--kills 100 --db postgres" for others.
torture: $(DEV)
	@$(PY) -m tests.crash.run $(if $(ARGS),$(ARGS),--kills 1000 --db sqlite --preloader)

# Each guard is taken out, one at a time: some test must turn red.
mutants: $(DEV)
	@$(PY) -m tests.mutation.mutants $(ARGS)

# kill -9 of an idle worker, of the sentinel and of the main process, in real time (about 10 minutes).
wedge: $(DEV)
	@$(PY) -m bench.lock_contention $(ARGS)

# Builds the image with buildah and runs the demo in it; skips with a sentence where that cannot be.
image-test: $(READY)
	@.ci/image-test

# Each package that is installed, with its hashes, for every Python from 3.11 on and every system that has wheels.
LOCK := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header
lock: $(DEV)
	@$(LOCK) requirements.txt --output-file requirements.lock
	@$(LOCK) requirements-dev.txt --constraints requirements.lock --output-file requirements-dev.lock

# Sites change; yt-dlp follows within days. Where the tests of fetching fail with it, the old one stays.
update-ytdlp: $(DEV)
	@VENV=$(VENV) sh .ci/update-ytdlp
