# make demo    record the drawn scene with the real recorder
# make test    run all tests, side by side
# make coverage  the same, and say which lines no test has run
# make quick   run the tests that take no time, while developing
# make field   record odd files and streams, and write docs/field-results.md
# make faults  pull plugs, fill disks, harm streams, twenty times each, and print what it cost
# make bench   measure what recording costs, and write it into docs/figures.md
# make lint    ruff and mypy

PYTHON ?= python3
BIN := .venv/bin

# The tests start the recorder more than a thousand times: it is to be compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test coverage quick field faults faults-short bench lint pictures clean

demo: .venv/run
	$(BIN)/python motion_driven_recorder.py --cam demo --path-for-video demo_video
	@echo "Watch them with any video player, for example: mpv FILE, vlc FILE or ffplay FILE."
	@echo "Each begins five seconds before the visitor comes into the picture."

# Many tests wait for a camera, a window or a process, so three workers for each core of a small machine pay.
WORKERS ?= 6

test: .venv/dev
	$(BIN)/python -m pytest --ignore=tests/faults --ignore=tests/field -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

# The same with a table of what no test has run. Watching every line takes as long again, so it is no part of the CI.
coverage: .venv/dev
	$(MAKE) test PYTEST_ARGS="--cov --cov-report=term --cov-fail-under=90 $(PYTEST_ARGS)"

# Each worker collects all tests, which takes as long as some hundred of them.
quick: .venv/dev
	$(BIN)/python -m pytest --ignore=tests/faults --ignore=tests/field -n 3 -m "not slow" $(PYTEST_ARGS)

# Odd files and streams, against another decoder; needs Debian's packages of .ci/run.
field: .venv/dev
	$(BIN)/python -m pytest tests/field -n $(WORKERS) --dist worksteal --field-table=docs/field-results.md $(PYTEST_ARGS)

# Harm the recorder in every way that we know, in each mode: the first takes some minutes and is part of
# the CI, the second about an hour. Both need root, for disks of their own, and Debian's packages of .ci/run.
# The cases mostly wait, so many run side by side, as many as suit two cores; loadgroup hands them out one by one.
SIDE_BY_SIDE := -n 16 --dist loadgroup -o tmp_path_retention_policy=failed

faults-short: .venv/dev
	$(BIN)/python -m pytest tests/faults $(SIDE_BY_SIDE) $(PYTEST_ARGS)

faults: .venv/dev
	$(BIN)/python -m pytest tests/faults $(SIDE_BY_SIDE) --long --faults-table=faults.md $(PYTEST_ARGS)
	$(BIN)/python benchmarks/document.py faults < faults.md
	$(BIN)/python benchmarks/worst_faults.py < faults.md | $(BIN)/python benchmarks/document.py worst_faults

bench: .venv/dev
	$(BIN)/python benchmarks/recorder.py | $(BIN)/python benchmarks/document.py recorder

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pictures of the documents, from the drawn scene.
pictures: .venv/run
	$(BIN)/python img/make_pictures.py

clean:
	rm -rf .venv demo_video benchmarks/inputs

.venv/run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "pynvr needs Python 3.10 or newer; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	    { echo "no virtual environment could be made; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(call headless_if_needed)
	@touch $@

.venv/dev: .venv/run requirements-dev.txt requirements-report.txt requirements-mqtt.txt requirements-serve.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(call headless_if_needed)
	@touch $@

# opencv-python needs system libraries for its windows. Where they are missing, as on a slim server,
# the same version without windows takes its place.
define headless_if_needed
$(BIN)/python -c 'import cv2' 2>/dev/null || { \
    version=$$($(BIN)/python -m pip show opencv-python | sed -n 's/^Version: //p'); \
    echo "opencv-python cannot be imported here (libraries for windows are missing): using opencv-python-headless $$version"; \
    $(BIN)/python -m pip uninstall --quiet --yes opencv-python && \
    $(BIN)/python -m pip install --quiet --disable-pip-version-check "opencv-python-headless==$$version" && \
    $(BIN)/python -c 'import cv2'; }
endef
