"""Shortcuts that are wrong for some numbers: each check has a case that tells them from right."""

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator

from exercises import checks
from exercises.checks import Check
from exercises.checks.core import _slipped
from exercises.lesson_code import imports

import numpy as np
import pytest

from checking import ALL, EACH, LESSONS, each_check, exercises, in_its_process, read, told

# What people do to numbers, by the kind of the numbers.
SHORTCUTS = {
    "share": {
        **{f"at least {low}": lambda x, low=low: np.maximum(x, low) for low in (0.001, 0.01, 0.1)},
        **{f"at most 1 - {low}": lambda x, low=low: np.minimum(x, 1 - low) for low in (0.001, 0.1)},
        **{f"{n} decimals": lambda x, n=n: np.round(x, n) for n in (2, 3, 4)},
    },
    "place": {
        "whole numbers": np.trunc,
        **{f"{n} decimals": lambda x, n=n: np.round(x, n) for n in (0, 1)},
    },
    "number": {
        "whole numbers": np.trunc,
        **{f"{n} decimals": lambda x, n=n: np.round(x, n) for n in (0, 1, 2)},
    },
    "result": {f"{n} decimals": lambda x, n=n: np.round(x, n) for n in (2, 3, 4)},
    "large": {f"at most {most}": lambda x, most=most: np.minimum(x, most) for most in (10, 100)},
    "low": {f"at least {low}": lambda x, low=low: np.maximum(x, low) for low in (0, -1)},
    "long": {"the first ten": lambda x: x[:10]},
}

# What the arguments of each exercise are, and what it returns. Where the numbers are whole, or
# only choose or count something, there is no entry.
KINDS = {
    "area": {"box": "large"},
    "iou": {"a": "place", "b": "place", "return": "result"},
    "decode": {"output": "share", "size": "large", "return": "number"},
    "above_floor": {"target": "share", "output": "share", "return": "result"},
    "voc_to_half_open": {"box": "number large"},
    "flip_vertically": {"box": "place"},
    "resize_box": {"box": "place large", "size": "large", "new_size": "large", "return": "place"},
    "from_source_001": {"numbers": "share", "size": "large"},
    "crop_box": {"box": "place", "window": "place", "return": "result"},
    "flip_voc": {"box": "number large", "width": "large"},
    "solved": {"truth": "place", "found": "number"},
    "box_weights": {"side": "large", "channels": "large", "filters": "large"},
    "soft_argmax": {"scores": "number low", "return": "result"},
    "mirror_map": {"maps": "low", "box": "share"},
    "generalized_iou": {"a": "place", "b": "place", "return": "result"},
    "map_side": {"side": "large"},
    "as_fractions": {"box": "place large", "canvas": "large", "return": "share"},
    "kept_epoch": {"scores": "share low long"},
    "rotate_left": {"box": "place"},
    "middle_95": {"means": "result low long"},
    "with_temperature": {"logits": "number low", "temperature": "number", "return": "result"},
    "confusion_matrix": {},
    "paired_means": {"first": "share", "second": "share", "return": "result"},
    "calibration": {"confidence": "share", "return": "result"},
    "average_precision": {"hits": "long", "return": "result"},
    "in_pixels": {"w": "number large", "side": "large", "return": "result"},
    "smooth_l1_slope": {"error": "number low", "beta": "number", "return": "result"},
    "learned_rate": {"s_name": "number low", "s_numbers": "number low", "return": "result"},
    "laplace_interval": {
        "middle": "number low large",
        "spread": "number large",
        "share": "share",
        "return": "result",
    },
    "box_factor": {"errors": "number", "spreads": "number", "share": "share", "return": "result"},
    "count_flags": {"keypoints": "long"},
    "average_place": {"heat": "share", "return": "result"},
    "allowed": {"value": "share", "area": "place large", "sigma": "number", "return": "result"},
    "pckh": {"points": "number large", "true": "large", "return": "result"},
    "untangle": {"points": "place", "true": "place"},
    "center_cell": {"box": "place low large", "size": "large"},
    "focal_cell": {"p": "share", "target": "share", "return": "result"},
    "find_peaks": {"scores": "share"},
    "greedy_cost": {"cost": "number large low"},
    "eleven_point_ap": {"hits": "long", "return": "result"},
}
WHOLE = {"paint", "hold_out", "torch_kernel"}  # they work on whole numbers, names and places


def changed(value: object, change: Callable) -> object:
    """Return an argument with other numbers in it, as what it was."""
    if isinstance(value, list):
        return np.asarray(change(value)).tolist()
    if hasattr(value, "new_tensor"):
        return value.new_tensor(change(value.numpy()))
    return change(value)


def shortened(check: Check, chosen: tuple[str, ...], change: Callable) -> Callable:
    """Return the right answer to the changed numbers of some arguments, or its changed results."""

    def answer(*case):
        named = zip(inspect.signature(check.right).parameters, case, strict=True)
        case = [changed(value, change) if name in chosen else value for name, value in named]
        result = check.right(*case)
        return _slipped(result, change, None) if "return" in chosen else result

    return answer


def shortcuts(check: Check, kinds: dict[str, str]) -> Iterator[tuple[str, Callable]]:
    """Return answers that take a shortcut: with each of the numbers, and with all of a kind."""
    for kind, changes in SHORTCUTS.items():
        takers = tuple(name for name, own in kinds.items() if kind in own.split())
        for words, change in changes.items():
            for chosen in {*((name,) for name in takers), takers} - {()}:
                yield f"{' and '.join(chosen)}: {words}", shortened(check, chosen, change)


def accepted(lesson: str) -> dict[str, list[str]]:
    """Return the shortcuts that the checks of a lesson let through."""
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return {
            name: [
                words
                for words, answer in shortcuts(check, KINDS.get(name, {}))
                if told(check._replace(without={}), answer).startswith("✓")
            ]
            for name, check in ALL[lesson].items()
        }


@pytest.fixture(scope="module")
def let_through(in_keras, in_torch) -> Callable:
    """Return what `accepted` finds in a lesson, asked once, in the process for its framework."""
    return functools.cache(lambda lesson: in_its_process(lesson, accepted, in_keras, in_torch))


@each_check
def test_a_shortcut_is_refused(let_through, lesson, name):
    assert let_through(lesson)[name] == []


def test_every_exercise_says_what_its_numbers_are():
    assert sorted([*KINDS, *WHOLE]) == sorted(name for _, name in EACH)


# ------------------------------------------------------------------ numbers of single precision


def single(value: object) -> object:
    """Return an argument in single precision, as a framework keeps it."""
    if isinstance(value, float | np.ndarray) and np.asarray(value).dtype == float:
        return np.float32(value)
    return [single(one) for one in value] if isinstance(value, list) else value


def refused(lesson: str) -> dict[str, str]:
    """Return what the checks of a lesson say to its own solutions in single precision."""
    exec(imports(read(lesson)), space := {"__name__": "__main__"})
    said = {}
    for name, check in ALL[lesson].items():
        exec(exercises(lesson)[name], space)
        solution = space[name]
        words = told(check, lambda *case, f=solution: _slipped(f(*map(single, case)), single, None))
        said |= {} if words.startswith("✓") else {name: words}
    return said


@pytest.mark.parametrize("lesson", LESSONS)
def test_single_precision_is_precise_enough(in_keras, in_torch, lesson):
    assert in_its_process(lesson, refused, in_keras, in_torch) == {}


def of_keras() -> list[str]:
    """Return what checks say to right answers made of functions of Keras."""
    import keras
    from keras import ops

    loss = keras.losses.BinaryCrossentropy()

    def above_floor(target, output):
        return float(loss(target, output) - loss(target, target))

    def decode(output, size):
        output = ops.cast(output, "float32")
        top, left, height, width = (ops.log(output / (1 - output)) + 1) * size / 2
        return ops.stack([left, top, left + width, top + height])

    return [told(getattr(checks, f.__name__), f) for f in (above_floor, decode)]


def test_right_answers_made_of_functions_of_keras_pass(in_keras):
    assert in_keras(of_keras) == ["✓ above_floor is right.", "✓ decode is right."]
