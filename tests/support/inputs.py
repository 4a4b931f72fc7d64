"""What the exercises may be given: boxes, sizes and numbers, drawn by hypothesis.

Numbers have few decimals, so that two right formulas do not differ by their rounding.
"""

import numpy as np
from hypothesis import strategies as st


def decimals(low: float, high: float, places: int = 2) -> st.SearchStrategy[float]:
    """Return numbers of a few decimals."""
    factor = 10**places
    return st.integers(round(low * factor), round(high * factor)).map(lambda n: n / factor)


def fractions(margin: float = 0) -> st.SearchStrategy[float]:
    """Return numbers from 0 to 1, or as far from both as the margin says."""
    return decimals(margin, 1 - margin)


@st.composite
def boxes(draw, least: int = 1, decimals: int = 1) -> np.ndarray:
    """Return an xyxy box within 100 x 100 pixels, whose sides are at least so long."""
    factor = 10**decimals if draw(st.booleans()) else 1
    x, y = (
        sorted(draw(st.tuples(st.integers(0, 60 * factor), st.integers(0, 60 * factor))))
        for _ in range(2)
    )
    box = np.array([x[0], y[0], x[1] + least * factor, y[1] + least * factor])
    return box / factor if factor > 1 else box


def sizes() -> st.SearchStrategy[tuple[int, int]]:
    """Return widths and heights of pictures."""
    return st.tuples(st.integers(1, 500), st.integers(1, 500))
