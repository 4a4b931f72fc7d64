"""Checks of the exercises of lesson 06. They work on NumPy arrays, without a framework."""

from exercises.checks.core import Check

import numpy as np

# the same exchange rate, for boxes in pixels

in_pixels = Check(
    right=lambda w, side: w / side**2,
    cases=lambda: [(1.0, 224), (10.0, 100), (0.257, 64), (350.0, 500)],
    close=1e-9,
    wrong={
        "You multiply. In pixels the squared error is a larger number, so it needs a smaller "
        "weight.": lambda w, side: w * side**2,
        "You divide by the side once. The error is squared, and so is the unit.": (
            lambda w, side: w / side
        ),
        "You multiply by the side once. Squared errors have a squared unit, and in pixels they are "
        "the larger ones.": lambda w, side: w * side,
        "You leave the weight as it is. Then the box counts far more than before.": (
            lambda w, side: w + 0 * side
        ),
    },
)

# the slope of smooth L1


def _errors():
    errors = np.array([0.3, -0.257, 1.4, 0.0, -0.9, 0.02, -0.05])
    known = (errors, 0.1), (errors, 0.375), (errors, 1.0), (errors[:1], 2.0), (-errors * 10, 4.0)
    return [*known, (np.array([-1, 0, 1, 3]), 2.0)]


smooth_l1_slope = Check(
    right=lambda error, beta: np.clip(error / beta, -1, 1),
    cases=_errors,
    wrong={
        "You return the loss. Return its slope: how it changes if the error grows a little.": (
            lambda error, beta: np.where(
                np.abs(error) < beta, error**2 / (2 * beta), np.abs(error) - beta / 2
            )
        ),
        "Your slope has no sign. For a negative error the loss falls if the error grows.": (
            lambda error, beta: np.clip(np.abs(error) / beta, 0, 1)
        ),
        "You point downhill. Return the slope itself: positive where the loss rises.": (
            lambda error, beta: -np.clip(error / beta, -1, 1)
        ),
        "Your two parts do not meet at beta: is there a factor of one half too many?": (
            lambda error, beta: np.where(np.abs(error) < beta, error / (2 * beta), np.sign(error))
        ),
        "Your two parts do not meet at beta: is there a factor of 2 too many?": (
            lambda error, beta: np.where(np.abs(error) < beta, 2 * error / beta, np.sign(error))
        ),
        "Near zero your slope ignores beta.": (
            lambda error, beta: np.where(np.abs(error) < beta, error, np.sign(error))
        ),
        "Your slope grows without limit. Beyond beta it should be constant.": (
            lambda error, beta: error / beta
        ),
        "Your slope is that of L1. Near zero it should be gentle.": lambda error, _: np.sign(error),
        "You limit the error to beta, but the slope should be 1 there, not beta.": (
            lambda error, beta: np.clip(error, -beta, beta)
        ),
        "You compare the error itself with beta. A large negative error is not a small one.": (
            lambda error, beta: np.where(error < beta, error / beta, np.sign(error))
        ),
        "You have swapped the two parts: the gentle one is for small errors.": (
            lambda error, beta: np.where(np.abs(error) < beta, np.sign(error), error / beta)
        ),
        "You average over the errors. Return one number for each.": (
            lambda error, beta: np.clip(error / beta, -1, 1).mean()
        ),
    },
)

# the exchange rate that two variances stand for


def _learned(count=lambda numbers: numbers, half: float = 0.5):
    return lambda s_name, s_numbers, numbers: half * count(numbers) * np.exp(s_name - s_numbers)


learned_rate = Check(
    right=_learned(),
    cases=lambda: [
        (0.0, -3.0, 4),
        (-0.5, -4.0, 28),
        (0.1, 0.3, 1),
        (-5.257, -7.503, 6),
        (12.5, 11.75, 2),
    ],
    wrong={
        "You have swapped the two: a large variance of the numbers makes their errors cheap.": (
            lambda s_name, s_numbers, numbers: numbers / 2 * np.exp(s_numbers - s_name)
        ),
        "You look at the numbers alone. The name has a factor, too.": (
            lambda s_name, s_numbers, numbers: numbers / 2 * np.exp(-s_numbers) + 0 * s_name
        ),
        "You have the lesson's factor for a box. Here there may be more numbers, or fewer.": (
            _learned(lambda numbers: 4 + 0 * numbers)
        ),
        "You count one number. The loss is their mean, but each of them has its own error.": (
            _learned(lambda numbers: 1 + 0 * numbers)
        ),
        "You miss a half. One of the two losses has one, and the other does not.": (
            _learned(half=1)
        ),
        "You have a half too many. One of the two losses has one, and the other does not.": (
            _learned(half=0.25)
        ),
        "You divide by the standard deviation, the root of the variance. What does the loss divide "
        "by?": lambda s_name, s_numbers, numbers: numbers / 2 * np.exp((s_name - s_numbers) / 2),
        "You take the arguments for logarithms of standard deviations. They are those of "
        "variances.": lambda s_name, s_numbers, numbers: (
            numbers / 2 * np.exp(2 * (s_name - s_numbers))
        ),
        "You take the arguments for variances. They are their logarithms.": (
            lambda s_name, s_numbers, numbers: numbers / 2 * s_name / s_numbers
        ),
    },
)

# a central interval of a Laplace distribution


def _around(reach):
    def interval(middle, spread, share):
        return middle - reach(spread, share), middle + reach(spread, share)

    return interval


laplace_interval = Check(
    right=_around(lambda b, p: -b * np.log(1 - p)),
    cases=lambda: [
        (0.4, 0.05, 0.9),
        (0.7, 0.013, 0.5),
        (0.2, 0.1, 0.2),
        (0.95, 0.05, 0.9),
        (0.05, 0.05, 0.9),
        (0.3, 0.02, 0.99957),
        (0.613, 0.457, 0.00043),
        (-120.5, 130.25, 0.5),
        (250.5, 40.0, 0.3),
    ],
    wrong={
        "Your interval holds what it should leave out: with a larger share it becomes narrower.": (
            _around(lambda b, p: -b * np.log(p))
        ),
        "You leave half of the rest on each side. But half of the distribution is there, too.": (
            _around(lambda b, p: -b * np.log((1 - p) / 2))
        ),
        "You cut the lower end off at 0. Return what the distribution says.": (
            lambda m, b, p: (max(m + b * np.log(1 - p), 0), m - b * np.log(1 - p))
        ),
        "You cut the upper end off at 1. Return what the distribution says.": (
            lambda m, b, p: (m + b * np.log(1 - p), min(m - b * np.log(1 - p), 1))
        ),
        "You begin at 0. The interval lies around the middle.": (
            lambda m, b, p: (0 * m, m - b * np.log(1 - p))
        ),
        "You cut the interval off at the border. Return what the distribution says.": (
            lambda m, b, p: tuple(np.clip([m + b * np.log(1 - p), m - b * np.log(1 - p)], 0, 1))
        ),
        "You reach one spread to each side, whatever the share.": _around(lambda b, p: b + 0 * p),
        "You multiply the spread by the share. A larger share needs far more room near 1.": (
            _around(lambda b, p: b * p)
        ),
        "You reach to one side only.": lambda m, b, p: (m, m - b * np.log(1 - p)),
        "You return half of the width. Return both ends.": lambda _, b, p: -b * np.log(1 - p),
        "You return the upper end first.": lambda m, b, p: (
            m - b * np.log(1 - p),
            m + b * np.log(1 - p),
        ),
    },
)

# a promise for whole boxes


def _ranked(ratios, share, more=1):
    rank = int(np.ceil(share * (len(ratios) + more)))
    return np.sort(ratios, axis=0)[min(rank, len(ratios)) - 1]


def _promised():
    rng = np.random.default_rng(6)
    return [
        (rng.exponential(size=(n, 4)) * rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, (n, 4)), share)
        for n, share in (
            (19, 0.9),
            (40, 0.8),
            (64, 0.5),
            (22, 0.9),
            (25, 0.75),
            (7, 0.6),
            (2, 1 / 3),
            (40, 0.97),
            (3000, 0.9996),
            (3000, 0.0004),
            (3000, 0.33323),  # a little more than 1000 of 3001
        )
    ]


box_factor = Check(
    right=lambda errors, spreads, share: _ranked((errors / spreads).max(axis=1), share),
    cases=_promised,
    wrong={
        "You have a factor for each side. Return one for all four.": (
            lambda errors, spreads, share: _ranked(errors / spreads, share)
        ),
        "You count sides. A box is held only if its worst side is.": (
            lambda errors, spreads, share: _ranked((errors / spreads).ravel(), share)
        ),
        "You take the mean over the sides. A box is held only if its worst side is.": (
            lambda errors, spreads, share: _ranked((errors / spreads).mean(axis=1), share)
        ),
        "You rank among the n pictures. The new one makes them n + 1.": (
            lambda errors, spreads, share: _ranked((errors / spreads).max(axis=1), share, more=0)
        ),
        "You take the errors as they are. Measure each in units of its own spread.": (
            lambda errors, _, share: _ranked(errors.max(axis=1), share)
        ),
        "You take the largest error and the largest spread. They may belong to two sides.": (
            lambda errors, spreads, share: _ranked(errors.max(axis=1) / spreads.max(axis=1), share)
        ),
        "Your rank is one too low for some numbers of pictures. How do you round?": (
            lambda errors, spreads, share: np.sort((errors / spreads).max(axis=1))[
                int(share * len(errors))
            ]
        ),
        "You round the rank down. Then you may hold fewer boxes than you promise.": (
            lambda errors, spreads, share: np.sort((errors / spreads).max(axis=1))[
                int(share * (len(errors) + 1)) - 1
            ]
        ),
        "You are one picture too far up. A rank counts from 1, and an array from 0; a quantile of "
        "NumPy counts the steps between pictures.": (
            lambda errors, spreads, share: np.quantile(
                (errors / spreads).max(axis=1),
                np.ceil(share * (len(errors) + 1)) / len(errors),
                method="higher",
            )
        ),
        "You take a quantile between two pictures. The promise is made by rank.": (
            lambda errors, spreads, share: np.quantile((errors / spreads).max(axis=1), share)
        ),
    },
)
