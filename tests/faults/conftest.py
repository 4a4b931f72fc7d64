"""What the tests in this folder prove stands on a page of the book, to the number."""

import json
import os
from pathlib import Path

from coursetools.publish import proof_page

import pytest


@pytest.fixture
def proof(request):
    """Return a function that takes a sentence which the test has just shown to be true.

    The sentence must be on the page; under `make proof`, the page is made from all of them.
    """

    def proof(sentence: str) -> None:
        part = request.module.__doc__.splitlines()[0]
        if file := os.environ.get("COURSEKIT_PROOF"):
            with Path(file).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps([part, sentence]) + "\n")
            return
        page = proof_page.PAGE.read_text(encoding="utf-8")
        assert f"- {sentence}\n" in page, f"Make the page anew with `make proof`: {sentence}"

    return proof
