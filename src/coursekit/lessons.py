"""What a notebook hands to the next one: the table of images, predictions, results and claims.

Everything is under ``artifacts/<data set>/``: the table of images in ``images.csv``, one CSV for
each model in ``predictions/``, and one ``results.json`` with five parts:

- ``models``: for each model and split what `coursekit.metrics.scores` returns;
- ``claims``: for each lesson the sentences it promised, with bound, number and whether they held;
- ``reports``: for each lesson the numbers that vary too much to promise;
- ``provenance``: for each lesson the data set, backbone, weights, seed and versions it ran with,
  and the state of the ``data``;
- ``seconds``: for each lesson how long the whole notebook took, if `coursekit run` ran it.
"""

import json
import platform
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from coursekit import datasets, metrics, settings
from coursekit.boxes import SIDES
from coursekit.files import place_to_write, write_whole
from coursekit.voc.reading import COLUMNS, DTYPES

import pandas as pd
from filelock import FileLock

IMAGE_COLUMNS = [*COLUMNS, "label", "split"]
FOUND = ["pred_name", "confidence", *metrics.PREDICTED]
DETECTION_COLUMNS = ["image_id", *FOUND]
PREDICTION_COLUMNS = ["image_id", "split", "width", "height", "name", *SIDES, *FOUND]
TEXTS = dict.fromkeys(["image_id", "split", "name", "pred_name"], str)  # may look like numbers
RESULTS = "results.json"
TABLE, OF_IMAGES = "images.csv", "02_voc_annotations"  # and the lesson that writes it
RUN = "Run notebooks/{}.ipynb first, and then try again."
SEED = settings.seed()  # of every lesson
PACKAGES = ("coursekit", "numpy", "pandas", "pillow", "tensorflow", "keras", "torch", "torchvision")

_lesson: str | None = None  # the notebook that runs in this process


def artifacts_file(name: str, lesson: str | None = None) -> Path:
    """Return where a file of this name is among the artifacts of the data set in use.

    Where a lesson is named, which should have written it: `FileNotFoundError` when it is not there,
    `ValueError` when the lesson worked with other data than those of now.
    """
    path = settings.artifacts() / name
    if lesson and not path.exists():
        missing = f"{settings.dataset_name()} has no {name} yet."
        raise FileNotFoundError(f"{missing} {RUN.format(lesson)}")
    made = load_results()["provenance"].get(lesson, {}).get("data") if lesson else None
    now = datasets.state() if made else {}
    if changed := [key for key, value in now.items() if made.get(key) != value]:
        classes = ", ".join(made["classes"])
        words = f"made for the classes {classes}. Changed since then: {', '.join(changed)}."
        raise ValueError(f"{path} was {words} {RUN.format(lesson)}")
    return path


def _note_data() -> None:
    """Note for the lesson that runs of which data its table of images is made."""
    if _lesson:
        with changing_results() as results:
            results["provenance"].setdefault(_lesson, {})["data"] = datasets.state()


def load_results() -> dict:
    """Return what has been recorded so far; empty parts when nothing has.

    A file that cannot be read, or holds something else, is moved aside, and a sentence says so.
    """
    file, parts = artifacts_file(RESULTS), ("models", "claims", "reports", "provenance", "seconds")
    try:
        found = json.loads(file.read_bytes()) if file.exists() else {}
    except ValueError:
        found = None
    if isinstance(found, dict) and all(isinstance(found.get(part, {}), dict) for part in parts):
        return {part: {} for part in parts} | found
    aside = file.with_name("results.damaged.json")
    file.replace(aside)
    print(f"{file} is damaged. It is called {aside.name} now, and a new one begins.")
    return load_results()


@contextmanager
def changing_results() -> Iterator[dict]:
    """Yield what has been recorded so far, and write it back, as changed, when the block ends."""
    file = artifacts_file(RESULTS)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(".results.lock")):  # another lesson may run beside this one
        results = load_results()
        yield results
        text = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False)
        write_whole(file, text + "\n")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def begin(lesson: str) -> None:
    """Start a lesson: forget the claims of its last run, note its provenance, print the data set.

    Call it in the first code cell of a notebook, with the notebook's name without ``.ipynb``.
    `OSError` when nothing can be written where the artifacts go.
    """
    global _lesson
    _lesson = lesson
    name = settings.dataset_name()
    weights = [Path(file).name for file in settings.all_weights()]
    origin = {"dataset": name, "backbone": settings.backbone(), "weights": weights, "seed": SEED}
    place_to_write(settings.artifacts(), "Set COURSEKIT_HOME to another directory.")
    with changing_results() as results:
        results["claims"][lesson] = []
        results["reports"][lesson] = []
        origin["data"] = results["provenance"].get(lesson, {}).get("data")  # its files are there
        results["provenance"][lesson] = origin | {"versions": _versions()}
    aside = "" if name == "mini" else ". The text describes mini: read your own numbers."
    print(f"Lesson {lesson}, data set {name}{aside}")
    if len(settings.classes()) == 1:
        mistakes = "You are using a softmax over axis|In loss categorical_crossentropy"
        warnings.filterwarnings("ignore", message=mistakes)  # to Keras, it looks like one
        print("It has one class, so every name is right: read only what is said about boxes.")


def record_sentence(part: str, sentence: str, measured: float | None, **more: float | None) -> str:
    """Return the lesson that runs, after adding a sentence to its ``claims`` or ``reports``."""
    if _lesson is None:
        raise RuntimeError(
            "No lesson has begun in this process. Call lessons.begin(...) in the notebook's "
            "first code cell, with the notebook's name, before the first claim."
        )
    with changing_results() as results:
        others = [old for old in results[part].get(_lesson, []) if old["sentence"] != sentence]
        results[part][_lesson] = [*others, {"sentence": sentence, "measured": measured, **more}]
    return _lesson


def save_images(table: pd.DataFrame) -> Path:
    """Return ``images.csv``, which now holds the table of images of the data set in use.

    Boxes stay as they are in the table: xyxy in pixels, zero-based and half-open. `ValueError`
    when a column, or a value in it, is missing.
    """
    path = _write_table(TABLE, _complete("table of images", table, IMAGE_COLUMNS))
    _note_data()
    return path


def load_images() -> pd.DataFrame:
    """Return the table of images that lesson 02 wrote for the data set in use.

    `FileNotFoundError` when there is none yet; `ValueError` when it was made for other classes or
    annotations, or a column is missing, because the file is from an earlier version of the course.
    All name the notebook to run first.
    """
    dtypes = DTYPES | {"label": int, "split": str}
    table = _read_table(TABLE, OF_IMAGES, dtypes, IMAGE_COLUMNS)
    _note_data()
    return table


def preferred(table: pd.DataFrame, *wishes: str) -> pd.DataFrame:
    """Return a table's rows, those first that fulfill most wishes; each is as in `query`.

    So a lesson finds its example, or the nearest thing to it, on any data.
    """
    granted = sum(table.eval(wish).astype(int) for wish in wishes)
    return table.loc[granted.sort_values(ascending=False, kind="stable").index]


def measured(name: str) -> pd.DataFrame:
    """Return a table of measurements that came with the course, from ``book/results``."""
    return pd.read_csv(settings.CHECKOUT / "book" / "results" / f"{name}.csv", comment="#")


def save_predictions(model: str, table: pd.DataFrame) -> Path:
    """Return the CSV file that now holds a model's predictions, and record its results.

    The table has one row per image, with the columns ``image_id, split, width, height, name`` and
    ``xmin … ymax`` (ground truth), ``pred_name, confidence, pred_xmin … pred_ymax``; columns
    ``logit_<class>`` may follow. Boxes are xyxy in pixels of the original image. `ValueError`
    when a column or a number is missing, or a box is inverted.
    """
    logits = [column for column in table if column.startswith("logit_")]
    table = _complete(f"table of predictions of {model}", table, [*PREDICTION_COLUMNS, *logits])
    summaries = {split: metrics.scores(part) for split, part in table.groupby("split")}
    path = _write_table(f"predictions/{model}.csv", table)
    with changing_results() as results:
        results["models"][model] = summaries
    return path


def save_detections(model: str, table: pd.DataFrame) -> Path:
    """Return the CSV file that now holds a model's detections, in any number for each image.

    The table has one row per predicted box, with the columns ``image_id, pred_name, confidence``
    and ``pred_xmin … pred_ymax``, xyxy in pixels of the original image. `ValueError` when a
    column or a number is missing.
    """
    table = _complete(f"table of detections of {model}", table, DETECTION_COLUMNS)
    return _write_table(f"detections/{model}.csv", table)


def load_predictions(model: str, lesson: str) -> pd.DataFrame:
    """Return a model's predictions, as `lesson` wrote them.

    `FileNotFoundError` when there are none yet; the message names the notebook to run first.
    """
    return _read_table(f"predictions/{model}.csv", lesson, TEXTS)


def load_detections(model: str, lesson: str) -> pd.DataFrame:
    """Return a model's detections, as `lesson` wrote them; errors as in `load_predictions`."""
    return _read_table(f"detections/{model}.csv", lesson, TEXTS)


def _complete(name: str, table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return these columns of a table; `ValueError` when one, or a value in it, is missing."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"The {name} has no {', '.join(missing)}. Run the cells before this one.")
    table = table[columns]
    holes = table.columns[table.isna().any()].tolist()
    if holes:
        raise ValueError(f"The {name} has empty cells in {', '.join(holes)}.")
    return table


def _write_table(name: str, table: pd.DataFrame) -> Path:
    return write_whole(artifacts_file(name), table.to_csv(index=False, lineterminator="\n"))


def _read_table(name: str, lesson: str, dtypes: dict, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return a table as `lesson` wrote it; `columns` are those that it must have."""
    path, run = artifacts_file(name, lesson), RUN.format(lesson)
    if not path.read_bytes().endswith(b"\n"):
        raise ValueError(f"{path} is not whole: its last line is cut off. {run}")
    # Otherwise pandas takes 000010 for a number, and NA for nothing.
    table = pd.read_csv(path, dtype=dtypes, keep_default_na=False)
    if missing := [column for column in columns if column not in table]:
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}. {run}")
    return table
