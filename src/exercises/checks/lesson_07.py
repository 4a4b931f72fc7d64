"""Checks of the exercises of lesson 07. They work on NumPy arrays, without a framework."""

from exercises.checks.core import Check

import numpy as np

# COCO's flags, counted


def _counted(first=2, step=3, kinds=(0, 1, 2)):
    def count(keypoints):
        flags = keypoints[first::step]
        return [flags.count(kind) for kind in kinds]

    return count


def _keypoints():
    return [
        ([0, 0, 0, 12, 30, 2, 5, 1, 1, 7, 7, 2],),
        ([2, 1, 2, 0, 0, 0, 0, 0, 0, 1, 1, 2, 31, 2, 1],),
        ([4, 0, 2],),
        ([3, 4, 1, 0, 0, 0],),  # no joint is seen
        ([0, 0, 0],),
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
    heats = [rng.random(shape) for shape in ((4, 6), (5, 3), (2, 8), (1, 3), (3, 1))]
    return [(heat / heat.sum(),) for heat in heats]


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
    cases=lambda: [(0.5, 9000.0, 0.079), (0.9, 400.0, 0.062), (0.75, 12000.0, 0.107)],
    wrong={
        "You take sigma for k. k is twice as large.": _off(twice=1.0),
        "You forget the 2 in front of the area.": _off(half=1.0),
        "You return the square of the distance.": _off(root=False),
        "You square the area. It is a square already: its root is a size.": (
            _off(area_squared=True)
        ),
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
    },
)

# left for right


def _nearer(mask=True, squared=False, always=False, farther=False):
    def untangle(points, true, flags, partner):
        def total(candidate):
            off = ((candidate - true) ** 2).sum(axis=-1)
            off = off if squared else np.sqrt(off)
            return off[flags > 0].sum() if mask else off.sum()

        exchanged = points[partner]
        if always:
            return exchanged
        less = total(exchanged) < total(points)
        return exchanged if less != farther else points

    return untangle


def _joint_by_joint(points, true, flags, partner):
    exchanged = points[partner]
    off, other = (np.linalg.norm(one - true, axis=-1) for one in (points, exchanged))
    return np.where(((other < off) & (flags > 0))[:, None], exchanged, points)


def _figures():
    rng = np.random.default_rng(7)
    partner = np.array([3, 4, 2, 0, 1])
    right, others = _nearer(), [_nearer(mask=False), _nearer(squared=True)]
    chosen: dict[tuple, list] = {}
    for _ in range(300):
        true = rng.uniform(0, 100, (5, 2))
        points = true + rng.normal(0, 40, (5, 2))
        points = points[partner] if rng.random() < 0.5 else points
        flags = rng.choice([0, 1, 2], 5, p=[0.4, 0.2, 0.4])
        true[flags == 0] = 0
        case = points, true, flags, partner
        # some on which each of the others is wrong
        kind = tuple(not np.array_equal(right(*case), other(*case)) for other in others)
        chosen.setdefault(kind, []).append(case)
    return [case for cases in chosen.values() for case in cases[:4]]


untangle = Check(
    right=_nearer(),
    cases=_figures,
    wrong={
        "You always exchange the sides. Do it only where that is nearer to the truth.": (
            _nearer(always=True)
        ),
        "You keep the one that is farther off.": _nearer(farther=True),
        "You add up the unknown joints, too. Their coordinates mean nothing.": _nearer(mask=False),
        "You add up squares. The sum of the distances decides.": _nearer(squared=True),
        "You exchange single joints. The whole figure is exchanged, or none of it.": (
            _joint_by_joint
        ),
        "You exchange the truth. Exchange the points.": (
            lambda _, true, _flags, partner: true[partner]
        ),
    },
)
