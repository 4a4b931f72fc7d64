"""Which lessons run again after a change: those that read what a changed one leaves."""

import ast
import json

from coursekit import settings
from coursetools import keeping

import nbformat
import pytest

NOTEBOOKS = sorted((settings.CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
READS = {"03": "02", "04": "02 03", "05": "01 02 03 04", "06": "02 03", "08": "04"}
LOADS = ("load_predictions", "load_detections", "artifacts_file")  # their second argument: a lesson


def load(path):
    return nbformat.read(path, as_version=4)


def code(path):
    return [cell.source for cell in load(path).cells if cell.cell_type == "code"]


def loaded(path):
    """Return the lessons that the code names where it loads a file; stars stand for a table."""
    known = {}
    for tree in map(ast.parse, code(path)):
        for node in tree.body:
            if isinstance(node, ast.Assign):
                names = [
                    part.id for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)
                ]
                texts = [one for one in ast.walk(node.value) if isinstance(one, ast.Constant)]
                known |= {name: [text.value for text in texts] for name in names}
        for call in ast.walk(tree):
            name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
            if name == "lessons.load_images":
                yield keeping.lessons.OF_IMAGES
            elif name.removeprefix("lessons.") in LOADS:
                starred = [one for one in call.args if isinstance(one, ast.Starred)]
                for part in ast.walk(starred[0] if starred else ast.Module(call.args[1:], [])):
                    if isinstance(part, ast.Constant):
                        yield part.value
                    elif isinstance(part, ast.Name):
                        yield from known.get(part.id, [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_lesson_reads_is_found_in_its_code(path):
    found = keeping.reads(load(path), path.stem)
    assert [name[:2] for name in found] == READS.get(path.stem[:2], "").split()
    stems = {one.stem for one in NOTEBOOKS}
    assert {*found} <= stems
    assert {*loaded(path)} & stems <= {*found}


def test_files_that_one_lesson_writes_are_read_by_those_that_name_it():
    """By the names of the files, whatever the code says about lessons."""
    texts = {path.stem[:2]: "\n".join(code(path)) for path in NOTEBOOKS}
    starts = {"01": '"rectangles_', "03": '"keras_', "04": '"torch_'}
    starts |= {"02": "load_images(", "03 ": "heads/"}
    for writer, start in starts.items():
        readers = {name for name, text in texts.items() if start in text} - {writer[:2]}
        for reader in readers - {"02"}:
            assert writer[:2] in READS[reader], (reader, start)


def test_another_setting_code_or_file_of_data_is_another_input(monkeypatch, tmp_path):
    for name in ("DATASET", "CLASSES", "SIZES", "POLYGONS", "FIGURES", "WEIGHTS"):
        monkeypatch.setenv(f"COURSEKIT_{name}", "")
        monkeypatch.delenv(f"COURSEKIT_{name}")
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path)
    seen = [keeping.inputs()]

    def differs() -> bool:
        seen.append(keeping.inputs())
        return seen[-1] not in seen[:-1]

    for name, value in (("SIZES", "picture"), ("POLYGONS", "box"), ("CLASSES", "dog")):
        monkeypatch.setenv(f"COURSEKIT_{name}", value)
        assert differs()
    for folder in ("src/coursekit", "src/coursetools", "notebooks/scripts", "figures"):
        (tmp_path / folder).mkdir(parents=True)
    for place in ("src/coursekit/boxes.py", "notebooks/scripts/train.py"):
        (tmp_path / place).write_text("x = 1")
        assert differs()
    (tmp_path / "src/coursetools/cli.py").write_text("no lesson uses it")
    assert not differs()
    monkeypatch.setenv("COURSEKIT_FIGURES", str(tmp_path / "figures"))
    assert differs()
    (tmp_path / "figures" / "joints.mat").write_bytes(b"one")
    assert differs()
    for name in (".DS_Store", "Thumbs.db"):  # as Finder and Explorer write them when you look
        (tmp_path / "figures" / name).write_bytes(b"x")
    assert not differs()
    monkeypatch.setenv("COURSEKIT_WEIGHTS", str(tmp_path / "mine.h5"))
    assert differs()
    (tmp_path / "mine.h5").write_bytes(b"two")
    assert differs() and json.dumps(seen)
