"""`coursekit doctor`: what is wrong with this environment, and what to do about it.

Each check is a function that returns rows. A check needs nothing but Python itself until it runs,
because the doctor must be able to speak where packages are missing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit import settings
from coursetools import chosen
from coursetools.findings import Row, in_venv, install, last_line, show

if TYPE_CHECKING:
    import pandas as pd

GIB = 2**30
MEMORY, DISK = 3 * GIB, 2 * GIB
TIMEOUT = 120  # seconds for a framework to be imported: the first time it is slow
CUDA = ("cuda-", "nvidia-", "triton")  # what torch for the CPU does without
FRAMEWORKS = (("tensorflow",), ("torch", "torchvision"))  # never two in one process
DEVICES = {"cuda": "torch.cuda", "mps": "torch.backends.mps"}  # and every machine has a CPU
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")  # psutil sees the machine around it only


def examine() -> "pd.DataFrame":
    """Return one row per finding: check, found, wanted, ok, what_to_do.

    ``ok`` is None where nothing stops the lessons. ``what_to_do`` is empty where nothing is odd.
    """
    import pandas as pd

    return pd.DataFrame(_rows(), columns=Row._fields).astype({"ok": object})


def main() -> int:
    """Return 1 if a check failed, else 0, after printing the table and what to do."""
    rows = _rows()
    show(rows)
    return int(any(row.ok is False for row in rows))


def check_python() -> Iterator[Row]:
    """Return whether this Python is one that the course was made for."""
    from packaging.specifiers import SpecifierSet

    wanted = metadata("coursekit")["Requires-Python"]
    found = ".".join(map(str, sys.version_info[:3]))
    advice = "Make a new environment: `conda env create -f environment.yml`."
    if in_venv():
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
            yield Row(package.name, found or "missing", str(package.specifier), False, install())
    summary = f"{wanted - differing} of {wanted} as locked"
    yield Row("packages", summary, lock.name, differing == 0, install())


def check_memory() -> Iterator[Row]:
    """Return whether enough memory is free, for the container too if this is in one."""
    import psutil

    available = psutil.virtual_memory().available
    limit = CONTAINER_LIMIT.read_text() if CONTAINER_LIMIT.exists() else "max"
    available = min(available, float(limit.replace("max", "inf")))
    advice = "Close other programs and shut down notebooks, or give the container more memory."
    yield _amount("memory", available, MEMORY, advice)


def check_disk() -> Iterator[Row]:
    """Return whether there is room for downloads and artifacts, and the right to write them."""
    home = settings.home()
    existing = next(place for place in (home, *home.parents) if place.exists())
    advice = f"Make room at {home}, or set COURSEKIT_HOME to a directory on another disk."
    yield _amount("disk", shutil.disk_usage(existing).free, DISK, advice)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = "Set COURSEKIT_HOME to a directory where you may write."
        found = f"{existing}: {error.strerror or error}"
        yield Row("home", found, "a place to write", False, advice)


def check_pictures() -> Iterator[Row]:
    """Return what `coursekit run` would say of a data set of one's own before its first lesson."""
    from coursekit import datasets
    from coursetools import looking

    name = settings.dataset()
    if name in settings.NAMED_DATASETS or datasets.missing_parts(datasets.place(name)):
        return  # another check says what is missing
    try:
        rows = looking.look()
    except ValueError as error:  # a setting without a meaning
        rows = [Row("pictures", "", "", False, str(error))]
    for row in rows:
        if row.check != "classes" or row.ok is None:  # another check says which are missing
            yield row._replace(found=row.found or "would stop the lessons")


def check_frameworks() -> Iterator[Row]:
    """Return whether each framework can be imported, in a process of its own."""
    with ThreadPoolExecutor(len(FRAMEWORKS)) as pool:
        yield from pool.map(_import, FRAMEWORKS)


def check_device() -> Iterator[Row]:
    """Return whether torch finds the device that was asked for, in a process of its own."""
    if (wanted := os.environ.get("COURSEKIT_DEVICE")) not in DEVICES:
        return
    run = _python(f"import torch; print({DEVICES[wanted]}.is_available())")
    there = last_line(run.stdout)
    if there in ("True", "False"):  # else another check says what is wrong with torch
        found = "found" if there == "True" else "not found"
        advice = "Unset COURSEKIT_DEVICE: then the lessons take the best there is."
        yield Row(f"torch on {wanted}", found, "COURSEKIT_DEVICE", there == "True", advice)


CHECKS = (
    check_python,
    check_packages,
    check_memory,
    check_disk,
    chosen.check_names,
    chosen.check_dataset,
    chosen.check_classes,
    chosen.check_settings,
    check_pictures,
    chosen.check_weights,
    check_frameworks,
    check_device,
)


def _rows() -> list[Row]:
    rows = []
    for check in CHECKS:
        try:
            rows += check()
        except Exception as error:  # the other checks still have something to say
            name = check.__name__.removeprefix("check_")
            found = f"{type(error).__name__}: {error}"
            rows.append(Row(name, found, "a check that runs", False, install()))
    return [row._replace(what_to_do="") if row.ok else row for row in rows]


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
    try:
        run = _python(f"import {', '.join(names)}; print({say})")
    except subprocess.TimeoutExpired:
        advice = "Try again: the first import is the slowest. Is the disk or the memory busy?"
        return Row(check, f"no answer in {TIMEOUT} seconds", "importable", False, advice)
    if run.returncode == 0:
        return Row(check, last_line(run.stdout), "importable", True)
    died = f"died of signal {-run.returncode}: " if run.returncode < 0 else ""
    found = died + last_line(run.stderr)
    advice = f"{install()} Do you have a file called {names[0]}.py? Then rename it."
    return Row(check, found, "importable", False, advice)


def _python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT,
        check=False,
    )
