"""Checks of the exercises of lesson 08. They work on NumPy arrays, without a framework."""

from exercises.checks.core import Check

import numpy as np

# the cell of a center


def _middle(box):
    return (box[:2] + box[2:]) / 2


def _cell(place=_middle, whole=int, turned_size=1, turned_grid=1, last=True):
    def cell(box, size, grid):
        share = (place(box) / size[::turned_size])[::-1]
        cells = [whole(along * n) for along, n in zip(share, grid[::turned_grid], strict=True)]
        ends = [n - 1 if last else np.inf for n in grid[::turned_grid]]
        return tuple(min(pair) for pair in zip(cells, ends, strict=True))

    return cell


def _boxes():
    return [
        (np.array(box), size, grid)
        for box, size, grid in (
            ([40.0, 10.0, 90.0, 50.0], (100, 60), (4, 7)),
            ([3.0, 70.0, 20.0, 101.0], (50, 120), (6, 5)),
            ([2.5, 4.0, 3.0, 11.5], (10, 20), (5, 4)),  # just beyond a line
            ([8.0, 24.0, 24.0, 40.0], (64, 64), (4, 8)),  # on two lines
            ([10.0, 6.0, 30.0, 12.0], (20, 30), (3, 4)),  # on the right edge
            ([5.0, 20.0, 7.0, 28.0], (30, 24), (6, 3)),  # on the lower one
            # no whole number of pixels in a cell
            ([52.0, 10.0, 62.0, 50.0], (100, 60), (4, 7)),
            ([10.0, 52.0, 50.0, 62.0], (60, 100), (7, 4)),
            # beyond an edge
            ([-40.0, 0.0, 60.0, 60.0], (100, 60), (4, 7)),
            ([0.0, -40.0, 60.0, 60.0], (60, 100), (7, 4)),
            ([40.0, 0.0, 140.0, 60.0], (100, 60), (4, 7)),
            ([0.0, 40.0, 60.0, 140.0], (60, 100), (7, 4)),
            # near a line
            ([4.75, 0.5, 5.75, 10.5], (10, 20), (5, 4)),
            ([1.96, 3.0, 3.0, 4.96], (10, 20), (5, 4)),
            ([52.14, 10.0, 62.14, 50.0], (100, 60), (4, 7)),
            ([10.0, 52.14, 50.0, 62.14], (60, 100), (7, 4)),
            ([2.25, 2.25, 3.25, 3.25], (8, 8), (3, 3)),
            ([0.5, 4.75, 10.5, 5.75], (20, 10), (4, 5)),
            ([310.0, 150.0, 450.0, 390.0], (500, 375), (15, 20)),
        )
    ]


center_cell = Check(
    right=_cell(),
    cases=_boxes,
    wrong={
        "You return the column first. The row comes first.": lambda *case: _cell()(*case)[::-1],
        "You take the upper left corner. Where is the center?": _cell(lambda box: box[:2]),
        "You take xmax for a width and ymax for a height. They say where the box ends.": _cell(
            lambda box: box[:2] + box[2:] / 2
        ),
        "You name a cell beyond the last one when the center is on the edge of the picture.": (
            _cell(last=False)
        ),
        "You round to the nearest cell. A center in the second half of a cell is still in it.": (
            _cell(whole=round)
        ),
        "You return decimals. How many whole cells lie before the center?": _cell(
            whole=float, last=False
        ),
        "You read the grid as (columns, rows).": _cell(turned_grid=-1),
        "You read the size as (height, width).": _cell(turned_size=-1),
    },
)

# the focal loss of a cell


def _focal(here=2, beside=4, empty=2, among=lambda target: target == 1, miss=lambda p: 1 - p):
    def loss(p, target):
        if among(target):
            return -((1 - p) ** here) * np.log(p)
        return -((1 - target) ** beside) * p**empty * np.log(miss(p))

    return loss


focal_cell = Check(
    right=_focal(),
    cases=lambda: [
        (0.3, 1.0),
        (0.8, 1.0),
        (0.3, 0.0),
        (0.7, 0.4),
        (0.9, 0.8),
        (0.6, 0.5),
        (0.95, 0.9),
        (0.00004, 1.0),
        (0.99957, 0.0),
        (0.4, 0.9987),
        (0.6, 0.12345),
        (0.30004, 0.12),
    ],
    wrong={
        "You take every target above 0 for an object. Only a 1 is one; a cell beside it is not.": (
            _focal(among=lambda target: target > 0)
        ),
        "You use the first line of the formula for every cell.": _focal(among=lambda _: True),
        "You use the second line of the formula for every cell.": _focal(among=lambda _: False),
        "You mix both lines by the target. Each cell has one of them, and none has both.": (
            lambda p, target: target * _focal()(p, 1) + _focal()(p, target) * (target < 1)
        ),
        "You leave out both squares. They make the easy cells small.": _focal(here=1, empty=1),
        "You leave out the square where there is an object.": _focal(here=1),
        "You leave out the square where there is no object.": _focal(empty=1),
        "You leave out the weight of a cell with an object. An easy one should count less.": (
            _focal(here=0)
        ),
        "You leave out the factor that silences easy empty cells.": _focal(empty=0),
        "You leave out the factor that is gentle with cells beside a center.": _focal(beside=0),
        "You exchange the powers of two factors: look at the cells without an object.": (
            _focal(beside=2, empty=4)
        ),
        "You take the wrong logarithm where there is none: a low score should cost little.": (
            _focal(miss=lambda p: p)
        ),
        "You compute the cross-entropy. Each cell has another weight here.": (
            lambda p, target: -(target * np.log(p) + (1 - target) * np.log(1 - p))
        ),
    },
)

# the peaks of a map

EIGHT = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
LOW = {"constant_values": -1}


def _is_peak(scores, around=EIGHT, beaten=np.less, beyond=LOW):
    rows, columns = scores.shape
    padded = np.pad(scores, 1, **beyond)
    neighbors = [padded[1 + down :, 1 + right :][:rows, :columns] for down, right in around]
    return ~np.any([np.zeros(scores.shape, bool), *(beaten(scores, n) for n in neighbors)], axis=0)


def _pairs(chosen):
    return [tuple(cell) for cell in np.argwhere(chosen).tolist()]


def _found(reached=np.greater_equal, **rule):
    return lambda scores, limit: _pairs(_is_peak(scores, **rule) & reached(scores, limit))


def _maps():
    small = [
        [[0.2, 0.9, 0.9], [0.4, 0.1, 0.3]],
        [[0.5, 0.1, 0.3, 0.4]],
        [[0.3], [0.1], [0.7], [0.7]],
        [[0.3, 0.2], [0.1, 0.4], [0.6, 0.1]],
        [[0.1, 0.2], [0.2, 0.1]],  # no cell reaches the limit
        [[0.70001, 0.70004, 0.1, 0.29996, 0.1, 0.99954, 0.99957]],  # nearly equal
        [[0.00042, 0.00021], [0, 0.0001]],
    ]
    rng = np.random.default_rng(8)
    large = [rng.integers(0, 10, shape) / 10 for shape in ((5, 7), (6, 4), (7, 6))]
    limits = [0.3] * (len(small) - 1) + [0.0002, 0.2, 0.5, 0.7]
    return [(np.array(s), limit) for s, limit in zip((*small, *large), limits, strict=True)]


find_peaks = Check(
    right=_found(),
    without={"torch": "torch"},
    cases=_maps,
    wrong={
        "You look at four neighbors. Those across the corners count as well.": (
            _found(around=[place for place in EIGHT if 0 in place])
        ),
        "Your window ends too early: the end of a slice does not belong to it.": (
            _found(around=[place for place in EIGHT if max(place) < 1])
        ),
        "You leave out peaks that have an equal neighbor. No neighbor is higher, so they count.": (
            _found(beaten=np.less_equal)
        ),
        "You leave out a peak whose score is just the limit. It counts.": (
            _found(reached=np.greater)
        ),
        "You return peaks below the limit, too.": _found(reached=lambda scores, _: scores >= 0),
        "You return every cell that reaches the limit. A peak has no higher neighbor.": (
            _found(around=[])
        ),
        "Your map goes on at the opposite side. A cell at the edge has fewer neighbors.": (
            _found(beyond={"mode": "wrap"})
        ),
        "You leave out the cells at the edges. They have fewer neighbors, and count.": (
            _found(beyond={"constant_values": 2})
        ),
        "You return a map of True and False. Return the places of those that are True.": (
            lambda scores, limit: _is_peak(scores) & (scores >= limit)
        ),
        "You return pairs of (column, row).": lambda scores, limit: [
            cell[::-1] for cell in _found()(scores, limit)
        ],
        "You list the peaks by their scores. List them from top to bottom.": (
            lambda scores, limit: sorted(_found()(scores, limit), key=lambda cell: -scores[cell])
        ),
    },
)

# pairs, the cheapest first


def _greedy(answers=True, objects=True, out=np.inf):
    def total(cost):
        left, total = cost.astype(float), 0.0
        for _ in cost.T:
            row, column = np.unravel_index(left.argmin(), left.shape)
            total += left[row, column]
            left[row, column] = out
            left[row] = out if answers else left[row]
            left[:, column] = out if objects else left[:, column]
        return total

    return total


def _in_turn(cost):
    """Return the cost when each column takes the cheapest row that is left."""
    left, total = cost.astype(float), 0.0
    for column in range(min(cost.shape)):
        row = left[:, column].argmin()
        total += left[row, column]
        left[row] = np.inf
    return total


def _hungarian(cost):
    from scipy.optimize import linear_sum_assignment  # here, since it takes a second to import

    return cost[linear_sum_assignment(cost)].sum()


def _costs():
    small = [
        [[1.5, 2.0], [3.0, 9.5], [8.0, 9.0]],
        [[4.0, 2.5], [2.5, 0.5]],
        [[0.5, 2.0], [0.5, 1.0], [2.0, 3.0]],  # two are equally cheap, in a column
        [[1.5, 1.5], [3.0, 2.0]],  # and in a row
        [[-0.5, -2.0], [1.0, -1.5], [-1.0, 0.5]],
        [[0.6], [0.4]],
        [[1.0, 1.1, 9.0], [5.0, 3.0, 2.0], [6.0, 8.0, 9.0]],  # the order of the columns changes
        [[1.0, 2.0], [3.0, 4000.0]],
        [[0.304, 0.301], [0.302, 0.309]],
    ]
    rng = np.random.default_rng(8)
    large = [rng.integers(-10, 30, shape) / 10 for shape in ((5, 3), (4, 4), (6, 4))]
    return [(np.array(cost),) for cost in (*small, *large)]


greedy_cost = Check(
    right=_greedy(),
    cases=_costs,
    wrong={
        "You go from object to object. Take the cheapest pair of all that are left.": _in_turn,
        "You go from answer to answer. Take the cheapest pair of all that are left.": (
            lambda cost: _in_turn(cost.T)
        ),
        "You find the best pairing of all. Here the cheapest pair comes first.": (_hungarian),
        "You let several objects have the same answer. Cross it out as well.": (
            _greedy(answers=False)
        ),
        "You let several answers have the same object. Cross it out as well.": (
            _greedy(objects=False)
        ),
        "You add up the smallest costs, wherever they are. A pair takes an answer and an object "
        "away.": _greedy(answers=False, objects=False),
        "You cross out with 0. That may be the cheapest of all.": _greedy(out=0),
        "You return how much worse it is. Return the sum itself.": (
            lambda cost: _greedy()(cost) - _hungarian(cost)
        ),
    },
)

# average precision at eleven recalls

# these are rounded like the recalls: k / n is the same number as i / 10 where both are equal
TENTHS = np.arange(11) / 10


def _eleven(
    levels=TENTHS,
    recall=lambda found, n: found / n,
    read=lambda precision, recall, level: precision[recall >= level].max(initial=0),
    mean=np.mean,
):
    def score(hits, n_objects):
        found = np.cumsum(hits)
        shares = found / np.arange(1, len(hits) + 1), recall(found, n_objects)
        return mean(np.array([read(*shares, level) for level in levels]))

    return score


def _at_hits(hits, _):
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return precision[np.array(hits) == 1].sum() / max(sum(hits), 1)


eleven_point_ap = Check(
    right=_eleven(),
    cases=lambda: [
        ([], 3),
        ([0], 1),
        ([1, 0, 1], 10),
        ([0, 1, 1], 3),
        ([1, 0, 1, 0, 1], 10),
        ([0, 1, 1, 0, 0, 1], 5),
        ([1, 0, 0, 1, 0, 1, 1, 0], 4),
        ([0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1], 10),
        ([0, 0, 1, 1, 0, 1], 7),
        ([1, 1, 1, 0, 1, 1, 1, 1, 0, 1], 10),  # 8 times 0.1, added up, is less than 0.8
        ([1] * 200, 2001),  # just below a recall of 0.1
    ],
    wrong={
        "You read at 101 recalls, as COCO does. VOC 2007 read at eleven.": (
            _eleven(np.arange(101) / 100)
        ),
        "You leave out the recall of 0. It is the first of the eleven.": _eleven(TENTHS[1:]),
        "You leave out the recall of 1. It is the last of the eleven.": _eleven(TENTHS[:-1]),
        "You miss some recalls, because of rounding: print 3 / 10 and 3 * 0.1, and compare.": (
            _eleven(np.arange(11) * 0.1)
        ),
        "You take the precision where the recall is first reached. A later one may be larger.": (
            _eleven(read=lambda precision, recall, level: precision[recall >= level][:1].sum())
        ),
        "You leave out the recalls that are never reached. They count, with 0.": (
            _eleven(mean=lambda read: read.sum() / max((read > 0).sum(), 1))
        ),
        "You divide by the number of hits, so your recall always ends at 1. It is a share of all "
        "objects.": _eleven(recall=lambda found, _: found / max(found.max(initial=0), 1)),
        "You average the precision at the hits. Average it at the eleven recalls.": _at_hits,
    },
)
