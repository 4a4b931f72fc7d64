"""What a run has recorded: the claims that do not hold, and the results of the course itself."""

import json
from collections.abc import Sequence
from pathlib import Path

from coursekit import lessons, settings
from coursekit.claims import in_words
from coursekit.files import write_whole
from coursetools import executing

MODELS = "models"  # the one part of the results that does not go by lesson


def saved() -> dict[str, int]:
    """Return each model whose predictions are among the artifacts, and when they were written."""
    files = lessons.artifacts_file("predictions").glob("*.csv")
    return {file.stem: file.stat().st_mtime_ns for file in files}


def store(file: Path, names: Sequence[str], earlier: dict[str, int] | None) -> None:
    """Write what these lessons have just recorded into a file of results; the rest of it stays.

    `earlier` is what `saved` returned before they ran, None when they were all: then what others
    left, which are gone, goes too.
    """
    found = lessons.load_results()
    kept = json.loads(file.read_bytes()) if earlier is not None and file.exists() else {}
    models = [name for name, time in saved().items() if (earlier or {}).get(name) != time]
    results = {}
    for part, entries in found.items():
        ran = models if part == MODELS else names
        results[part] = kept.get(part, {}) | {k: v for k, v in entries.items() if k in ran}
    text = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False)  # as `lessons` does
    write_whole(file, text + "\n")


def report_claims(names: Sequence[str]) -> None:
    """Print which claims did not hold on this data set. They are promises about mini only."""
    claims = [claim for name in names for claim in lessons.load_results()["claims"].get(name, [])]
    measured = [claim for claim in claims if claim["holds"] is not None]
    held = sum(claim["holds"] for claim in measured)
    print(f"{held} of {len(measured)} claims hold on {settings.dataset_name()}.")
    for claim in measured:
        if not claim["holds"]:
            words = f"{claim['measured']:.4g} here, {in_words(claim)} on mini"
            print(f"  ✗ {claim['sentence']}: {words}")
    for claim in claims:
        if claim["holds"] is None:
            print(f"  – {claim['sentence']}: nothing to measure here")


def report_open(executed: Sequence[Path]) -> None:
    """Print how many exercises of which lesson are open, and what is wrong with the answers."""
    for path in executed:
        said = executing.open_exercises(path)
        wrong = [sentence for sentence in said if "is not written yet" not in sentence]
        counts = {"not written yet": len(said) - len(wrong), "not right yet": len(wrong)}
        if said:
            words = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
            print(f"Open exercises in {path.stem}: {words}.")
        for sentence in wrong:
            print(f"  ✗ {sentence}")
