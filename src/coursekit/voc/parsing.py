"""One annotation file: its bytes, its XML, and the values in it. What is wrong has a line."""

import math
import re
import stat
from pathlib import Path

from lxml import etree

LARGEST_FILE = 10_000_000  # bytes; a real annotation file has about a thousand
LARGEST_NUMBER = 1_000_000  # pixels
# Python's float takes more: 1_0, nan, and digits of other scripts
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
YES, NO, UNCLEAR = ("true", "yes"), ("false", "no"), "unspecified"


class AnnotationError(ValueError):
    """An annotation file that cannot be read; says which file, which line, and why."""

    def __init__(self, file: Path, line: int | None, problem: str):
        self.file, self.line, self.problem = readable(file.name), line or 0, problem
        super().__init__(f"{readable(file)}, line {self.line}: {problem}")


def readable(path: str | Path) -> str:
    """Return a path as text that can be printed, whatever bytes its name has."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def parse(file: Path) -> etree._Element:
    """Return the root of an annotation file.

    Parsing is hardened: no document type, so no entities; no network; no large files, and nothing
    packed. Comments and instructions are left out, so they cut no value in two. White space
    before the declaration and a namespace are common, and overlooked.
    """
    content = _content(file)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content.removeprefix(b"\xef\xbb\xbf").lstrip(), parser)
    except etree.XMLSyntaxError as error:
        advice = " Save it as UTF-8." if "encoding" in error.msg else ""
        problem = f"is not well-formed XML: {' '.join(error.msg.split())}.{advice}"
        raise AnnotationError(file, error.lineno, problem) from error
    if root.getroottree().docinfo.doctype:
        raise AnnotationError(file, 1, "declares a document type, and so could define entities")
    if b"xmlns" in content.replace(b"\0", b""):  # of UTF-16, every other byte
        for element in root.iter():
            element.tag = etree.QName(element).localname
    if root.tag != "annotation":
        raise AnnotationError(file, root.sourceline, f"starts with <{root.tag}>, not <annotation>")
    return root


def _content(file: Path) -> bytes:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for ever
            raise AnnotationError(file, 0, "is no file, though its name ends as one. Remove it")
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise AnnotationError(file, 0, f"cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise AnnotationError(file, 0, f"is larger than {LARGEST_FILE} bytes")
    return content


def child(file: Path, parent: etree._Element, path: str) -> etree._Element | None:
    """Return the one element at `path`, of direct children only, or None; refuse a second one."""
    for tag in path.split("/"):
        first, *more = parent.findall(tag) or [None]
        if more:
            problem = f"<{parent.tag}> has {1 + len(more)} <{tag}>. Which one is meant?"
            raise AnnotationError(file, more[0].sourceline, problem)
        if first is None:
            return None
        parent = first
    return parent


def text(file: Path, parent: etree._Element, path: str) -> str:
    """Return the text at `path`, its white space in single spaces; "" where there is none."""
    element = child(file, parent, path)
    if element is None:
        return ""
    if len(element):
        problem = f"<{path}> holds <{element[0].tag}>, not only text"
        raise AnnotationError(file, element.sourceline, problem)
    return " ".join((element.text or "").split())


def needed(file: Path, parent: etree._Element, path: str) -> str:
    """Return the text at `path`, or raise that it is missing."""
    value = text(file, parent, path)
    if not value:
        raise AnnotationError(file, parent.sourceline, f"<{parent.tag}> has no <{path}>")
    return value


def number(file: Path, parent: etree._Element, path: str) -> float:
    """Return the number at `path`: a decimal number, not beyond what a picture can have."""
    value = needed(file, parent, path)
    found = float(value) if NUMBER.fullmatch(value) else math.nan
    if not abs(found) <= LARGEST_NUMBER:
        problem = "not a number" if math.isnan(found) else "larger than any picture"
        line = child(file, parent, path).sourceline
        raise AnnotationError(file, line, f"<{path}> is {value[:40]!r}, {problem}")
    return found


def flag(file: Path, parent: etree._Element, path: str) -> bool | None:
    """Return whether the flag at `path` is set; None where it says that this is not known."""
    value = text(file, parent, path).lower()
    if value == UNCLEAR:
        return None
    if value in YES or not value or value in NO:
        return value in YES
    return number(file, parent, path) != 0
