"""Answers that were wrong, and that a check let through or told something untrue at first."""

from coursekit import boxes
from minivoc import CLASSES

import numpy as np
import pytest

from checking import ALL, in_its_process, told


def logit(share):
    return np.log(share / (1 - share))


def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def decoded(output, size, low):
    top, left, height, width = size / 2 * (1 + logit(np.clip(output, low, 1 - low)))
    return np.array([left, top, left + width, top + height])


def loss_above_floor(target, output):
    heads, tails = target * np.log(target / output), np.log((1 - target) / (1 - output))
    return (heads + (1 - target) * tails).mean()


def soft_place(scores):
    return softmax(scores) @ ((np.arange(len(scores)) + 0.5) / len(scores))


def epoch_kept(scores, patience, gain=0.0):
    best, kept = scores[0], 0
    for epoch, score in enumerate(scores):
        if score > best + gain:
            best, kept = score, epoch
        if epoch - kept == patience:
            break
    return kept


def fractions(box, canvas, low):
    xmin, ymin, xmax, ymax = np.asarray(box)
    height, width = canvas
    center = (xmin + xmax) / 2 / width, (ymin + ymax) / 2 / height
    return np.clip([*center, (xmax - xmin) / width, (ymax - ymin) / height], low, 1 - low)


def laplace(middle, spread, share):
    off = -spread * np.log(1 - share)
    return middle - off, middle + off


def oks_distance(value, area, sigma):
    return np.sqrt(-2 * area * (2 * sigma) ** 2 * np.log(value))


def share_of_bins(places):
    """Return a calibration error with bins of one's own."""

    def error(confidence, right):
        bins = places(confidence)
        gaps = {b: abs(right[bins == b].mean() - confidence[bins == b].mean()) for b in bins}
        return sum(gap * np.mean(bins == b) for b, gap in gaps.items())

    return error


def overlap_apart_in(side, a, b):
    """Return an IoU whose test of boxes apart in y takes one side from x."""
    apart = a[2] <= b[0] or b[2] <= a[0] or side(a, b)
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = 0 if apart else np.prod(high - low)
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def painted_within(box, width, height, right, low):
    picture = np.zeros((height, width))
    picture[box[1] : min(box[3], low), box[0] : min(box[2], right)] = 1
    return picture


def half_open(box):
    return box - [1, 1, 0, 0]


def after_blocks(side, blocks, kernel, padding, change):
    for _ in range(blocks):
        side = change(side + 2 * padding - kernel)
    return side


def iou(a, b):
    a, b = np.array(a), np.array(b)
    shared = (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).clip(0).prod()
    return shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)


def generalized_iou(a, b):
    a, b = np.array(a), np.array(b)
    shared = (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).clip(0).prod()
    union = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared
    return shared / union - 1 + union / (np.maximum(a, b)[2:] - np.minimum(a, b)[:2]).prod()


def whole(box):
    return np.array([int(number) for number in box])


def kept_type(numbers, array):
    """Return numbers as they are after they were written into a copy of an array."""
    return np.asarray(numbers).astype(array.dtype)


def crop(box, window):
    cut = np.concatenate([np.maximum(box, window)[:2], np.minimum(box, window)[2:]])
    share = (cut[2:] - cut[:2]).prod() / (box[2:] - box[:2]).prod()
    return cut - np.tile(window[:2], 2), share


def epoch_from(scores, patience, start):
    best, kept, waited = start, 0, 0
    for epoch, score in enumerate(scores):
        best, kept, waited = (score, epoch, 0) if score > best else (best, kept, waited + 1)
        if waited == patience:
            break
    return kept


def pckh(points, true, flags, neck, top, rounded):
    head = rounded(np.linalg.norm(true[:, neck] - true[:, top], axis=-1))
    known = (flags > 0) & (flags[:, [neck, top]] > 0).all(axis=1)[:, None]
    off = np.linalg.norm(points - true, axis=-1)
    return (off <= head[:, None] / 2)[known].mean()


def cell(box, size, grid, side=lambda pixels, cells: pixels / cells):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    row, column = int(y / side(size[1], grid[0])), int(x / side(size[0], grid[1]))
    return min(row, grid[0] - 1), min(column, grid[1] - 1)


def focal(p, target):
    if target == 1:
        return -((1 - p) ** 2) * np.log(p)
    return -((1 - target) ** 4) * p**2 * np.log(1 - p)


def greedy(cost, out):
    left, total = cost.copy(), 0
    for _ in cost.T:
        row, column = np.unravel_index(left.argmin(), left.shape)
        total += left[row, column]
        left[row], left[:, column] = out, out
    return total


def columns_in_order(cost):
    """Pair the columns one by one, first the one that holds the cheapest pair."""
    left, total = cost.copy(), 0
    for column in np.argsort(cost.min(axis=0)):
        row = left[:, column].argmin()
        total += left[row, column]
        left[row] = np.inf
    return total


def read_at(levels, hits, objects, recall=lambda share: share):
    """Return the mean of the best precisions that are left at some recalls."""
    found = np.cumsum(hits)
    precision, recall = found / np.arange(1, len(hits) + 1), recall(found / objects)
    return np.mean([precision[recall >= level].max(initial=0) for level in levels])


def solved_by(fit):
    """Return the share of pictures with the right name whose box fits in some way."""
    return lambda names, found_names, truth, found: np.mean(
        (names == found_names) & fit(truth, found)
    )


ELEVEN, HUNDRED = np.arange(11) / 10, np.linspace(0, 1, 101)


PASSED = {  # a limit, a rounding or a number that no case reached
    ("lesson_01", "decode"): [
        lambda output, size, low=low: decoded(output, size, low) for low in (0.001, 0.01, 0.05)
    ],
    ("lesson_01", "iou"): [
        lambda a, b: iou(whole(a), whole(b)),
        lambda a, b: overlap_apart_in(lambda a, b: a[2] <= b[1] or b[3] <= a[1], a, b),
        lambda a, b: overlap_apart_in(lambda a, b: a[3] <= b[1] or b[2] <= a[1], a, b),
    ],
    ("lesson_01", "above_floor"): [
        lambda target, output, low=low: loss_above_floor(target, np.clip(output, low, 1 - low))
        for low in (0.001, 0.05, 0.1)
    ]
    + [lambda target, output: loss_above_floor(np.clip(target, 0.01, 1), output)],
    ("lesson_02", "voc_to_half_open"): [lambda box: half_open(np.clip(box, 0, 100))],
    ("lesson_02", "from_source_001"): [
        lambda numbers, size: np.clip(numbers, 0.01, 0.99)[[0, 2, 1, 3]] * np.tile(size, 2),
    ],
    ("lesson_02", "crop_box"): [
        lambda box, window: crop(whole(box), whole(window)),
        lambda box, window: (kept_type(crop(box, window)[0], box), crop(box, window)[1]),
    ],
    ("lesson_02", "hold_out"): [
        lambda names: np.isin(names, CLASSES) & ALL["lesson_02"]["hold_out"].right(names),
    ],
    ("lesson_03", "solved"): [
        solved_by(lambda truth, found: boxes.pairwise_iou(truth, found) > 0.5),
        solved_by(lambda truth, found: (boxes.pairwise_iou(truth, found) > 0.5).any(axis=0)),
        solved_by(lambda truth, found: (boxes.pairwise_iou(truth, found) > 0.5).any(axis=1)),
        solved_by(lambda truth, found: boxes.iou(truth[0], found) > 0.5),
        solved_by(lambda truth, found: boxes.iou(truth[-1], found) > 0.5),
        solved_by(lambda truth, found: boxes.iou(truth[::-1], found) > 0.5),
        solved_by(lambda truth, found: boxes.iou(np.roll(truth, 1, axis=0), found) > 0.5),
        solved_by(lambda truth, found: boxes.iou(np.sort(truth, axis=0), found) > 0.5),
    ],
    ("lesson_03", "generalized_iou"): [
        lambda a, b: generalized_iou(whole(a), whole(b)),
        lambda a, b: generalized_iou(a, kept_type(b, a)),
    ],
    ("lesson_03", "soft_argmax"): [
        lambda scores: soft_place(np.clip(scores, -5, 5)),
        lambda scores: soft_place(np.clip(scores, -20, 100)),
        lambda scores: soft_place(np.clip(scores, -100, 20)),
    ],
    ("lesson_03", "mirror_map"): [
        lambda maps, box: (
            maps[:, ::-1],
            np.clip([1 - box[0], *box[1:]], 0.01, 0.99),
        ),
    ],
    ("lesson_04", "as_fractions"): [
        lambda box, canvas, low=low: fractions(box, canvas, low) for low in (0.001, 0.01)
    ],
    ("lesson_04", "kept_epoch"): [
        lambda scores, patience: epoch_kept(scores, patience, 0.05),
        lambda scores, patience: epoch_kept(scores, patience, 0.001),
        lambda scores, patience: epoch_kept(scores, patience, 0.0001),
        lambda scores, patience: epoch_from(scores, patience, -1),
        lambda scores, patience: epoch_from(scores, patience, -100),
        lambda scores, patience: epoch_kept(np.round(scores, 2), patience),
        lambda scores, patience: epoch_kept(np.round(scores, 3), patience),
    ],
    ("lesson_05", "paired_means"): [
        lambda first, second, rows: (first - second)[rows].sum(axis=1) / len(first),
    ],
    ("lesson_05", "with_temperature"): [
        lambda logits, temperature: softmax(np.clip(logits / temperature, -10, 3)),
        lambda logits, temperature: softmax(np.clip(logits, -3, 3) / temperature),
    ],
    ("lesson_05", "average_precision"): [
        *(lambda *case, n=n: read_at(HUNDRED, *case, lambda r: np.round(r, n)) for n in (3, 4)),
        *(lambda *case, slack=slack: read_at(HUNDRED - slack, *case) for slack in (0.001, 0.0001)),
    ],
    ("lesson_06", "smooth_l1_slope"): [
        lambda error, beta: kept_type(np.clip(error / beta, -1, 1), error),
    ],
    ("lesson_06", "laplace_interval"): [
        lambda middle, spread, share: laplace(middle, spread, min(share, 0.95)),
        lambda middle, spread, share: laplace(middle, spread, max(share, 0.05)),
        lambda middle, spread, share: laplace(middle, spread, np.clip(share, 0.01, 0.999)),
    ],
    ("lesson_07", "count_flags"): [
        lambda keypoints, end=end: [keypoints[2:end:3].count(flag) for flag in (0, 1, 2)]
        for end in (3 * 14, 3 * 17)
    ],
    ("lesson_07", "allowed"): [
        lambda value, area, sigma: oks_distance(min(value, 0.95), area, sigma),
        lambda value, area, sigma: oks_distance(max(value, 0.05), area, sigma),
        lambda value, area, sigma: oks_distance(np.clip(value, 0.01, 0.99), area, sigma),
    ],
    ("lesson_07", "pckh"): [
        lambda *case, n=n: pckh(*case, lambda numbers: np.round(numbers, n)) for n in (2, 3, 4)
    ],
    ("lesson_08", "center_cell"): [
        lambda box, size, grid: cell(box, size, grid, lambda pixels, cells: pixels // cells),
        lambda box, size, grid: cell(box, size, grid, lambda pixels, cells: round(pixels / cells)),
        lambda box, size, grid: cell(np.clip(box, 0, np.tile(size, 2)), size, grid),
        lambda box, size, grid: cell(whole(box), size, grid),
        lambda box, size, grid: tuple(  # a center in whole pixels, of the rows alone
            ALL["lesson_08"]["center_cell"].right(side, size, grid)[i]
            for i, side in enumerate((np.tile((box[:2] + box[2:]) // 2, 2), box))
        ),
    ],
    ("lesson_01", "paint"): [
        lambda box, width, height: painted_within(box, width, height, width - 1, height),
        lambda box, width, height: painted_within(box, width, height, width, height - 1),
        lambda box, width, height: painted_within(box, width, height, width, width),
    ],
    ("lesson_05", "calibration"): [
        share_of_bins(lambda c: np.digitize(c, np.arange(0, 0.9, 0.1))),
        share_of_bins(lambda c: np.digitize(c, np.arange(0.1, 0.9, 0.1))),
        share_of_bins(lambda c: np.clip((c * 10).astype(int), 1, 9)),
        share_of_bins(lambda c: np.digitize(c, np.arange(2, 10) / 10)),
    ],
    ("lesson_08", "focal_cell"): [
        lambda p, target, low=low: focal(np.clip(p, low, 1 - low), target)
        for low in (0.0001, 0.001, 0.01, 0.05)
    ],
    ("lesson_08", "find_peaks"): [
        lambda scores, limit: ALL["lesson_08"]["find_peaks"].right(scores, limit - 0.05),
        lambda scores, limit: ALL["lesson_08"]["find_peaks"].right(np.round(scores, 3), limit),
    ],
    ("lesson_08", "greedy_cost"): [
        columns_in_order,
        *(lambda cost, out=out: greedy(cost, out) for out in (10, 99, 100, 1000)),
    ],
    ("lesson_08", "eleven_point_ap"): [
        *(lambda *case, n=n: read_at(ELEVEN, *case, lambda r: np.round(r, n)) for n in (2, 3, 4)),
        *(lambda *case, slack=slack: read_at(ELEVEN - slack, *case) for slack in (0.01, 0.001)),
    ],
}


def every(lesson: str) -> list[str]:
    """Return what the checks of a lesson say to the answers that passed."""
    return [
        told(ALL[lesson][name], answer)
        for (of, name), answers in PASSED.items()
        for answer in answers
        if of == lesson
    ]


@pytest.mark.parametrize("lesson", sorted({lesson for lesson, _ in PASSED}))
def test_what_once_passed_is_refused(in_keras, in_torch, lesson):
    said = in_its_process(lesson, every, in_keras, in_torch)
    assert [words for words in said if words.startswith("✓")] == []
    assert [words for words in said if "stops in line" in words] == []


def learned_over_deviations(s_name, s_numbers, numbers):
    """Weigh each loss by one over the standard deviation."""
    return numbers / 2 * np.sqrt(np.exp(s_name)) / np.sqrt(np.exp(s_numbers))


SAID = {  # two mistakes that give the same numbers, and words that are true of both
    ("lesson_04", "map_side"): (
        "one cell too many",
        [
            lambda *case: after_blocks(*case, lambda left: -(-(left + 1) // 2)),
            lambda *case: after_blocks(*case, lambda left: left // 2 + 1),
            lambda *case: after_blocks(*case, lambda left: (left + 2) // 2),
        ],
    ),
    ("lesson_06", "learned_rate"): (
        "by the standard deviation",
        [
            learned_over_deviations,
            lambda s_name, s_numbers, numbers: numbers / 2 * np.exp((s_name - s_numbers) / 2),
        ],
    ),
    ("lesson_07", "allowed"): (
        "half of the right one",
        [
            lambda value, area, sigma: np.sqrt(-2 * area * sigma**2 * np.log(value)),
            lambda value, area, sigma: np.sqrt(-area * (2 * sigma) ** 2 * np.log(value) / 2),
        ],
    ),
    ("lesson_07", "allowed", "of a figure twice as wide"): (
        "twice as wide and as high",
        [
            lambda value, area, sigma: oks_distance(value, area**2, sigma),
            lambda value, area, sigma: area * oks_distance(value, 1, sigma),
        ],
    ),
}


@pytest.mark.parametrize(("of", "words", "answers"), [(of, *case) for of, case in SAID.items()])
def test_mistakes_with_the_same_numbers_are_told_what_is_true_of_each(of, words, answers):
    lesson, name = of[:2]
    said = [told(ALL[lesson][name], answer) for answer in answers]
    assert [sentence for sentence in said if words not in sentence] == []


def floor_with_epsilon(target, output, epsilon=1e-7):
    def loss(share):
        heads, tails = np.log(share + epsilon), np.log(1 - share + epsilon)
        return -(target * heads + (1 - target) * tails).mean()

    return loss(output) - loss(target)


def test_a_logarithm_may_be_kept_from_zero_as_frameworks_do():
    assert told(ALL["lesson_01"]["above_floor"], floor_with_epsilon).startswith("✓")


SAID_OF_ONE = {  # what the sentence must say of a mistake that once got none, or another's
    ("lesson_01", "decode", "as `from_sigmoid` does"): lambda output, size: cornered(
        np.clip(decoded_lengths(output, size), 0, size)
    ),
    ("lesson_01", "decode", "your last two numbers are a width and a height"): (
        lambda output, size: decoded_lengths(output, size)
    ),
    ("lesson_02", "resize_box", "or into a copy of it"): lambda box, size, new_size: written_into(
        box, size, new_size
    ),
    ("lesson_02", "crop_box", "or its `zeros_like`, holds"): PASSED["lesson_02", "crop_box"][1],
    ("lesson_06", "smooth_l1_slope", "or its `zeros_like`, holds"): (
        PASSED["lesson_06", "smooth_l1_slope"][0]
    ),
    ("lesson_03", "solved", "all true boxes"): PASSED["lesson_03", "solved"][1],
    ("lesson_03", "solved", "of the first picture"): PASSED["lesson_03", "solved"][3],
}


def decoded_lengths(output, size):
    return (size / 2 * (1 + logit(output)))[[1, 0, 3, 2]]


def cornered(box):
    return np.append(box[:2], box[:2] + box[2:])


def written_into(box, size, new_size):
    for i in range(4):
        box[i] = box[i] * new_size[i % 2] / size[i % 2]
    return box


@pytest.mark.parametrize(("of", "answer"), SAID_OF_ONE.items())
def test_a_mistake_is_called_by_its_name(of, answer):
    lesson, name, words = of
    assert words in told(ALL[lesson][name], answer).casefold()
