"""Settings of every test run, of the unit tests and of nbval alike."""

import os

# A progress bar writes to stderr, and what a notebook stores there can never be compared.
os.environ.setdefault("TQDM_DISABLE", "1")
