"""The tables that a benchmark measured with a lesson's code, and the digest of that code."""

import csv
import subprocess
import sys

from coursekit import settings


def rows_of(file):
    """Return the comment line of a table, which ends with a digest, and its rows."""
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    return header, list(csv.DictReader(lines))


def digest_of(code):
    """Return what a line of Python prints among the benchmarks: the digest of today's code."""
    where = {"cwd": settings.CHECKOUT / "benchmarks", "capture_output": True, "text": True}
    return subprocess.run([sys.executable, "-c", code], **where).stdout.strip()
