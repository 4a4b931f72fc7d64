"""Settings of every test run, of the unit tests and of nbval alike."""

import os

# A progress bar writes to stderr, and what a notebook stores there can never be compared.
os.environ.setdefault("TQDM_DISABLE", "1")

# The stored outputs are those of the defaults, whatever the reader has set.
for name in ("DATASET", "CLASSES", "BACKBONE", "WEIGHTS", "ARTIFACTS", "SEED", "ZERO_BASED"):
    os.environ.pop(f"COURSEKIT_{name}", None)
