"""The word "thin" stays true, and imports go one way."""

import ast
import re
import sys

from coursekit import settings

import pytest

SRC = settings.CHECKOUT / "src"
IN_ALL, IN_ONE = 2000, 250  # lines of coursekit
MAY_IMPORT = {  # of ours, beside itself
    "minivoc": set(),
    "efficientnet": set(),
    "frameworks": set(),
    "coursekit": {"minivoc", "frameworks"},
    "backbones": {"efficientnet", "coursekit"},
    "detection": {"minivoc", "coursekit"},
    "joints": {"minivoc", "coursekit"},
    "localizer": {"minivoc", "efficientnet", "coursekit", "backbones"},
    "exercises": {"minivoc", "coursekit", "detection"},
    "coursetools": {"minivoc", "efficientnet", "coursekit", "backbones", "localizer", "exercises"},
}
OURS = set(MAY_IMPORT)
MINIVOC_NEEDS = {"numpy", "PIL", "tqdm"}


def modules(package: str) -> dict[str, str]:
    """Return the text of each module of a package, by its path."""
    files = sorted((SRC / package).rglob("*.py"))
    return {file.relative_to(SRC).as_posix(): file.read_text(encoding="utf-8") for file in files}


def imported(text: str) -> set[str]:
    """Return the packages that a module imports, at its head or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def lines(text: str) -> int:
    return len(text.splitlines())


def test_coursekit_is_thin():
    counts = {module: lines(text) for module, text in modules("coursekit").items()}
    assert sum(counts.values()) <= IN_ALL, counts
    assert [module for module, n in counts.items() if n > IN_ONE] == []


def test_every_package_is_named_here():
    assert {file.parent.name for file in SRC.glob("*/*.py")} == OURS


@pytest.mark.parametrize("package", sorted(OURS))
def test_imports_go_one_way(package):
    back = OURS - {package} - MAY_IMPORT[package]
    wrong = {module: imported(text) & back for module, text in modules(package).items()}
    assert {module: names for module, names in wrong.items() if names} == {}


def test_minivoc_needs_little():
    allowed = MINIVOC_NEEDS | {"minivoc"} | sys.stdlib_module_names
    wrong = {module: imported(text) - allowed for module, text in modules("minivoc").items()}
    assert {module: names for module, names in wrong.items() if names} == {}


def test_an_import_inside_a_function_counts():
    text = "import a.b\nfrom . import c\ndef f():\n    from d.e import g\n    import h as i"
    assert imported(text) == {"a", "d", "h"}


def test_pictures_are_opened_in_one_place():
    """Else one that a phone stored on its side is turned in one path, and not in another."""
    lessons = [*settings.CHECKOUT.glob("notebooks/[0-9]*.ipynb"), *SRC.glob("*/*.py")]
    opens = re.compile(r"Image\.open\(|imread\(|decode_image\(|read_image\(")
    found = [f.name for f in lessons if opens.search(f.read_text(encoding="utf-8"))]
    assert found == ["pictures.py"]
