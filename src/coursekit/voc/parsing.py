"""One annotation file: its bytes, its XML, and the values in it. What is wrong has a line."""

import re
import stat
from pathlib import Path

from lxml import etree

LARGEST_FILE = 10_000_000  # bytes; a real annotation file has about a thousand
LARGEST_NUMBER = 1_000_000  # pixels
# Python's float takes more: 1_0, nan, and digits of other scripts
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# hardened: no entities, no network, no large files; comments cut no value in two
PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)
FLAGS = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
FLAGS |= {"unspecified": None}  # in words


class AnnotationError(ValueError):
    """An annotation file that cannot be read; says which file, which line, and why."""

    def __init__(self, file: Path, line: int | None, problem: str):
        self.file, self.line, self.problem = readable(file.name), line or 0, problem
        super().__init__(f"{readable(file)}, line {self.line}: {problem}")


def readable(path: str | Path) -> str:
    """Return a path as text that can be printed, whatever bytes its name has."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def parse(file: Path, tag: str = "annotation", largest: int = LARGEST_FILE) -> etree._Element:
    """Return the root of an annotation file, which has this tag and at most so many bytes.

    Parsing is hardened: no document type, so no entities; no network; no large files, and nothing
    packed. Comments and instructions are left out, so they cut no value in two. White space
    before the declaration and a namespace are common, and overlooked.
    """
    content = _content(file, largest)
    try:
        root = etree.fromstring(content.removeprefix(b"\xef\xbb\xbf").lstrip(), PARSER)
    except etree.XMLSyntaxError as error:
        advice = " Save it as UTF-8." if "encoding" in error.msg else ""
        problem = f"is not well-formed XML: {' '.join(error.msg.split())}.{advice}"
        raise AnnotationError(file, error.lineno, problem) from error
    wide = b"\0" in content  # as in UTF-16, where no word is found
    if (wide or b"<!" in content) and root.getroottree().docinfo.doctype:
        raise AnnotationError(file, 1, "declares a document type, and so could define entities")
    if wide or b"xmlns" in content:
        for element in root.iter():
            element.tag = etree.QName(element).localname
    if root.tag != tag:
        raise AnnotationError(file, root.sourceline, f"starts with <{root.tag}>, not <{tag}>")
    return root


def _content(file: Path, largest: int) -> bytes:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait forever
            raise AnnotationError(file, 0, "is not a file, though it is named like one. Remove it")
        with file.open("rb", buffering=0) as stream:
            content = stream.read(largest + 1)
    except OSError as error:
        raise AnnotationError(file, 0, f"cannot be read: {error.strerror}") from error
    if len(content) > largest:
        raise AnnotationError(file, 0, f"is larger than {largest} bytes")
    return content


class Fields(dict):
    """The direct children of an element, by their tags; of those that are there twice, a list.

    What a method asks for must be there once at most. Each raises an `AnnotationError`.
    """

    def __init__(self, file: Path, element: etree._Element, name: str = ""):
        self.file, self.element, self.name = file, element, name
        for child in element:
            other = self.get(child.tag)
            others = other if isinstance(other, list) else [other]
            self[child.tag] = child if other is None else [*others, child]

    def error(self, element: etree._Element, problem: str) -> AnnotationError:
        """Return an error at this element."""
        return AnnotationError(self.file, element.sourceline, problem)

    def child(self, tag: str) -> etree._Element | None:
        """Return the child with this tag, or None."""
        found = self.get(tag)
        if isinstance(found, list):
            words = f"<{self.element.tag}> has {len(found)} <{tag}>. Which one is meant?"
            raise self.error(found[1], words)
        return found

    def text(self, tag: str) -> str:
        """Return the text of a child, its white space in single spaces; "" where there is none."""
        child = self.get(tag)
        if child is None:
            return ""
        if len(child):  # of a list, too
            child = self.child(tag)
            words = f"<{self.name}{tag}> holds <{child[0].tag}>, not only text"
            raise self.error(child, words)
        return " ".join((child.text or "").split())

    def needed(self, tag: str) -> str:
        """Return the text of a child that must be there."""
        value = self.text(tag)
        if not value:
            raise self.error(self.element, f"<{self.element.tag}> has no <{self.name}{tag}>")
        return value

    def number(self, tag: str) -> float:
        """Return the number in a child: a decimal number, not beyond what a picture can have."""
        value = self.text(tag)
        if NUMBER.fullmatch(value) and abs(found := float(value)) <= LARGEST_NUMBER:
            return found
        value = self.needed(tag)
        problem = "larger than any picture" if NUMBER.fullmatch(value) else "not a number"
        raise self.error(self[tag], f"<{self.name}{tag}> is {value[:40]!r}, {problem}")

    def flag(self, tag: str) -> bool | None:
        """Return whether a flag is set; None where it says that this is not known."""
        value = self.text(tag).lower()
        return FLAGS[value] if value in FLAGS else self.number(tag) != 0
