"""From the options of ``coursekit run`` to the settings of the notebooks that it starts."""

import argparse
import os
from pathlib import Path

from coursekit import settings

# The settings that `run` has a flag for, and which of their values are not paths. None: all.
NOT_PATHS = {
    "dataset": settings.NAMED_DATASETS,
    "classes": None,
    "sizes": None,
    "polygons": None,
    "backbone": None,
    "weights": ("imagenet",),
    "device": None,
    "home": (),
}


def set_by(options: argparse.Namespace) -> None:
    """Set the environment variables of the options that were given."""
    for name, words in NOT_PATHS.items():
        value = getattr(options, name) or os.environ.get(f"COURSEKIT_{name.upper()}")
        if name == "dataset" and value and not options.dataset:
            value = settings.dataset()  # which looks in the checkout, too
        if value is None:
            continue
        if isinstance(value, str):
            value = value.split(os.pathsep) if name == "weights" else [value]
        if words is not None:
            # The notebooks run in another directory, where a relative path means another place.
            value = [v if v in words else str(Path(v).expanduser().resolve()) for v in value]
        os.environ[f"COURSEKIT_{name.upper()}"] = os.pathsep.join(value)
    if options.zero_based:
        os.environ["COURSEKIT_ZERO_BASED"] = "1"


def place_of_runs() -> Path:
    """Return where a run on the data set in use writes, if it is not told where."""
    return settings.home() / "runs" / settings.folder_name()


def outside(out: Path, data: Path) -> Path:
    """Return where `out` is; `ValueError` inside the data, where results would be new data."""
    out = out.expanduser().resolve()
    if out.is_relative_to(data):
        raise ValueError(f"{out} is inside the data, {data}. Give --out a folder outside of it.")
    return out
