"""The command ``coursekit``: run the course, fetch data, predict, examine the environment."""

import argparse
import io
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from coursekit import settings
from coursekit.files import place_to_write, write_whole
from coursetools import misspelt
from coursetools.findings import as_typed

BUILT = settings.CHECKOUT / "_build"
GRADING = settings.CHECKOUT / "grading"  # nobody should have to work inside _build
PUBLISH = Path(__file__).parent / "publish"
DESCRIPTION = "A course on finding and naming the one object in a picture."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 when all went well, 1 when not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # Windows writes cp1252, which has no ✗
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    options.typed = [*(sys.argv[1:] if arguments is None else arguments)]
    if rest:
        parser.error(f"unrecognized arguments: {misspelt.quoted(rest, options.typed)}")
    try:
        return options.command(options)
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        print(as_typed(f"coursekit {options.name}: {_in_words(error)}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ncoursekit {options.name}: stopped. {_how_to_go_on(options)}", file=sys.stderr)
        return 130  # as shells do


def _how_to_go_on(options: argparse.Namespace) -> str:
    if not getattr(options, "in_place", False):
        return "Run it again." if options.name == "import" else "Run it again to go on."
    return (
        "What ran so far is in the notebooks, but a second run begins with the first lesson. "
        "`--only 03` runs just that one."
    )


def _in_words(error: Exception) -> str:
    """Return what went wrong, and what to do, where the system says only the first."""
    if isinstance(error, OSError) and error.errno and error.filename:
        return f"{error.filename}: {error.strerror}. Correct the path, or name another place."
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("coursekit", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="name", required=True, metavar="command")

    run = commands.add_parser("run", help="execute the notebooks in order on a data set")
    run.set_defaults(command=_run)
    run.add_argument("--dataset", help="mini, voc2007, voc2012, or a directory in VOC's layout")
    run.add_argument("--classes", help='the names to find in it, such as lynx or "grey heron,lynx"')
    run.add_argument(
        "--zero-based", action="store_true", help="boxes count from 0, as some tools write them"
    )
    run.add_argument("--sizes", choices=settings.SIZES, help="of a picture, if two differ: check")
    run.add_argument("--polygons", choices=settings.POLYGONS, help="without a box: raise, or box")
    run.add_argument("--backbone", choices=settings.BACKBONES, help="the pretrained network")
    run.add_argument(
        "--weights", action="append", help="imagenet, or a weight file; twice for both frameworks"
    )
    run.add_argument("--device", choices=settings.DEVICES, help="where PyTorch computes")
    run.add_argument("--home", help="where downloads and drawn data go")
    run.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="02",
        help="just this notebook; may be repeated",
    )
    where = run.add_mutually_exclusive_group()
    where.add_argument("--out", help="folder, outside the data, for all that a run writes")
    where.add_argument(
        "--in-place", action="store_true", help="store the outputs in the notebooks themselves"
    )
    run.add_argument("--hours", type=float, default=3.0, help="how long one cell may take: 3")
    run.add_argument("--results", metavar="FILE", help="at the end, copy results.json to this file")

    fetch = commands.add_parser("fetch", help="draw or download a data set")
    fetch.set_defaults(command=_fetch)
    fetch.add_argument("dataset", choices=settings.NAMED_DATASETS)

    imported = commands.add_parser("import", help="convert another tool's data set to VOC's layout")
    imported.set_defaults(command=_import)
    imported.add_argument("directory", type=Path, help="what a tool exported")
    imported.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder, outside"
    )
    imported.add_argument(
        "--from",
        dest="kind",
        choices=("voc", "yolo", "coco", "labelme", "cvat"),
        help="by default what the files look like; voc: Roboflow's, labelImg's and CVAT's, too",
    )

    predict = commands.add_parser("predict", help="name and locate what your own pictures show")
    predict.set_defaults(command=_predict)
    predict.add_argument("files", nargs="+", metavar="FILE", help="a picture, or a folder of them")
    predict.add_argument(
        "--out", default="predicted", metavar="DIR", help="folder for annotated copies: predicted"
    )
    predict.add_argument("--model", metavar="FILE", help="by default what lesson 04 trained")

    clean = commands.add_parser("clean", help="delete what was built and drawn")
    clean.set_defaults(command=_clean)

    doctor = commands.add_parser("doctor", help="examine the environment, and say what to do")
    doctor.set_defaults(command=_doctor)

    if not PUBLISH.is_dir():  # the students' edition has no programs for instructors
        return parser
    student = commands.add_parser("student", help="write the edition without solutions, and a zip")
    student.set_defaults(command=_student)
    student.add_argument(
        "--site", action="store_true", help="write what its site is built from: with outputs"
    )

    release = commands.add_parser("release", help="write a course folder for nbgrader")
    release.set_defaults(command=_release)
    return parser


def _run(options: argparse.Namespace) -> int:
    from coursekit import datasets, lessons
    from coursetools import chosen, environment, looking, recording, runner

    chosen.name_misspelt()
    if options.in_place and options.dataset not in (None, "mini"):
        raise ValueError("--in-place stores the outputs of mini. For other data, use --out.")
    if options.in_place:
        os.environ["COURSEKIT_DATASET"] = "mini"
    copies = [Path(options.results).expanduser().resolve()] if options.results else []
    if any(copy.is_dir() for copy in copies):
        raise ValueError(f"--results needs a file to write, and {options.results} is a directory.")
    for copy in copies:
        place_to_write(copy.parent, "Give --results another file.")
    environment.set_by(options)
    out = Path(options.out or environment.place_of_runs())
    out = environment.outside(out, datasets.place(settings.dataset()))
    if not settings.home().is_dir():
        place_to_write(settings.home(), "Name another folder with --home, or COURSEKIT_HOME.")
    notebooks = runner.find_notebooks(options.only)
    names = [path.stem for path in notebooks]
    if settings.dataset() not in settings.NAMED_DATASETS:
        print(looking.report(looking.look()))
    if options.in_place:
        earlier = recording.saved() if options.only else None
        executed = runner.run(notebooks, None, options.hours, options.typed)
        recording.store(settings.CHECKOUT / "book" / "results.json", names, earlier)
    else:
        os.environ["COURSEKIT_ARTIFACTS"] = str(out)
        executed = runner.run(notebooks, runner.copies_in(out), options.hours, options.typed)
        look = f"Look at them: `jupyter lab {shlex.quote(str(out))}`."
        print(as_typed(f"Executed notebooks, predictions and results.json are in {out}.\n{look}"))
    for copy in copies:
        write_whole(copy, lessons.artifacts_file(lessons.RESULTS).read_text(encoding="utf-8"))
    recording.report_open(executed)
    recording.report_claims(names)
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from coursetools import fetching

    print(f"{options.dataset} is in {fetching.fetch(options.dataset)}.")
    return 0


def _import(options: argparse.Namespace) -> int:
    from coursetools import environment, importing

    directory = options.directory.expanduser().resolve()
    out = environment.outside(options.out, directory)
    print(as_typed(importing.lay_out(directory, out, options.kind)))
    return 0


def _predict(options: argparse.Namespace) -> int:
    from coursetools import predicting

    model = Path(options.model) if options.model else None
    return predicting.predict(options.files, Path(options.out), model)


def _student(options: argparse.Namespace) -> int:
    from coursetools.publish import student

    if options.site:
        student.write(BUILT / "student_book", outputs=True)
        return 0
    folder = student.write(BUILT / "student")
    print(f"The student edition is in {folder}, and packed in {student.pack(folder)}.")
    print("To work with it, unzip it outside the course. Commands overwrite _build.")
    return 0


def _release(_options: argparse.Namespace) -> int:
    from coursetools import cleaning, runner
    from coursetools.publish import release

    if (earlier := BUILT / "nbgrader").exists():
        raise FileExistsError(f"Move {earlier}, which an earlier version made, to {GRADING}.")
    parts = [GRADING / part for part in ("source", "release")]
    for part, replaced in zip(parts, ("", "lesson-*/*"), strict=True):  # by nbgrader
        cleaning.refuse_changes(part, replaced)
    try:
        release.release(GRADING, runner.find_notebooks())
    finally:  # what was there was ours, so what an interruption leaves is ours, too
        for part in parts:
            if part.exists():
                cleaning.seal(part, "lesson-*")
    print(f"The course for nbgrader is in {GRADING}. What is handed in and graded there stays:")
    print(
        "`make clean` leaves the folder alone, and a second `make release` writes the lessons only."
    )
    return 0


def _clean(_options: argparse.Namespace) -> int:
    from coursetools import cleaning

    deleted = [path.relative_to(settings.CHECKOUT) for path in cleaning.clean(settings.CHECKOUT)]
    names = [path.as_posix() for path in deleted if path.name != "__pycache__"]
    print(f"Deleted: {', '.join(names)}." if names else "There was nothing to delete.")
    for path, reason in cleaning.stays(settings.CHECKOUT).items():
        print(f"{path} stays: {reason}.")
    return 0


def _doctor(_options: argparse.Namespace) -> int:
    from coursetools import doctor

    return doctor.main()


if __name__ == "__main__":
    sys.exit(main())
