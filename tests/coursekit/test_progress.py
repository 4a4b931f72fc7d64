from coursekit.progress import progress_bar

from processes import python

# tqdm.auto takes the bar for notebooks when it finds itself in a notebook's kernel.
IN_A_NOTEBOOK = """
from IPython import get_ipython
from unittest import mock
import tqdm.autonotebook, tqdm.notebook
import coursekit.progress as progress
progress.tqdm = tqdm.notebook.tqdm
shown = []
with mock.patch("tqdm.notebook.display", shown.append):
    assert list(progress.progress_bar(range(3))) == [0, 1, 2]
print(len(shown))
"""


def displayed(**environment):
    """How many widgets a bar in a notebook displays."""
    variables = {"TQDM_DISABLE": None} | environment
    return int(python("-W", "ignore", "-c", IN_A_NOTEBOOK, **variables).stdout)


def test_a_person_sees_the_bar_and_a_program_does_not():
    assert displayed() >= 1
    assert displayed(TQDM_DISABLE="1") == 0


def test_it_hands_the_items_on(capsys):
    assert list(progress_bar("abc")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


def test_it_can_be_switched_off_by_hand(monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE")
    assert list(progress_bar("abc", disable=True)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
