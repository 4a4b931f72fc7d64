"""Read YAML that somebody may have written by hand."""

from pathlib import Path

import yaml

ADVICE = (
    "Correct it. A text with a colon or a quotation mark in it needs single quotes around all of "
    "it, and YAML takes spaces for indenting, and no tabs."
)


def parse(text: str, file: Path, loader: type = yaml.SafeLoader) -> object:
    """Return what is in a text of YAML; `ValueError` with file and line where it cannot be read."""
    try:
        return yaml.load(text, loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ValueError(f"{file}{line}: is not YAML: {reason}. {ADVICE}") from error
