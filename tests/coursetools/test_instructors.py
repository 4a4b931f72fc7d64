"""What the page for instructors promises, how long lessons run, and the worked example."""

import json
import re
from pathlib import Path

from coursekit import settings, voc
from coursetools import cleaning, cli
from coursetools.publish import student, times

import pytest
import yaml

from exercising import NOTEBOOKS
from hygiene import prose

ROOT = settings.CHECKOUT
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")


def test_how_long_lessons_run_is_said_once():
    """The table comes from what was measured; every other text leads there."""
    seconds = json.loads(times.RESULTS.read_text(encoding="utf-8"))["seconds"]
    setup = times.PAGE.read_text(encoding="utf-8")
    assert setup == times.page(setup, seconds), "Run `python -m coursetools.publish.times`."
    assert setup.count(times.HEAD) == 1
    timed = re.findall(r"^\| \[\d\d\]\(../notebooks/(.+)\) \| [\d.]+ \|$", setup, re.MULTILINE)
    assert timed == [path.name for path in NOTEBOOKS], "Run `make execute`."
    needs = {
        path.stem: prose(json.loads(path.read_text(encoding="utf-8")))
        .split("## What you need\n")[1]
        .split("\n#")[0]
        for path in NOTEBOOKS
    }
    for name, text in needs.items():
        assert "minute" not in text and "second" not in text, name
        assert "(../book/setup.md) says how long" in text, name
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "| Lesson 0" not in readme and "[Setup](book/setup.md) has a table" in readme
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d\d \w", line)]
    assert rows and "minute" not in "".join(rows)


WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
WORDS += ("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen")


def test_every_lesson_is_on_the_pages_that_list_them():
    """What fails says what to add where; so does CONTRIBUTING."""
    names = ("README.md", "book/instructors.md", "book/intro.md", "book/start.md")
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    wanted = [path.name[:2] for path in NOTEBOOKS]
    tables = {name: re.findall(r"^\| (\d\d) \w", texts[name], re.MULTILINE) for name in names[:2]}
    missing = [
        f"{name}: the table of lessons has {', '.join(rows)}, and there are {', '.join(wanted)}."
        for name, rows in tables.items()
        if rows != wanted
    ]
    words = WORDS[len(NOTEBOOKS)]
    for name, sentence in (
        ("book/intro.md", f"{words.capitalize()} lessons are on this site: "),
        ("book/start.md", f": {words} lessons in notebooks"),
    ):
        if sentence not in texts[name]:
            missing.append(f"{name}: it should say {sentence.strip(': ')!r}.")
    for path in NOTEBOOKS:
        link = f"[Lesson {path.name[:2]}](../notebooks/{path.name})"
        if link not in texts["book/intro.md"]:
            missing.append(f"book/intro.md: the sentence with all lessons lacks {link}.")
    assert not missing, "\n".join(missing)
    steps = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Add a lesson\n")[1]
    (step,) = re.findall(r"^\d\. (.*lessons are listed.*)$", steps.split("\n## ")[0], re.MULTILINE)
    assert {*re.findall(r"`([\w/]+\.md)`", step)} == {*names}


@pytest.mark.parametrize("seconds, minutes", [(7.5, "0.5"), (59.1, "1"), (60.1, "1.5"), (120, "2")])
def test_times_are_rounded_up_to_half_a_minute(seconds, minutes):
    text = f"Before\n\n{times.HEAD}| old | row |\n\nafter\n"
    row = f"| [01](../notebooks/01_x.ipynb) | {minutes} |"
    assert times.page(text, {"01_x": seconds}) == f"Before\n\n{times.HEAD}{row}\n\nafter\n"


def holding(pattern: str) -> set[str]:
    """Return the files of the course, without its tests, in which a pattern is found."""
    tops = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"]
    folders = [ROOT / name for name in ("book", "benchmarks", "notebooks", "src", ".github")]
    inside = [path for folder in folders for path in cleaning.files(folder).values()]
    return {
        path.relative_to(ROOT).as_posix()
        for path in [*tops, *inside]
        if "egg-info" not in str(path) and re.search(pattern.encode(), path.read_bytes())
    }


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "book/intro.md", "book/instructors.md"]
)
def test_where_outputs_are_said_to_be_compared_figures_are_excepted(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    (line,) = re.findall(r"^.*(?:every|each) notebook\b.* compare.*$", text, re.MULTILINE)
    assert re.search(r"([Ff]igures|Pictures) are not compared", line)


def test_contributing_names_every_command():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (named,) = re.findall(r"The command `coursekit`: ([\w, ]+)\.", text)
    (commands,) = [action.choices for action in cli._parser()._actions if action.choices]
    assert named.split(", ") == [*commands]


# What the course was called first. Where this is found is where a course may be renamed.
FIRST = {
    "the title": r"Where Is It\?",
    "the author": r"[Tt]he authors of (the course|\"Where)",
    "the short name": "where-is-it",
}


def test_the_page_says_where_title_author_and_name_are():
    """And in each of these places are those of today: somebody may have changed them."""
    section = PAGE.split("## Make it yours\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([\w ]+) \| (.+) \|$", section, re.MULTILINE))
    said = {what: {*re.findall(r"`([\w./]+\.\w+|LICENSE)`", where)} for what, where in rows.items()}
    (left,) = re.findall(r"Leave it as it is in (.+?):", section)
    extension = tuple(re.findall(r"`([\w./]+)`", left))
    for what, pattern in FIRST.items():
        places = {place for place in holding(pattern) if not place.startswith(extension)}
        assert places <= said[what] | {"LICENSE"}, what  # where our line stays

    config, citation = (
        yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
        for name in ("_config.yml", "CITATION.cff")
    )
    authors = [config["author"], *(author["name"] for author in citation["authors"])]
    today = {"title": [config["title"]], "author": authors, "short name": [student.NAME]}
    for what, names in today.items():
        places = holding(f"(?i:{'|'.join(map(re.escape, names))})")
        assert said[f"the {what}"] <= places, (what, names)
    html = config["sphinx"]["config"]
    assert "(three times)" in rows["the title"]
    assert config["title"] == html["html_title"] == html["html_theme_options"]["logo"]["text"]
    pictures = {f"book/_static/{name}" for name in said["the pictures"]}
    assert len(pictures) == 3 and all((ROOT / picture).exists() for picture in pictures)


def test_the_plans_name_sections_that_there_are():
    """What is in italics is a heading of the lesson that its line names."""
    plans = PAGE.split("## Which plan fits?")[1].split("\n## ")[0]
    named = re.findall(r"[Ll]esson (\d\d)[^|*]*((?:\*[^*]+\*[^|*]*)+)\|", plans)
    assert len(named) > 3
    for number, words in named:
        (path,) = [path for path in NOTEBOOKS if path.name.startswith(number)]
        text = prose(json.loads(path.read_text(encoding="utf-8")))
        for title in re.findall(r"\*([^*]+)\*", words):
            assert re.search(rf"^##+ {re.escape(title)}$", text, re.MULTILINE), (number, title)


def test_the_worked_example_makes_a_data_set_with_the_classes_it_names(tmp_path, monkeypatch):
    section = PAGE.split("### A worked example\n")[1].split("\n### ")[0]
    (example,) = re.findall(r"```python\n(.+?)```", section, re.DOTALL)
    (classes,) = re.findall(r"--classes ([\w,]+)", section)
    for name in ("HOME", "USERPROFILE"):  # the second is that of Windows
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "course").mkdir()
    monkeypatch.chdir(tmp_path / "course")
    assert section.index("coursekit fetch mini") < section.index("python ~/example.py")
    assert cli.main(["fetch", "mini"]) == 0
    # a script that draws by itself needs a guard for the processes that import it
    monkeypatch.setattr("coursekit.datasets.draw_once", lambda *_: pytest.fail("it draws"))
    exec(example, {})
    # It leaves nothing in the folder of the course, where git and `make lint` would find it.
    assert not any((tmp_path / "course").iterdir())
    paths = re.findall(r"(?:python|--dataset|--out) (\S+)", section)
    assert len(paths) == 5 and {path[:2] for path in paths} == {"~/"}
    mine = Path("~/mine").expanduser()
    monkeypatch.setenv("COURSEKIT_CLASSES", classes)
    images = voc.single_object(voc.load_annotations(mine), settings.classes())
    assert len(images) == 60
    assert images["name"].value_counts().tolist() == [20, 20, 20]
    assert voc.assign_split(images, mine)["split"].value_counts().to_dict() == {
        "train": 36,
        "test": 15,
        "val": 9,
    }
    # The message that the page shows is the one that a reader gets without `--classes`.
    monkeypatch.delenv("COURSEKIT_CLASSES")
    with pytest.raises(ValueError, match="No object is called") as stop:
        voc.single_object(voc.load_annotations(mine), settings.classes())
    (shown,) = re.findall(r"```text\n(.+?)```", section, re.DOTALL)
    assert " ".join(shown.split()) == f"coursekit run: {stop.value}"


def test_the_three_pages_name_the_same_computers():
    """The packages have wheels for these only; `make rehearse` asks the registry."""
    pages = [
        (ROOT / "book" / f"{name}.md").read_text("utf-8")
        for name in ("setup", "start", "instructors")
    ]
    yes = "Linux, Windows on x86-64 (Intel or AMD), or macOS 14 or later on Apple's processors"
    no = "a Mac with an Intel processor, macOS 13 or older, or Windows on ARM"
    for page in pages:
        assert yes in page and no in page
        (way_out,) = re.findall(rf"{no}\? (.+)", page)
        assert "Colab" in way_out and "Binder" in way_out and "JupyterHub" in way_out


def test_both_pages_say_how_own_pictures_open_in_jupyterlab():
    setup = (ROOT / "book" / "setup.md").read_text("utf-8").split("## Real photographs\n")[1]
    own = PAGE.split("### A worked example\n")[1].split("\n### ")[0]
    for section in (setup.split("\n## ")[0], own):
        (typed,) = re.findall(
            r"^COURSEKIT_DATASET=~/mine (COURSEKIT_CLASSES=\S+) make lab$", section, re.MULTILINE
        )
        classes = typed.split("=")[1]
        place = '$env:COURSEKIT_DATASET = "$HOME\\mine"\n'
        names = f'$env:COURSEKIT_CLASSES = "{classes}"\n'
        assert f"{place}{names}jupyter lab\n" in section


def test_the_page_says_how_to_look_at_what_a_run_has_executed():
    own = PAGE.split("### A worked example\n")[1].split("\n### ")[0]
    out = re.findall(r"--out (\S+)", own)[-1]
    assert f"\n.venv/bin/jupyter lab {out}\n" in own
