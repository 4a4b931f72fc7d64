"""Checks of the exercises of lesson 07. They work on NumPy arrays, without a framework."""

import copy
import functools

from exercises.checks.core import Check

import numpy as np

# COCO's flags, counted


def _counted(first=2, step=3, kinds=(0, 1, 2)):
    def count(keypoints):
        flags = keypoints[first::step]
        return [flags.count(kind) for kind in kinds]

    return count


def _triples(keypoints):
    return list(zip(*[iter(keypoints)] * 3, strict=True))


def _counted_by_place(keypoints):
    known = [flag for *place, flag in _triples(keypoints) if place != [0, 0]]
    return [len(keypoints) // 3 - len(known), known.count(1), known.count(2)]


def _keypoints():
    return [
        ([0, 0, 0, 12, 30, 2, 5, 1, 1, 7, 7, 2],),
        ([2, 1, 2, 0, 0, 0, 0, 0, 0, 1, 1, 2, 31, 2, 1],),
        ([4, 0, 2],),
        ([3, 4, 1, 0, 0, 0],),  # no joint is seen
        ([0, 0, 0],),
        ([0, 0, 2, 0, 5, 1],),  # seen in the corner, hidden at the edge
        ([5, 6, 2, 7, 4, 1, 3, 9, 2] * 6,),  # more joints than the lesson's figures, or COCO's
    ]


count_flags = Check(
    right=_counted(),
    cases=_keypoints,
    wrong={
        "You count in the whole list. Only every third number is a flag.": _counted(0, 1),
        "You begin one place too early: the first flag is the third number.": _counted(1),
        "You look at the x. The flag comes third.": _counted(0),
        "Your order is reversed: first the unknown joints, then the hidden ones.": (
            _counted(kinds=(2, 1, 0))
        ),
        "You leave out the unknown joints. They belong in the count, as the first number.": (
            _counted(kinds=(1, 2))
        ),
        "You return the flags. How many are there of each kind?": lambda k: k[2::3],
        "You take a joint at 0, 0 for unknown. Its flag says whether it is.": _counted_by_place,
        "You take a joint with an x of 0 for unknown. Its flag says whether it is.": (
            lambda k: _counted_by_place([n for x, _, flag in _triples(k) for n in (x, x, flag)])
        ),
    },
)

# the average place of a heat map


def _averaged(offset=0.5, swapped=False, by_pixels=False, ends=False):
    def average(heat):
        sizes = heat.shape[::-1]
        along = [(np.arange(n) + offset) / (1 if by_pixels else n) for n in sizes]
        along = [np.linspace(0, 1, n) for n in sizes] if ends else along
        x, y = heat.sum(axis=0) @ along[0], heat.sum(axis=1) @ along[1]
        return (y, x) if swapped else (x, y)

    return average


def _highest(heat):
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    return (column + 0.5) / heat.shape[1], (row + 0.5) / heat.shape[0]


def _heats():
    rng = np.random.default_rng(7)
    heats = [rng.random(shape) for shape in ((4, 6), (5, 3), (2, 8), (1, 3), (3, 1), (2, 3))]
    single = np.array([[0, 0, 1.0], [0, 0, 0]])  # all in one cell
    return [(heat / heat.sum(),) for heat in (*heats, single)]


average_place = Check(
    right=_averaged(),
    cases=_heats,
    wrong={
        "You return y first. The first number is x, along the columns.": _averaged(swapped=True),
        "You take the edge of each cell. Its middle is half a cell farther on.": _averaged(0),
        "You count in cells. Divide by their number, to have fractions of the picture.": (
            _averaged(by_pixels=True)
        ),
        "You put the first cell at 0 and the last at 1. Take the middles of the cells.": (
            _averaged(ends=True)
        ),
        "You take the highest cell. Return the average over all cells.": _highest,
        "You divide by the number of cells as well. The shares add up to 1 already.": (
            lambda heat: tuple(np.array(_averaged()(heat)) / heat.size)
        ),
    },
)

# how far off a joint may be


def _off(half=2.0, twice=2.0, root=True, area_squared=False):
    def allowed(value, area, sigma):
        size = area**2 if area_squared else area
        squared = -half * size * (twice * sigma) ** 2 * np.log(value)
        return np.sqrt(squared) if root else squared

    return allowed


allowed = Check(
    right=_off(),
    cases=lambda: [
        (0.5, 9000.0, 0.079),
        (0.9, 400.0, 0.062),
        (0.75, 12000.0, 0.107),
        (0.000004, 2500.0, 0.107),
        (0.99957, 83.257, 0.0893),
    ],
    wrong={
        "Your distance is half of the right one. Is your k twice sigma? And does the 2 of the bell "
        "curve end up on the right side?": _off(twice=1.0),
        "You are off by the root of 2. Is there a 2 in front of the area? And do you square the 2 "
        "of k?": _off(half=1.0),
        "You return the square of the distance.": _off(root=False),
        "You allow four times the distance for a figure twice as wide and as high. It should be "
        "twice: the root of the area is a size.": _off(area_squared=True),
        "You leave out the area. A large figure allows more pixels than a small one.": (
            lambda value, area, sigma: np.sqrt(-2 * (2 * sigma) ** 2 * np.log(value)) + 0 * area
        ),
        "You take 1 - value. The bell curve itself is the value.": (
            lambda value, area, sigma: np.sqrt(-2 * area * (2 * sigma) ** 2 * np.log(1 - value))
        ),
    },
)

# PCKh


def _pckh(share=0.5, flagged=True, heads=True, hidden=True, by_figure=False):
    def score(points, true, flags, neck, top):
        head = np.linalg.norm(true[:, neck] - true[:, top], axis=-1)
        usable = (flags[:, neck] > 0) & (flags[:, top] > 0)
        near = np.linalg.norm(points - true, axis=-1) <= share * head[:, None]
        mask = (flags > 0 if hidden else flags > 1) if flagged else flags > -1
        mask = mask & usable[:, None] if heads else mask
        if by_figure:
            return np.mean([n[m].mean() for n, m in zip(near, mask, strict=True) if m.any()])
        return near[mask].mean()

    return score


def _poses():
    rng = np.random.default_rng(7)
    cases = []
    for neck, top in ((4, 5), (0, 2)):
        true = rng.uniform(0, 100, (9, 6, 2))
        points = true + rng.normal(0, 24, true.shape)
        flags = rng.choice([0, 1, 2], (9, 6), p=[0.2, 0.3, 0.5])
        flags[:4, [neck, top]] = 2
        true[flags == 0] = 0
        cases.append((points, true, flags, neck, top))
    true = np.array([[[0.0, 0], [0, 10], [20, 20]]])  # the last joint is just half a head off
    points = true + np.array([[0, 0], [0, 0], [3, 4]])
    cases.append((points, true, np.array([[2, 2, 1]]), 0, 1))
    true = np.array([[[0.0, 0], [0, 10], [20, 20], [0, 0]]])  # the last joint is unknown
    points = true + np.array([[1, 0], [0, 2], [4, 4], [3, 3]])
    cases.append((points, true, np.array([[2, 1, 2, 0]]), 0, 1))
    true = np.array([[[0.0, 0], [0, 8]], [[0, 0], [6, 6]]])  # so is a neck
    points = true + np.array([[[3, 0], [0, 6]], [[0, 1], [0, 1]]])
    cases.append((points, true, np.array([[2, 2], [0, 2]]), 0, 1))
    true = np.array([[[0.0, 0], [0, 10], [20, 20], [150, 160], [140, 130]]])
    points = true + np.array([[0, 0], [0, 0], [3.00003, 4], [6, 7], [3, 3]])  # a hair too far off
    cases.append((points, true, np.array([[2, 2, 1, 2, 2]]), 0, 1))
    true = np.array([[[0.0, 0], [0, 9.99997], [20, 20]]])  # a hair too small a head
    points = true + np.array([[0, 0], [0, 0], [3, 4]])
    cases.append((points, true, np.array([[2, 2, 1]]), 0, 1))
    return cases


pckh = Check(
    right=_pckh(),
    cases=_poses,
    wrong={
        "You allow a whole head. Near enough is half of one.": _pckh(1.0),
        "You count unknown joints as well. Their coordinates mean nothing.": _pckh(flagged=False),
        "You leave out the hidden joints. They are known, so they count.": _pckh(hidden=False),
        "You count figures whose head is unknown. Their head has no size.": _pckh(heads=False),
        "You average over the figures. Count the joints of all figures together.": (
            _pckh(by_figure=True)
        ),
        "You return the share of joints that are wrong.": lambda *case: 1 - _pckh()(*case),
        "You ask whether all joints are near enough. Return which share of them is.": (
            lambda *case: _pckh()(*case) == 1
        ),
        "You leave out a joint that is just half a head off. It is near enough.": (
            _pckh(share=0.5 - 1e-9)
        ),
    },
)

# left for right


def _nearer(total=lambda off, flags: (off * (flags > 0)).sum(), better=np.less):
    def untangle(points, true, flags, partner):
        exchanged = points[partner]
        off, other = (np.linalg.norm(one - true, axis=-1) for one in (points, exchanged))
        return exchanged if better(total(other, flags), total(off, flags)) else points

    return untangle


# what else people compare
TOTALS = {
    "You add up the unknown joints, too. Their coordinates mean nothing.": (
        lambda off, _: off.sum()
    ),
    "You multiply by the flags. A joint that is seen does not count twice.": (
        lambda off, flags: (off * flags).sum()
    ),
    "You add up the joints that are seen. The hidden ones are known, too.": (
        lambda off, flags: (off * (flags > 1)).sum()
    ),
    "You add up squares. The sum of the distances decides.": (
        lambda off, flags: (off**2 * (flags > 0)).sum()
    ),
    "You compare the largest distances. Their sum decides.": (
        lambda off, flags: (off * (flags > 0)).max()
    ),
}


def _joint_by_joint(points, true, flags, partner):
    exchanged = points[partner]
    off, other = (np.linalg.norm(one - true, axis=-1) for one in (points, exchanged))
    return np.where(((other < off) & (flags > 0))[:, None], exchanged, points)


@functools.cache
def _figures():
    rng = np.random.default_rng(7)
    right, others = _nearer(), [_nearer(better=np.less_equal), *map(_nearer, TOTALS.values())]
    chosen: dict[tuple, list] = {}
    for i in range(300):
        partner = np.array(([1, 0, 2], [3, 4, 2, 0, 1])[i % 2])
        true = rng.uniform(0, 100, (len(partner), 2)).round(1)
        points = true + rng.normal(0, 40, true.shape).round(1)
        points = points[partner] if rng.random() < 0.5 else points
        flags = rng.choice([0, 1, 2], len(partner), p=[0.4, 0.2, 0.4])
        true[flags == 0] = 0
        case = points, true, flags, partner
        # some on which each of the others is wrong
        kind = tuple(not np.array_equal(right(*case), other(*case)) for other in others)
        chosen.setdefault(kind, []).append(case)
    true = np.array([[0.44, 0], [10.44, 0]])
    points = np.array([[5.44, 4], [5.43998, -3]])  # a hair nearer when exchanged
    nearly = points, true, np.array([2, 1]), np.array([1, 0])
    return [nearly, *(case for cases in chosen.values() for case in cases[:2])]


untangle = Check(
    right=_nearer(),
    cases=lambda: copy.deepcopy(_figures()),
    wrong={
        "You always exchange the sides. Do it only where that is nearer to the truth.": (
            lambda points, _true, _flags, partner: points[partner]
        ),
        "You keep the one that is farther off.": _nearer(better=np.greater_equal),
        "You exchange the sides where both are equal. Leave the points as they are there.": (
            _nearer(better=np.less_equal)
        ),
        **{sentence: _nearer(total) for sentence, total in TOTALS.items()},
        "You exchange single joints. The whole figure is exchanged, or none of it.": (
            _joint_by_joint
        ),
        "You exchange the truth. Exchange the points.": (
            lambda _, true, _flags, partner: true[partner]
        ),
    },
)
