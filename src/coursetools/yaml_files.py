"""Read YAML that somebody may have written by hand."""

from pathlib import Path

import yaml

ADVICE = (
    "Correct it. A text with a colon or a quotation mark in it needs single quotes around all of "
    "it. Indent with spaces, not with tabs."
)


def parse(text: str, file: Path, loader: type = yaml.SafeLoader) -> object:
    """Return what is in a text of YAML; `ValueError` with file and line where it cannot be read."""
    try:
        return yaml.load(text, loader)
    except (yaml.YAMLError, ValueError) as error:  # the second for a date that cannot be
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ValueError(f"{file}{line}: is not YAML: {reason}. {ADVICE}") from error
