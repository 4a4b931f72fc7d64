"""Right answers to the exercises of lesson 06 in several styles, and what they may be given."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special, stats

from inputs import decimals


@st.composite
def errors_and_spreads(draw):
    """Return enough errors for the rank of the share to exist."""
    share = draw(st.sampled_from([0.5, 0.7, 0.8]))
    n = draw(st.integers(6, 20))
    positive = arrays.arrays(float, (n, 4), elements=decimals(0.1, 3))
    return draw(positive), draw(positive), share


INPUTS = {
    "in_pixels": st.tuples(decimals(0.01, 100), st.integers(1, 500)),
    "smooth_l1_slope": st.tuples(
        arrays.arrays(float, st.integers(1, 6), elements=decimals(-3, 3)), decimals(0.1, 2)
    ),
    "learned_rate": st.tuples(decimals(-5, 5), decimals(-5, 5), st.integers(1, 40)),
    "laplace_interval": st.tuples(decimals(-1, 2), decimals(0.01, 0.5), decimals(0.05, 0.95)),
    "box_factor": errors_and_spreads(),
}


def in_pixels_in_python(w, side):
    return w / side / side


def in_pixels_in_powers(w, side):
    return w * side**-2


def smooth_l1_slope_in_numpy(error, beta):
    return np.clip(error / beta, -1, 1)


def smooth_l1_slope_in_python(error, beta):
    slopes = []
    for e in error:
        if abs(e) < beta:
            slopes.append(e / beta)
        elif e > 0:
            slopes.append(1)
        else:
            slopes.append(-1)
    return np.array(slopes)


def smooth_l1_slope_in_vectorize(error, beta):
    return np.vectorize(lambda e: max(-1.0, min(1.0, e / beta)))(error)


def smooth_l1_slope_in_scipy(error, beta):
    smooth = special.huber(beta, error + 1e-7) - special.huber(beta, error - 1e-7)
    return smooth / 2e-7 / beta


def learned_rate_in_python(s_name, s_numbers, numbers):
    name, box = math.exp(-s_name), math.exp(-s_numbers)
    return numbers * box / name / 2


def learned_rate_in_numpy(s_name, s_numbers, numbers):
    variances = np.exp([s_name, s_numbers])
    weights = np.array([1, numbers / 2]) / variances
    return weights[1] / weights[0]


def laplace_interval_in_scipy(middle, spread, share):
    return stats.laplace.interval(share, loc=middle, scale=spread)


def laplace_interval_in_python(middle, spread, share):
    tail = (1 - share) / 2
    low = middle + spread * math.log(2 * tail)
    return low, 2 * middle - low


def box_factor_in_numpy(errors, spreads, share):
    ratios = np.sort(np.max(errors / spreads, axis=1))
    return ratios[math.ceil((len(ratios) + 1) * share) - 1]


def box_factor_in_python(errors, spreads, share):
    worst = []
    for error, spread in zip(errors, spreads, strict=True):
        worst.append(max(e / s for e, s in zip(error, spread, strict=True)))
    for ratio in sorted(worst):
        held = sum(other <= ratio for other in worst)
        if held >= share * (len(worst) + 1):
            return ratio
    return None
