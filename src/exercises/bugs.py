"""The mistakes that the course warns about, each as a change of a few words in one of its files.

Some are in the five sources and change what they report, some lie idle in their code, and some are
easy mistakes near them: each says which. Lesson 05 shows the spoiled code, runs it, and asks you to
find the mistake. `tests/exercises/test_mutations.py` makes the same change and checks that a unit
test or a claim notices.
"""

import ast
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from coursekit import settings
from exercises import lesson_code

# What a bug is: its source's own code, which changes a number that it reports; its own code,
# without such a number; not its code, but an easy mistake near it.
IN_SOURCE, LATENT, INSPIRED = KINDS = ("in the source", "latent", "inspired by")


class Bug(NamedTuple):
    """One mistake: in `file`, the text `right` becomes `wrong`.

    `source` says where, or near what, it was found, and `kind` what it is there: see `KINDS`.
    `shown` is the function to look at, and `notices` is what fails then: a test file, or the
    sentence of a claim.
    """

    source: str
    kind: str
    file: str
    shown: str
    right: str
    wrong: str
    notices: str


_RECIPES, _BY = "src/exercises/recipes.py", "tests/exercises/test_recipes.py"
_LESSON_02 = "notebooks/02_voc_annotations.ipynb"
BUGS = {
    "x and y swapped": Bug(
        "003",
        INSPIRED,
        "src/coursekit/voc/reading.py",
        "_sides",
        "[box.number(side) for side in SIDES]",
        '[box.number(side) for side in ("ymin", "xmin", "ymax", "xmax")]',
        "tests/coursekit/test_voc.py",
    ),
    "one-based pixels forgotten": Bug(
        "000",
        IN_SOURCE,
        "src/coursekit/boxes.py",
        "voc_to_xyxy",
        "return as_boxes(boxes) - _VOC_OFFSET",
        "return as_boxes(boxes)",
        "tests/coursekit/test_boxes.py",
    ),
    "one subtracted from all four sides": Bug(
        "a common repair of the last one",
        INSPIRED,
        "src/coursekit/boxes.py",
        "voc_to_xyxy",
        "return as_boxes(boxes) - _VOC_OFFSET",
        "return as_boxes(boxes) - 1",
        "tests/coursekit/test_boxes.py",
    ),
    "picture flipped without its box": Bug(
        "001",
        INSPIRED,
        _LESSON_02,
        "flip",
        "[width - xmax, ymin, width - xmin, ymax]",
        "[xmin, ymin, xmax, ymax]",
        "Boxes that a flip or a crop puts in the wrong place",
    ),
    "test sizes counted from 0": Bug(
        "000",
        IN_SOURCE,
        _RECIPES,
        "in_pixels",
        "row = test.iloc[index]",
        "row = images.iloc[index]",
        _BY,
    ),
    "pixels cut off, not rounded": Bug(
        "000",
        IN_SOURCE,
        _RECIPES,
        "whole_pixels",
        "np.rint(found).astype(int)",
        "found.astype(int)",
        _BY,
    ),
    "last tenth of the files as test": Bug(
        "000",
        IN_SOURCE,
        _RECIPES,
        "split_off_test",
        "np.random.default_rng(seed).permutation(len(table))",
        "np.arange(len(table))",
        _BY,
    ),
    "winner by chance": Bug(
        "000",
        INSPIRED,
        _RECIPES,
        "is_better",
        "low, _ = metrics.interval(metrics.bootstrap(first - second, resamples=400))\n"
        "    return low > 0",
        "return first.mean() > second.mean()",
        _BY,
    ),
    "answers in shuffled order": Bug(
        "001",
        LATENT,
        _RECIPES,
        "predict_all",
        "np.arange(len(pictures))",
        "np.random.default_rng(0).permutation(len(pictures))",
        _BY,
    ),
    "last batch lost": Bug(
        "001",
        LATENT,
        _RECIPES,
        "batches",
        "math.ceil(len(pictures) / size)",
        "len(pictures) // size",
        _BY,
    ),
    "loss with a floor": Bug(
        "002",
        IN_SOURCE,
        _RECIPES,
        "box_loss",
        "return cross_entropy(truth, found) - cross_entropy(truth, truth)",
        "return cross_entropy(truth, found)",
        _BY,
    ),
    "accuracy of four coordinates": Bug(
        "002, 003",
        IN_SOURCE,
        _RECIPES,
        "box_accuracy",
        "overlap = boxes.iou(boxes.xywh_to_xyxy(truth), boxes.xywh_to_xyxy(found))\n"
        "    return float((overlap > 0.5).mean())",
        "return float((truth.argmax(axis=1) == found.argmax(axis=1)).mean())",
        _BY,
    ),
    "first picture of the batch only": Bug(
        "003",
        IN_SOURCE,
        _RECIPES,
        "class_loss",
        "wanted, given = truth, found",
        "wanted, given = truth[0], found[0]",
        _BY,
    ),
    "scored on training pictures": Bug(
        "004",
        INSPIRED,
        _RECIPES,
        "final_score",
        'predictions["split"] == "test"',
        'predictions["split"] == "train"',
        _BY,
    ),
}

# the faults of the sources, by the function that each is in; lesson 05 hunts them
HUNTED = {bug.shown: name for name, bug in BUGS.items() if bug.source.startswith("00")}


def spoil(text: str, bug: Bug) -> str:
    """Return a text with the mistake in it; `ValueError` unless it can be made just once."""
    count = text.count(bug.right)
    if count != 1:
        raise ValueError(f"{bug.file} has {bug.right!r} {count} times, not once.")
    return text.replace(bug.right, bug.wrong)


def _python(bug: Bug, faulty: bool) -> str:
    """Return the Python in the bug's file; of a notebook, only what it defines."""
    path = Path(bug.file)
    if path.suffix == ".ipynb":
        text = lesson_code.definitions(lesson_code.read(path.stem))
    else:
        text = (settings.CHECKOUT / path).read_text(encoding="utf-8")
    return spoil(text, bug) if faulty else text


def code(name: str, faulty: bool = True) -> str:
    """Return the function in which the bug `name` sits, with the mistake or without."""
    bug = BUGS[name]
    text = _python(bug, faulty)
    (node,) = (n for n in ast.parse(text).body if getattr(n, "name", "") == bug.shown)
    return ast.get_source_segment(text, node)


def load(name: str, faulty: bool = True) -> ModuleType:
    """Return a module with the functions of the bug's file, with the mistake or without.

    The module is new. The course's own module stays as it is.
    """
    bug = BUGS[name]
    module = ModuleType(f"{bug.shown} with the bug: {name}" if faulty else bug.shown)
    exec(compile(_python(bug, faulty), bug.file, "exec"), module.__dict__)
    return module
