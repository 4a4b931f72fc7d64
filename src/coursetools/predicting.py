"""What the trained localizer says about a reader's own pictures: ``coursekit predict``."""

import json
import shlex
import sys
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

from coursekit import plotting, settings
from coursekit.files import written_whole
from coursekit.pictures import read_picture
from coursetools import environment
from localizer import model, pictures, predicting

import matplotlib.pyplot as plt

WITH_OUT = (
    "A run with --out DIR has it in DIR/models/localizer.safetensors: name that file with --model."
)


def predict(paths: Sequence[str], out: Path, trained: Path | None = None) -> int:
    """Print a line of JSON for each picture, draw it into the folder `out`, return the exit status.

    A path is a picture, or a folder of them. What is not a picture is named on stderr; the others
    are done, and the status is 1 instead of 0. `trained` is the file of the model, by default that
    of lesson 04; errors as in `model.load`.
    """
    file = (trained or model.model_file()).expanduser()
    try:
        localizer, classes = model.load(file)
    except FileNotFoundError as error:
        name = model.model_file().relative_to(settings.artifacts())
        ran = environment.place_of_runs() / name
        has = f"But a run has written one: add `--model {shlex.quote(str(ran))}`."
        raise FileNotFoundError(f"{error} {has if ran.is_file() else WITH_OUT}") from error
    plotting.use_style()
    taken: set[str] = set()
    status = 0
    for path in paths:
        found = pictures.find(path)
        if not found:
            status = _complain(f"{path} is a folder without pictures.")
        for file in found:
            try:
                picture = read_picture(file)
            except (OSError, ValueError) as error:
                status = _complain(error)
                continue
            table = predicting.predict(localizer, classes, [picture])
            target = out / _free_name(file, taken)
            with written_whole(target) as new:
                predicting.draw([picture], table, width=8).savefig(new)
            plt.close()
            (row,) = table.round(4).to_dict("records")
            print(_line({"file": str(file), **row, "annotated": str(target)}), flush=True)
    return status


def _line(found: dict) -> str:
    """Return a line of JSON, with escapes only where the terminal cannot show a letter."""
    text = json.dumps(found, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(found)
    return text


def _complain(reason: object) -> int:
    print(f"coursekit predict: {reason}", file=sys.stderr)
    return 1


def _free_name(file: Path, taken: set[str]) -> str:
    """Return a name for the annotated picture that no other of this run has, and take it."""
    endings = chain([""], map("_{}".format, count(2)))
    names = (file.stem + ending + pictures.ANNOTATED for ending in endings)
    # some disks take A.png and a.png for the same file
    name = next(name for name in names if name.casefold() not in taken)
    taken.add(name.casefold())
    return name
