"""What the tests of the import share."""

import pytest
from globox import AnnotationSet

import exports


@pytest.fixture
def exported() -> AnnotationSet:
    """The boxes of three pictures, which a tool is to export."""
    return exports.drawn_boxes()
