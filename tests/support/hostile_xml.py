"""Annotation files with faults, and what is right for each: its rows, or a refusal.

A file is made from objects that are known, and then spoiled. A fault is harmless, and the rows must
be those of the objects; or it makes the file unreadable, and then it must be refused.
"""

from collections.abc import Callable

import numpy as np

NAMES = ("dog", "NA", "None", "null", "True", "01", "=1+1", "<b>", "a,b", 'say "x"', "a'b", "$x_1$")
NAMES += ("Tür", "狗", "a|b", "{{x}}", "[x](y)", "../x", "C:\\x", "nan", "1e5", "+1", "#N/A", "🐶")
SIDES = ("xmin", "ymin", "xmax", "ymax")
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    for raw, entity in ESCAPES.items():
        text = text.replace(raw, entity)
    return text


class File:
    """One annotation file: its objects, the text of its parts, and whether it can be read."""

    def __init__(self, rng: np.random.Generator, number: int):
        self.rng, self.readable, self.filename = rng, True, f"{number:05d}.jpg"
        self.width, self.height = (int(side) for side in rng.integers(50, 900, 2))
        self.objects = []
        for _ in range(rng.integers(0, 4)):
            x, y = np.sort(rng.integers(1, self.width, 2)), np.sort(rng.integers(1, self.height, 2))
            box = (int(x[0]), int(y[0]), int(x[1]), int(y[1]))
            self.objects.append((str(rng.choice(NAMES)), *box))
        self.parts = [
            [
                f"<name>{escape(name)}</name>",
                *(f"<{s}>{v}</{s}>" for s, v in zip(SIDES, box, strict=True)),
            ]
            for name, *box in self.objects
        ]
        self.before, self.after, self.root = "", "", "annotation"
        self.touched = set()
        self.doubled, self.encode = "", lambda text: text.encode()
        self.size = f"<size><width>{self.width}</width><height>{self.height}</height></size>"

    def content(self) -> bytes:
        objects = "".join(
            f"<object>{name}<bndbox>{''.join(sides)}</bndbox></object>"
            for name, *sides in self.parts
        )
        text = f"<{self.root}><filename>{self.filename}</filename>{self.size}{objects}{self.after}"
        return self.encode(f"{self.before}{text}{self.doubled}</{self.root.split()[0]}>")

    def untouched(self, *attributes: str) -> bool:
        """Return whether no fault has set these attributes yet; from now on, one has."""
        free = not self.touched & {*attributes}
        self.touched |= {*attributes}
        return free

    def part(self) -> list[str] | None:
        return self.parts[self.rng.integers(len(self.parts))] if self.parts else None


def spoil_part(old: str, new: str, readable: bool, name: bool = False) -> Callable:
    """Return a fault that replaces text in a side, or in the name, of one of the objects."""

    def fault(file: File) -> None:
        part = file.part()
        if part is not None:
            place = 0 if name else int(file.rng.integers(1, 5))
            spoiled = part[place].replace(old, new, 1)
            if spoiled != part[place]:
                part[place] = spoiled
                file.readable &= readable

    return fault


def spoil(readable: bool, **attributes: str) -> Callable:
    """Return a fault that sets a part of a file; not where another fault has set it."""

    def fault(file: File) -> None:
        if file.untouched(*attributes):
            for attribute, value in attributes.items():
                setattr(file, attribute, value)
            file.readable &= readable

    return fault


def encoded(encoding: str, readable: bool, declared: str = "") -> Callable:
    """Return a fault that writes the file in another encoding."""

    def fault(file: File) -> None:
        if not file.untouched("before", "encode"):
            return
        file.before = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""

        def encode(text: str) -> bytes:
            try:
                return text.encode(encoding)
            except UnicodeEncodeError:
                return text.encode("ascii", "xmlcharrefreplace")

        file.encode = encode
        only_ascii = encode(file.content().decode(encoding, "replace")).isascii()
        file.readable &= readable or only_ascii

    return fault


def cut(file: File) -> None:
    """End the file anywhere before its end."""
    if not file.untouched("encode", "before"):
        return
    whole = file.content()
    end = int(file.rng.integers(0, len(whole) - 1))
    file.encode = lambda text: whole[:end]
    file.readable = False


DEEP = "<x>" * 300 + "</x>" * 300
ENTITY = '<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;&e;&e;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
HARMLESS = {
    "comment in a side": spoil_part("</", "<!-- 9 --></", True),
    "comment in a number": spoil_part(">", "><!-- 9 -->", True),
    "instruction in a name": spoil_part(">", "><?php echo 1 ?>", True, name=True),
    "white space": spoil_part("</", "\n\t </", True),
    "zeros behind": spoil_part("</", ".000</", True),
    "exponent": spoil_part("</", "e0</", True),
    "spaces around a name": spoil_part("<name>", "<name>\n ", True, name=True),
    "attribute": spoil_part("<name>", "<name lang='x'>", True, name=True),
    "namespace": spoil(True, root='annotation xmlns="urn:x"'),
    "declaration after white space": spoil(True, before="\n <?xml version='1.0'?>\n"),
    "byte order mark": spoil(True, before="\ufeff"),
    "unknown elements": spoil(True, after="<owner><name>dog</name></owner><object_/>"),
    "script": spoil(True, after="<note><![CDATA[<script>alert(1)</script>]]></note>"),
    "UTF-16, declared": encoded("utf-16", True, "UTF-16"),
    "Latin-1, declared": encoded("latin-1", True, "ISO-8859-1"),
}
UNREADABLE = {
    "underscore": spoil_part("</", "_0</", False),
    "letters": spoil_part("</", "px</", False),
    "not a number": spoil_part(">", ">nan ", False),
    "huge": spoil_part("</", "e400</", False),
    "large": spoil_part("</", "000000000</", False),
    "comma": spoil_part("</", ",5</", False),
    "two numbers": spoil_part("</", " 7</", False),
    "child in a side": spoil_part("</", "<i>0</i></", False),
    "child in a name": spoil_part("</", "<i>x</i></", False, name=True),
    "no name": spoil_part("name>", "title>", False, name=True),
    "entity": spoil(False, before=ENTITY),
    "file": spoil(False, before=OUTSIDE),
    "deep": spoil(False, after=DEEP),
    "other root": spoil(False, root="html"),
    "two roots": spoil(False, doubled="</annotation><annotation>"),
    "undefined entity": spoil(False, after="<note>&nope;</note>"),
    "control character": spoil(False, after="<note>\x01</note>"),
    "wide": spoil(False, size="<size><width>1e30</width><height>4</height></size>"),
    "negative infinity": spoil(False, size="<size><width>-inf</width><height>4</height></size>"),
    "leaves": spoil(False, filename="../../etc/passwd"),
    "leaves on Windows": spoil(False, filename="c:\\x.jpg"),
    "long name": spoil(False, filename="x" * 300),
    "two file names": spoil(False, filename="a</filename><filename>b"),
    "cut": cut,
}


def make(number: int, seed: int) -> File:
    """Return file number `number`: with no fault, one, two or three."""
    rng = np.random.default_rng([seed, number])
    file = File(rng, number)
    faults = {**HARMLESS, **UNREADABLE}
    file.faults = rng.choice([*faults], rng.integers(0, 4), replace=False).tolist()
    for name in file.faults:
        faults[name](file)
    return file
