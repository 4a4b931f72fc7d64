"""What the tests of this package share."""

from pathlib import Path

from efficientnet import converting

import pytest


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """The folded weights, converted once, in a folder where a killed process left half a file."""
    folder = tmp_path_factory.mktemp("weights")
    (folder / f".{converting.FILE}").write_bytes(b"half of it")
    return converting.weights_file(folder)
