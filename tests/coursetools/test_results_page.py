"""The page of results: it says what the files say, no less and nothing else."""

import json
import re
import shlex
import shutil

from coursetools import cli
from coursetools.publish import gallery, results_page

import pandas as pd
import pytest

BOOK = results_page.BOOK
SOURCES = json.loads((BOOK / "results" / "published.json").read_text(encoding="utf-8"))["sources"]
FILES = {"mini": "results.json", "photographs": "results/voc2007_sample.json"}


@pytest.fixture
def book(tmp_path):
    """A copy of the files that the page is made from; the photographs are mini's numbers."""
    shutil.copytree(BOOK / "results", tmp_path / "results")
    for name in ("results.json", "results_template.md"):
        shutil.copy(BOOK / name, tmp_path)
    results = json.loads((BOOK / "results.json").read_text(encoding="utf-8"))
    for run in results["provenance"].values():
        run |= {"dataset": "VOC2007", "backbone": "big", "weights": ["a.h5", "b.pth"], "seed": 0}
    save(tmp_path, "photographs", results)
    return tmp_path


def load(book, data):
    return json.loads((book / FILES[data]).read_text(encoding="utf-8"))


def save(book, data, results):
    (book / FILES[data]).write_text(json.dumps(results), encoding="utf-8")


def section(page, title):
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_page_says_what_the_files_say():
    committed = (BOOK / "results.md").read_text(encoding="utf-8")
    hint = "Run `python -m coursetools.publish.results_page`, and look at the difference."
    assert committed == results_page.page(), hint


def test_every_number_of_a_table_is_the_one_in_the_file(book):
    scores = load(book, "mini")["models"]["keras_pointing"]["test"]
    wanted = [f"{scores[s]:.3f}"[1:] for s in ("accuracy", "mean_iou", "accuracy_at_iou_50")]
    mini = section(results_page.page(book), "Our numbers on mini")
    row = next(line for line in mini.splitlines() if line.startswith("| pointing head<br>[03]"))
    assert re.findall(r"\.\d{3}", row) == wanted
    low, high = scores["mean_iou_interval"]
    low, high = f"{low:.2f}"[1:], f"{high:.2f}"[1:]
    assert f"{wanted[1]}<br>{low}–&NoBreak;{high} |" in row
    assert f"Test split of mini, {scores['n']} pictures" in mini


@pytest.mark.parametrize("title", ["mini", "photographs"])
def test_another_number_in_a_file_changes_its_part_of_the_page(book, title):
    before = results_page.page(book)
    results = load(book, title)
    results["models"]["torch_small"]["test"]["mean_iou"] = 0.123456
    save(book, title, results)
    after = results_page.page(book)
    assert "| .123<br>" in section(after, f"Our numbers on {title}")
    assert after.count("| .123<br>") == before.count("| .123<br>") + 1


def test_the_spread_is_that_over_the_seeds_with_all_pictures(book):
    runs = pd.read_csv(book / "results" / "two_heads_mini.csv", comment="#")
    chosen = runs[(runs["step"] == "fine-tuned") & (runs["share"] == 100)]
    mean, spread = chosen["mean_iou"].mean(), chosen["mean_iou"].std()
    mini = section(results_page.page(book), "Our numbers on mini")
    row = next(line for line in mini.splitlines() if re.match(r"\| fine-tuned<br>.*±", line))
    assert f"| {mean:.3f}<br>±&nbsp;{spread:.3f} |".replace("0.", ".") in row
    assert row.startswith(f"| fine-tuned<br>{len(chosen)} seeds |") and len(chosen) < len(runs)


@pytest.mark.parametrize("file", FILES.values())
def test_every_model_is_shown_or_left_out_on_purpose(file):
    models = set(json.loads((BOOK / file).read_text(encoding="utf-8"))["models"])
    known = {*results_page.MODELS, *results_page.RECTANGLES}
    assert models <= known | set(results_page.OMITTED)
    assert not known & set(results_page.OMITTED)


def test_a_model_that_the_page_does_not_know_is_named(book):
    results = load(book, "mini")
    results["models"]["newcomer"] = results["models"]["torch_small"]
    save(book, "mini", results)
    with pytest.raises(ValueError, match=r"results\.json has the models newcomer.*Add each to"):
        results_page.page(book)


def test_a_model_without_results_has_no_row(book):
    results = load(book, "photographs")
    del results["models"]["mean_box"]
    save(book, "photographs", results)
    page = results_page.page(book)
    assert "| mean box<br>[03]" in section(page, "Our numbers on mini")
    assert "| mean box<br>[03]" not in section(page, "Our numbers on photographs")


def test_the_claims_are_counted_and_those_that_fail_are_listed(book):
    results = load(book, "photographs")
    total = sum(len(claims) for claims in results["claims"].values())
    assert f"{total} of {total} claims hold." in results_page.page(book)
    claim = {"sentence": "A $ and a *", "at_least": 0.25, "measured": 0.125, "holds": False}
    held = [claim | {"holds": True}] * 2
    results["claims"] = {"01_synthetic_rectangles": held, "02_voc_annotations": [claim]}
    save(book, "photographs", results)
    page = section(results_page.page(book), "Our numbers on photographs")
    assert "2 of 3 claims hold. These do not:" in page
    assert r"*A \$ and a \**: promised at least 0.25, measured 0.125." in page
    assert page.count("\n- [Lesson") == page.count("- [Lesson 02](../notebooks/02_voc") == 1


def test_the_gallery_shows_the_figures_of_the_lessons_as_they_are():
    hint = "Run `python -m coursetools.publish.results_page`, and look at the difference."
    part = section((BOOK / "results.md").read_text(encoding="utf-8"), "In pictures")
    assert part.count(":::{figure}") == len(gallery.FIGURES)
    for name, (lesson, cell_id, caption) in gallery.FIGURES.items():
        picture, alt = gallery.figure(lesson, cell_id)
        assert (gallery.PICTURES / f"{name}.png").read_bytes() == picture, hint
        shown = part.split(f"{{figure}} _static/gallery/{name}.png\n")[1].split("\n:::")[0]
        assert f":alt: {alt}\n" in shown and caption in shown
        assert f"[Lesson {lesson}](../notebooks/{lesson}_" in shown
    assert {file.stem for file in gallery.PICTURES.iterdir()} == set(gallery.FIGURES)


def test_the_gallery_writes_its_pictures_and_nothing_else_stays(tmp_path):
    (tmp_path / "old.png").touch()
    gallery.write(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {f"{n}.png" for n in gallery.FIGURES}


@pytest.mark.parametrize("cell_id", ["no-such-cell", "test-table"])
def test_a_cell_without_a_picture_is_named(cell_id):
    with pytest.raises(ValueError, match=rf"03_.*0 pictures under the cell '{cell_id}'.*FIGURES"):
        gallery.figure("03", cell_id)


MARGINS = """lesson,claim,kind,bound,mean,sd,margin,runs
01_x,A sum | of $,exact,equals=100356,100356,0,,10
01_x,A gain,trained,at_least=0.25 at_most=1,0.61234,0.0789,4.57,10
01_x,Another,trained,at_most=1,0.5,0.01,50.0,10
05_x,Noise,report,,0.125,0.5,,10
05_x,Never,report,,0,0,,10
"""


def test_the_margins_are_counted_and_every_one_is_shown(book):
    (book / "results" / "margins.csv").write_text(MARGINS, encoding="utf-8")
    part = results_page.page(book).split("### How safe are the claims?")[1].split("\n###")[0]
    lines = part.splitlines()
    assert ":::{table} Claims and reported numbers of each lesson, in 10 runs." in lines
    first, last = (line for line in lines if line.startswith("| [Lesson"))
    assert first.endswith(".ipynb) | 1 | 2 | 0 | 4.6 |")
    assert last.endswith(".ipynb) | 0 | 0 | 2 | – |")
    gain, noise, total = (
        next(line for line in lines if words in line) for words in ("A gain", "Noise", "A sum")
    )
    wanted = " A gain | at least 0.25<br>at most 1 | 0.6123<br>±&nbsp;0.079 | 4.6 |"
    assert gain.startswith("| [01](../notebooks/01_synth") and gain.endswith(wanted)
    assert next(line for line in lines if "Never" in line).endswith(" Never | – | 0 | report |")
    assert noise.endswith(" Noise | – | 0.125<br>±&nbsp;0.5 | report |")
    assert total.endswith(r" A sum \| of \$ | exactly 100356 | 100356 | exact |")
    folded = part.split("::::{admonition}")[1].split("\n::::")[0]
    assert ":class: dropdown" in folded and gain in folded and first not in folded


def test_without_margins_the_page_says_so(book):
    (book / "results" / "margins.csv").unlink(missing_ok=True)
    assert "This has not been measured yet." in results_page.page(book)


def test_it_says_what_the_numbers_were_made_with(book):
    page = section(results_page.page(book), "Our numbers on photographs")
    assert "| data set | VOC2007 |" in page and "| backbone | `big` |" in page
    assert "| weights | `a.h5`<br>`b.pth` |" in page and "| seed | 0 |" in page
    version = load(book, "photographs")["provenance"]["02_voc_annotations"]["versions"]["keras"]
    assert f"<br>keras {version}<br>" in page


def test_the_command_on_the_page_is_one_that_coursekit_understands():
    page = (BOOK / "results.md").read_text(encoding="utf-8")
    command = re.search(r"\.venv/bin/coursekit (run .*?)```", page, re.DOTALL)[1]
    options = cli._parser().parse_args(shlex.split(command.replace("\\\n", " ")))
    assert options.results == f"book/{FILES['photographs']}" and options.backbone is None


def test_no_number_between_the_tables_is_typed():
    text = (BOOK / "results_template.md").read_text(encoding="utf-8")
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    for name in ("IoU 0.5", "VOC 2007", "Everingham et al., 2010", "lesson 01", "Lesson 01"):
        text = text.replace(name, "")
    text = re.sub(r"```bash.*?```|`[^`]*`|\$\w+", "", text, flags=re.DOTALL)
    assert re.findall(r".*\d.*", text) == []
    for source in SOURCES:
        assert not re.search(r"\d", re.sub(r"Lesson \d\d", "", source["why"])), source["key"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source["key"])
def test_each_source_is_cited_and_all_its_numbers_are_shown(source):
    page = (BOOK / "results.md").read_text(encoding="utf-8")
    part = page.split(f"### Source {source['file']}: ")[1].split("\n##")[0]
    assert f"(bibliography.md#source-{source['file']})" in part
    bibliography = (BOOK / "bibliography.md").read_text(encoding="utf-8")
    assert f"\n### Source {source['file']}\n" in bibliography
    for row in source["rows"]:
        line = next(x for x in part.splitlines() if f"| {row['run']}<br>{row['split']} |" in x)
        assert set(row["values"].values()) <= {cell.strip() for cell in line.split("|")}


@pytest.mark.real
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source["key"])
def test_each_source_reports_these_numbers(sample, source):
    """Each row of the table is one line of our copy of the source, under the same names."""
    found = list((sample.parents[1] / "seeds").glob(f"{source['file']}*.txt"))
    if not found:
        pytest.skip("The five sources do not lie beside the sample.")
    lines = found[0].read_text(encoding="utf-8").splitlines()
    for row in source["rows"]:
        reported = [
            rf"(?<!\w){re.escape(name)}\D{{0,25}}{re.escape(value)}(?!\d)"
            for name, value in row["values"].items()
        ]
        assert any(all(re.search(r, line) for r in reported) for line in lines), row
