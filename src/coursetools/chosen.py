"""The doctor's checks of what somebody has chosen: data set, classes, backbone and weights."""

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from coursekit import settings
from coursetools.findings import Row, install, last_line

# what the site and the tests read, besides the settings
OTHERS = ("REPOSITORY", "OWN_DATA", "PROOF", "VOC_SAMPLE")


def check_names() -> Iterator[Row]:
    """Return a row for each variable whose name may be a misspelt setting: nothing reads it."""
    known = re.findall(r"^COURSEKIT_\w+", settings.__doc__, re.MULTILINE)
    known += [f"COURSEKIT_{name}" for name in OTHERS]
    for name in sorted({*os.environ} - {*known}):
        cutoff = 0.6 if name.startswith("COURSEKIT_") else 0.85
        for near in difflib.get_close_matches(name.upper(), known, n=1, cutoff=cutoff):
            advice = f"The nearest setting is {near}."
            yield Row(name, "a name without a meaning", "a setting", None, advice)


def name_misspelt() -> None:
    """Print a line for each variable whose name may be a misspelt setting."""
    for row in check_names():
        print(f"{row.check} has no meaning. {row.what_to_do}")


def check_dataset() -> Iterator[Row]:
    """Return whether the data set in use is there."""
    from coursekit import datasets
    from coursekit.voc import annotation_files

    name = settings.dataset()
    if name == "mini" and not datasets.place(name).exists():
        yield Row("data set", "mini, not drawn yet", "drawn by lesson 02", None)
        return
    try:
        directory = datasets.locate()
    except FileNotFoundError as error:
        yield Row("data set", "missing", name, False, str(error))
        return
    count = len(annotation_files(directory))
    advice = f"{directory / 'Annotations'} holds no .xml file. "
    if name in settings.NAMED_DATASETS:
        advice += f"Move {directory} away, and fetch it again: `coursekit fetch {name}`."
    else:
        advice += (
            "Put one there for each picture. Did a tool write other files? "
            "`coursekit import FOLDER --out NEW` converts them."
        )
    yield Row("data set", f"{count:,} annotations in {directory}", name, count > 0, advice)


def check_classes() -> Iterator[Row]:
    """Return whether the data set in use has objects of the classes that are asked for."""
    from coursekit import datasets
    from coursekit.voc import annotation_files, selecting
    from coursetools import misspelt

    try:
        wanted = settings.classes()
    except ValueError as error:
        yield Row("classes", os.environ["COURSEKIT_CLASSES"], "names", False, str(error))
        return
    directory = datasets.place(settings.dataset())
    names: set[str] = set()
    for file in annotation_files(directory) if directory.exists() else ():
        names |= _named(file)
        if names.issuperset(wanted):
            break
    absent = [name for name in wanted if name not in names] if names else []
    advice = f"Set COURSEKIT_CLASSES for {directory}. {selecting.unknown(absent, names)}"
    advice = advice + misspelt.meant_by(absent, names) if absent else ""
    found = f"without {', '.join(absent)}" if absent else ", ".join(wanted)
    yield Row("classes", found, "COURSEKIT_CLASSES", not absent if names else None, advice)


def _named(file: Path) -> set[str]:
    """Return the names of the objects in a file; none when it cannot be read: lesson 02 says so."""
    from coursekit.voc import AnnotationError, parsing

    try:
        objects = parsing.parse(file).iterfind("object")
        return {parsing.Fields(file, one).text("name") for one in objects} - {""}
    except AnnotationError:
        return set()


def check_settings() -> Iterator[Row]:
    """Return backbone, device and seed as they are set, and whether the course knows them."""
    for read in (settings.backbone, settings.device, settings.seed):
        name = read.__name__
        variable = f"COURSEKIT_{name.upper()}"
        try:
            value = read()
        except ValueError as error:
            yield Row(name, os.environ[variable], "one of the course", False, str(error))
        else:
            yield Row(name, "the best there is" if value is None else str(value), variable, None)


def check_weights() -> Iterator[Row]:
    """Return whether the weights of the backbone in use are there."""
    weights, check = settings.all_weights(), "backbone weights"
    for file in (Path(one).expanduser() for one in weights if one != "imagenet"):
        found = "found" if file.is_file() else "missing"
        advice = f"There is no file {file}. Correct COURSEKIT_WEIGHTS, or unset it for ImageNet's."
        yield Row(check, found, str(file), file.is_file(), advice)
    if weights == ["imagenet"]:
        backbone = os.environ.get("COURSEKIT_BACKBONE", settings.BACKBONES[0])
        if backbone == settings.BACKBONES[0]:
            yield _installed_weights(check)
        elif backbone in settings.BACKBONES:
            yield Row(check, backbone, "downloaded when first used", None)


def _installed_weights(check: str) -> Row:
    """Return whether the weights that came with the installation can be read.

    The first time, this converts them, in another process: later the lessons find the result.
    """
    from efficientnet import converting

    from safetensors import SafetensorError, safe_open

    wanted = "come with the course"
    try:
        file = converting.weights_file(settings.home() / "weights")
        with safe_open(file, "numpy") as tensors:
            found = f"{len(tensors.keys())} arrays in {file.name}"
    except SafetensorError:
        return Row(check, "damaged", wanted, False, f"Delete {file}. It will be made again.")
    except (ImportError, OSError) as error:
        advice = f"{install()} If that does not help, start with a new environment."
        return Row(check, last_line(str(error)), wanted, False, advice)
    return Row(check, found, wanted, True)
