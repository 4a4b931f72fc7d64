"""Take figures out of the lessons, for the page of results.

Each is the picture that the notebook holds, byte for byte, and keeps its text alternative.
"""

import base64
import json
from pathlib import Path

from coursekit import settings
from coursekit.files import written_whole

PICTURES = settings.CHECKOUT / "book" / "_static" / "gallery"

# Name of the picture's file: lesson, id of the cell, and what the reader sees.
FIGURES = {
    "forest_heads": (
        "03",
        "test-figure",
        "The heads that read a frozen backbone, on test pictures of both kinds. The dot is the "
        "mean over the seeds, the line its interval, and each small circle is a seed.",
    ),
    "pointing": (
        "03",
        "shares-figure",
        "How the pointing head finds a side: each column and each row gets a share. Hatched bars "
        "point at the left and the upper side, plain ones at the right and the lower.",
    ),
    "forest_models": (
        "05",
        "51f33aa513",
        "Models of both frameworks in all three scores. These intervals count the test pictures "
        "as well as the seeds.",
    ),
    "pairs": (
        "05",
        "9d7be40420",
        "Which model is better than which? Each number is the row's mean minus the column's. A "
        "question mark says that chance alone could produce such a difference.",
    ),
    "precision_recall": (
        "05",
        "cell-120",
        "Precision against recall of the fine-tuned network, for each class: on pictures with one "
        "object, and on pictures with several.",
    ),
    "detectors": (
        "08",
        "curves",
        "Precision against recall of detectors, on pictures with none to five animals.",
    ),
    "detector_pictures": (
        "08",
        "shares-figure",
        "How many training pictures two kinds of detectors need. Bands are 95 % intervals over "
        "the seeds.",
    ),
}


def figure(lesson: str, cell_id: str) -> tuple[bytes, str]:
    """Return the picture that a cell of a lesson has shown, as PNG, and its text alternative."""
    (file,) = (settings.CHECKOUT / "notebooks").glob(f"{lesson}_*.ipynb")
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    found = [cell for cell in cells if cell["id"] == cell_id]
    outputs = found[0]["outputs"] if found else []
    pictures = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    if len(pictures) != 1:
        raise ValueError(
            f"{file.name} has {len(pictures)} pictures under the cell {cell_id!r}, and the gallery "
            "needs one. Correct FIGURES in coursetools.publish.gallery."
        )
    return base64.b64decode(pictures[0]), found[0]["metadata"]["mystnb"]["image"]["alt"]


def write(folder: Path = PICTURES) -> None:
    """Write the pictures, and remove those that the gallery no longer has."""
    folder.mkdir(exist_ok=True)
    for name, (lesson, cell_id, _caption) in FIGURES.items():
        with written_whole(folder / f"{name}.png") as new:
            new.write_bytes(figure(lesson, cell_id)[0])
    for old in {*folder.glob("*.png")} - {folder / f"{name}.png" for name in FIGURES}:
        old.unlink()
