# The names of the daily work; every target is a script or a command that can be run by itself as well.
PYTHON ?= .venv/bin/python

.PHONY: help up down check test dist lab lab-down clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

up: ## a one-node cluster on this machine (root)
	deploy/up.sh

down: ## stop that cluster and remove what it made (root)
	deploy/down.sh

check: ## static checks: ruff, mypy, import-linter
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .
	.venv/bin/lint-imports

test: ## every check and test, the lab included (root)
	tests/run.sh

dist: ## dist/mini-kubernetes-VERSION-linux-amd64.tar.gz, which installs without internet
	deploy/archive/build.sh

lab: ## three machines on this one, and the guide's session on them (root)
	deploy/lab/run.sh

lab-down: ## remove the three machines (root)
	deploy/lab/down.sh

clean: ## remove what was built here
	rm -rf build dist *.egg-info
