"""What a lesson must look like; each rule is a function that yields what is wrong."""

import ast
import re
from collections.abc import Iterator

from exercises.lesson_code import BEGIN, END, code_cells, source

IGNORED = "nbval-ignore-output"
LONGEST_CELL = 30  # "about 25 lines": a formatter adds a few at 76 columns
WIDEST_LINE = 76  # characters of code that a page of 1,280 pixels shows
HEADINGS = [
    "What you will learn",
    "What you need",
    "What went wrong in the original",
    "Summary",
    "Quiz",
    "Exercises",
    "Further reading",
]
MACHINE_PATH = re.compile(r"(/(home|Users|root|tmp|work|private|mnt)/\w|\b[A-Z]:\\\w)")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
BEHIND_BRACKET = re.compile(r"^\s*[)\]}]+,?\s*#")
MARKDOWN_IMAGE = re.compile(r"!\[(.*?)\]\((.*?)\)")
# The second bracket is there since a claim prints its number.
CLAIMED = re.compile(r"^✓ (.+?): (?:\S+ \()?(?:at least|at most|exactly) ", re.MULTILINE)
EXERCISE = re.compile(r"^:::\{admonition\} Exercise (\d+)(.*)\n:class: exercise$", re.MULTILINE)
SOLUTION = re.compile(rf"^ +{BEGIN}\n(?:.*\n)+? +{END}$", re.MULTILINE)
QUESTION = re.compile(r"^\*\*(.+)\*\*$", re.MULTILINE)
OPTION = re.compile(
    r'<details class="option"><summary>.+?</summary>\n\n(Yes|No)\. .+?\n\n</details>'
)
FRAMEWORKS = {"tensorflow": "tensorflow", "keras": "tensorflow", "torch": "torch"}


def faults(notebook: dict, name: str, results: dict) -> list[str]:
    """Return every breach of the rules of the notebooks, in words; none for a good lesson.

    `notebook` is the parsed file, `name` its stem, `results` the committed results.json.
    """
    found = [fault for rule in RULES for fault in rule(notebook)]
    return found + list(_claims(notebook, name, results)) + list(_begins(notebook, name))


def prose(notebook: dict) -> str:
    """Return all markdown of a notebook."""
    return "\n\n".join(source(c) for c in notebook["cells"] if c["cell_type"] == "markdown")


def tags(cell: dict) -> set[str]:
    """Return a cell's tags."""
    return set(cell["metadata"].get("tags", []))


def texts(cell: dict) -> str:
    """Return all that a cell printed or displayed as text."""
    found = []
    for output in cell["outputs"]:
        found.append("".join(output.get("text", [])))
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                found.append("".join(data))
    return "\n".join(found)


def calls_claim(cell: dict) -> bool:
    """Return whether a cell calls `claim`."""
    nodes = ast.walk(ast.parse(source(cell)))
    return any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == "claim" for n in nodes)


def _order(notebook: dict) -> Iterator[str]:
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"not run top to bottom, once: the counts are {counts}"


def _errors(notebook: dict) -> Iterator[str]:
    for i, cell in enumerate(code_cells(notebook), 1):
        for output in cell["outputs"]:
            if output.get("name") == "stderr":
                yield f"code cell {i} stores stderr"
            if output["output_type"] == "error":
                yield f"code cell {i} stores an error"
            if any("widget" in kind for kind in output.get("data", {})):
                yield f"code cell {i} stores a widget, which is different in every run"


def _compared(notebook: dict) -> Iterator[str]:
    cells = code_cells(notebook)
    with_output = [cell for cell in cells if cell["outputs"]]
    ignored = [cell for cell in with_output if IGNORED in tags(cell)]
    if len(ignored) * 20 > len(with_output):
        yield f"{len(ignored)} of {len(with_output)} outputs are not compared; at most 1 in 20"
    for i, cell in enumerate(cells, 1):
        if "NBVAL" in source(cell) or any(t.startswith("nbval") for t in tags(cell) - {IGNORED}):
            yield f"code cell {i} has another nbval marker than {IGNORED}"
        if IGNORED in tags(cell):
            after = cells[i] if i < len(cells) else None
            if after is None or IGNORED in tags(after) or not calls_claim(after):
                yield f"code cell {i} is not compared, and no compared claim follows it"


def _length(notebook: dict) -> Iterator[str]:
    for i, cell in enumerate(code_cells(notebook), 1):
        lines = len(source(cell).splitlines())
        if lines > LONGEST_CELL:
            yield f"code cell {i} has {lines} lines"


def _lines(notebook: dict) -> Iterator[str]:
    for i, cell in enumerate(code_cells(notebook), 1):
        for line in source(cell).splitlines():
            if len(line) > WIDEST_LINE:
                yield f"code cell {i} has a line of {len(line)} characters: {line.strip()!r}"
            if BEHIND_BRACKET.match(line):
                yield f"code cell {i} has a comment after a closing bracket: {line.strip()!r}"


def _skeleton(notebook: dict) -> Iterator[str]:
    title = source(notebook["cells"][0])
    if not title.startswith("# ") or not MARKDOWN_IMAGE.search(title):
        yield "the first cell has no title with a picture of the goal"
    headings = re.findall(r"^## (.+)$", prose(notebook), re.MULTILINE)
    if [h for h in headings if h in HEADINGS] != HEADINGS:
        yield f"the headings are not {HEADINGS}, in this order"


def _alternatives(notebook: dict) -> Iterator[str]:
    for i, cell in enumerate(code_cells(notebook), 1):
        kinds = [kind for output in cell["outputs"] for kind in output.get("data", {})]
        pictures = sum(kind.startswith("image/") for kind in kinds)
        words = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
        if pictures and len(words) < 20:
            yield f"the picture of code cell {i} has no alternative text"
        if pictures > 1:
            yield f"code cell {i} has {pictures} pictures for one alternative text"
    for words, target in MARKDOWN_IMAGE.findall(prose(notebook)):
        if len(words) < 20:
            yield f"the picture {target} has no alternative text"


def _machine(notebook: dict) -> Iterator[str]:
    for i, cell in enumerate(code_cells(notebook), 1):
        for pattern in (MACHINE_PATH, ADDRESS):
            if match := pattern.search(texts(cell)):
                yield f"code cell {i} shows {match.group()!r}, which only this machine has"


def _one_framework(notebook: dict) -> Iterator[str]:
    code = "\n".join(source(cell) for cell in code_cells(notebook))
    imported = re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE)
    used = {FRAMEWORKS[name] for name in imported if name in FRAMEWORKS}
    if len(used) > 1:
        yield "imports both frameworks"


def _claims(notebook: dict, name: str, results: dict) -> Iterator[str]:
    recorded = {c["sentence"]: c["holds"] for c in results["claims"].get(name, [])}
    printed = set()
    for i, cell in enumerate(code_cells(notebook), 1):
        sentences = CLAIMED.findall(texts(cell))
        printed.update(sentences)
        if calls_claim(cell) and not sentences:
            yield f"code cell {i} calls claim, but shows none"
    if not printed:
        yield "makes no claim"
    for sentence in printed - set(recorded):
        yield f"results.json lacks the claim {sentence!r}"
    for sentence in set(recorded) - printed:
        yield f"results.json has a claim that the notebook does not show: {sentence!r}"
    for sentence in (s for s, holds in recorded.items() if not holds):
        yield f"results.json says that a claim fails: {sentence!r}"


def _begins(notebook: dict, name: str) -> Iterator[str]:
    first = source(code_cells(notebook)[0])
    if f'lessons.begin("{name}")' not in first:
        yield f'the first code cell does not call lessons.begin("{name}")'


def _exercises(notebook: dict) -> Iterator[str]:
    cells = notebook["cells"]
    titles = [title for cell in cells for title in EXERCISE.findall(source(cell))]
    if [number for number, _ in titles] != [str(i) for i in range(1, len(titles) + 1)]:
        yield f"the exercises are not counted one by one: {titles}"
    if not any("(open)" in more for _, more in titles):
        yield "no exercise is open"
    around = zip([None, *cells], cells, [*cells[1:], None], strict=False)
    found = [p for p in around if "exercise" in tags(p[1]) or "SOLUTION" in source(p[1])]
    for part in found:
        for fault in _exercise(*part):
            yield f"the exercise cell that starts with {source(part[1])[:20]!r} {fault}"
    closed = sum("(open)" not in more for _, more in titles)
    if not 4 <= len(found) == closed:
        yield f"{len(found)} exercises check themselves, {closed} are not open; at least four, all"


def _exercise(before: dict | None, cell: dict, after: dict | None) -> Iterator[str]:
    """Yield what is wrong with an exercise: a text, a function with its solution, its check."""
    if not {"exercise", "hide-input"} <= tags(cell):
        yield "lacks a tag, exercise or hide-input"
    if len(SOLUTION.findall(source(cell))) != 1 or source(cell).count("SOLUTION") != 2:
        yield "does not hold one solution between its two markers"
    titles = EXERCISE.findall(source(before)) if before else []
    if len(titles) != 1 or "(open)" in titles[0][1]:
        yield "does not follow the text of its exercise"
    name = "|".join(n.name for n in ast.parse(source(cell)).body if isinstance(n, ast.FunctionDef))
    call = re.fullmatch(rf"checks\.\w+\(({name})\)", source(after)) if after else None
    if not call or "check" not in tags(after):
        yield "is not followed by the check of its function"


def _quiz(notebook: dict) -> Iterator[str]:
    text = "".join(source(c) for c in notebook["cells"] if source(c).startswith("## Quiz\n"))
    questions = QUESTION.split(text)[1:]
    if not 3 <= len(questions) // 2 <= 5:
        yield f"the quiz has {len(questions) // 2} questions; three to five"
    for question, options in zip(questions[::2], questions[1::2], strict=True):
        answers = OPTION.findall(options)
        if len(answers) < 2 or len(answers) != options.count("<details"):
            yield f"not every option of {question!r} is explained, beginning with Yes or No"
        if answers.count("Yes") != 1:
            yield f"{question!r} has {answers.count('Yes')} right answers"


def _seed(notebook: dict) -> Iterator[str]:
    for seed in re.findall(r"^SEED = (.+)$", "\n".join(map(source, code_cells(notebook))), re.M):
        if seed != "lessons.SEED":
            yield f"SEED is {seed}, not lessons.SEED"


def _jupyterlab(notebook: dict) -> Iterator[str]:
    """Yield what the site shows well and JupyterLab does not."""
    for i, cell in enumerate(code_cells(notebook), 1):
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        if ("hide-input" in tags(cell)) != folded:
            yield f"code cell {i} is folded on the site or in JupyterLab, not in both"
    for role in re.findall(r"\{(?:term|cite[:\w]*)\}`.*?`", prose(notebook)):
        yield f"{role} is not a link to glossary.md or bibliography.md"


RULES = [
    _order, _errors, _compared, _length, _lines, _skeleton, _alternatives, _machine,
    _one_framework, _seed, _exercises, _quiz, _jupyterlab,
]  # fmt: skip
