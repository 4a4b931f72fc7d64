"""`coursekit doctor`: what is wrong with this environment, and what to do about it.

Each check is a function that returns rows. A check needs nothing but Python itself until it runs,
because the doctor must be able to speak where packages are missing.
"""

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, metadata, version
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from coursekit import settings

if TYPE_CHECKING:
    import pandas as pd

GIB = 2**30
MEMORY, DISK = 3 * GIB, 2 * GIB
TINY = Path(__file__).parents[1] / "tiny" / "tiny.safetensors"
TIMEOUT = 120  # seconds for a framework to be imported: the first time it is slow
INSTALL = "Run `make setup` (or `pip install -r requirements.txt`)."
CUDA = ("cuda-", "nvidia-", "triton")  # what torch for the CPU does without
FRAMEWORKS = (("tensorflow",), ("torch", "torchvision"))  # never two in one process
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")  # psutil sees the machine around it only
KERAS_FILES = {  # how weight files begin in the cache of Keras
    "mobilenet_v2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_",
    "resnet50": "resnet50_weights_",
    "vgg16": "vgg16_weights_",
}


class Row(NamedTuple):
    """One finding. `ok` is None where there is nothing to judge."""

    check: str
    found: str
    wanted: str
    ok: bool | None
    what_to_do: str = ""


def examine() -> "pd.DataFrame":
    """Return one row per finding: check, found, wanted, ok, what_to_do.

    ``ok`` is None for mere information. ``what_to_do`` is empty unless ``ok`` is False.
    """
    import pandas as pd

    return pd.DataFrame(_rows(), columns=Row._fields).astype({"ok": object})


def main() -> int:
    """Return 1 if a check failed, else 0, after printing the table and what to do."""
    rows = _rows()
    marks = {True: "ok", False: "FAILED", None: "-"}
    columns = [(row.check, row.found, row.wanted, marks[row.ok]) for row in rows]
    failed = [row for row in rows if row.ok is False]
    print(*_table([("check", "found", "wanted", "state"), *columns]), sep="\n", end="\n\n")
    if not failed:
        print("All is well.")
    for advice in dict.fromkeys(row.what_to_do for row in failed):
        names = [row.check for row in failed if row.what_to_do == advice]
        few = names if len(names) < 6 else [*names[:4], f"{len(names) - 4} more"]
        text = f"{', '.join(few)}: {advice}"
        print(textwrap.fill(text, 100, subsequent_indent="    ", break_on_hyphens=False))
    return 1 if failed else 0


def check_python() -> Iterator[Row]:
    """Return whether this Python is one that the course was made for."""
    from packaging.specifiers import SpecifierSet

    wanted = metadata("coursekit")["Requires-Python"]
    found = ".".join(map(str, sys.version_info[:3]))
    advice = f"Install a Python {wanted}, delete .venv, and run `make setup PYTHON=...`."
    fits = SpecifierSet(wanted).contains(found)
    yield Row("Python", f"{found} at {sys.executable}", wanted, fits, advice)


def check_packages() -> Iterator[Row]:
    """Return a row for each package that is not as locked, and one that counts them."""
    from packaging.requirements import Requirement

    lock = settings.CHECKOUT / "requirements.txt"
    if not lock.exists():
        yield Row("packages", "no lock to compare with", "a checkout of the course", None)
        return
    cpu_only = "+cpu" in (_version("torch") or "")
    differing = wanted = 0
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith(("#", "-")):
            continue
        package = Requirement(line)
        found = _version(package.name)
        elsewhere = package.marker and not package.marker.evaluate()
        if elsewhere or (cpu_only and found is None and package.name.startswith(CUDA)):
            continue
        wanted += 1
        # 2.15.0+cpu is as good as 2.15.0: a specifier without a local part ignores it
        if found is None or not package.specifier.contains(found, prereleases=True):
            differing += 1
            yield Row(package.name, found or "missing", str(package.specifier), False, INSTALL)
    summary = f"{wanted - differing} of {wanted} as locked"
    yield Row("packages", summary, lock.name, differing == 0, INSTALL)


def check_memory() -> Iterator[Row]:
    """Return whether enough memory is free, for the container too if this is in one."""
    import psutil

    available = psutil.virtual_memory().available
    limit = CONTAINER_LIMIT.read_text() if CONTAINER_LIMIT.exists() else "max"
    available = min(available, float(limit.replace("max", "inf")))
    advice = "Close other programs and shut down notebooks, or give the container more memory."
    yield _amount("memory", available, MEMORY, advice)


def check_disk() -> Iterator[Row]:
    """Return whether there is room for downloads and artifacts."""
    home = settings.home()
    existing = next(place for place in (home, *home.parents) if place.exists())
    advice = f"Make room at {home}, or set COURSEKIT_HOME to a directory on another disk."
    yield _amount("disk", shutil.disk_usage(existing).free, DISK, advice)


def check_dataset() -> Iterator[Row]:
    """Return whether the data set in use is there."""
    from coursekit import datasets

    name = settings.dataset()
    if name == "mini" and not datasets.place(name).exists():
        yield Row("data set", "mini, not drawn yet", "drawn by lesson 02", None)
        return
    try:
        directory = datasets.locate()
    except FileNotFoundError as error:
        yield Row("data set", "missing", name, False, str(error))
        return
    count = sum(1 for _ in (directory / "Annotations").glob("*.xml"))
    advice = f"{directory} is empty. Move it away and fetch it again, or choose another data set."
    yield Row("data set", f"{count:,} annotations in {directory}", name, count > 0, advice)


def check_weights() -> Iterator[Row]:
    """Return whether the weights of the backbone in use are there."""
    weights, check = settings.all_weights(), "backbone weights"
    try:
        backbone = settings.backbone()
    except ValueError as error:
        yield Row(check, "no such backbone", "one of the course", False, str(error))
        return
    for file in (Path(one).expanduser() for one in weights if one != "imagenet"):
        found = "found" if file.is_file() else "missing"
        advice = f"There is no file {file}. Correct COURSEKIT_WEIGHTS, or unset it for ImageNet's."
        yield Row(check, found, str(file), file.is_file(), advice)
    published = weights == ["imagenet"]
    if published and backbone == "tiny":
        yield Row(check, "tiny", "comes with the course", TINY.is_file(), f"Get {TINY} again.")
    elif published:
        cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        files = sorted(file.name for file in cache.glob(f"{KERAS_FILES[backbone]}*"))
        found = ", ".join(files) or f"{backbone} not yet in {cache}"
        yield Row(check, found, "downloaded when first used", None)


def check_frameworks() -> Iterator[Row]:
    """Return whether each framework can be imported, in a process of its own."""
    with ThreadPoolExecutor(len(FRAMEWORKS)) as pool:
        yield from pool.map(_import, FRAMEWORKS)


CHECKS = (
    check_python,
    check_packages,
    check_memory,
    check_disk,
    check_dataset,
    check_weights,
    check_frameworks,
)


def _rows() -> list[Row]:
    rows = []
    for check in CHECKS:
        try:
            rows += check()
        except Exception as error:  # the other checks still have something to say
            name = check.__name__.removeprefix("check_")
            found = f"{type(error).__name__}: {error}"
            rows.append(Row(name, found, "a check that runs", False, INSTALL))
    return [row if row.ok is False else row._replace(what_to_do="") for row in rows]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _amount(check: str, found: int, wanted: int, advice: str) -> Row:
    sizes = (f"{found / GIB:.1f} GiB free", f"{wanted / GIB:.0f} GiB")
    return Row(check, *sizes, found >= wanted, advice)


def _import(names: tuple[str, ...]) -> Row:
    """Return the row of one framework, from a process that imports it and says its version."""
    check = " and ".join(names)
    say = ", ".join(f"'{name}', {name}.__version__" for name in names)
    command = [sys.executable, "-c", f"import {', '.join(names)}; print({say})"]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        advice = "Try again: the first import is the slowest. Is the disk or the memory busy?"
        return Row(check, f"no answer in {TIMEOUT} seconds", "importable", False, advice)
    if run.returncode == 0:
        return Row(check, _last_line(run.stdout), "importable", True)
    died = f"died of signal {-run.returncode}: " if run.returncode < 0 else ""
    found = died + _last_line(run.stderr)
    advice = f"{INSTALL} Is {names[0]}.py the name of a file of yours? Then rename it."
    return Row(check, found, "importable", False, advice)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no message"


def _table(rows: list[tuple[str, ...]], widths: tuple[int, ...] = (22, 40, 26, 6)) -> list[str]:
    """Return the lines of a table of at most 100 characters' width; long cells are wrapped."""
    lines = []
    for row in rows:
        cells = [textwrap.wrap(*cell) for cell in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = [part.ljust(width) for part, width in zip(parts, widths, strict=True)]
            lines.append("  ".join(padded).rstrip())
    return lines
