"""Write what the page "A network to touch" holds: `book/touch/network.html`, and its scores.

Run `python -m coursetools.publish.touch_network` after `benchmarks/network_to_touch.py` has
measured the network anew (`make measure` does), and commit what it writes.
"""

from coursekit import lessons, settings
from coursekit.files import write_whole
from minivoc import CLASSES

import pandas as pd

FOLDER = settings.CHECKOUT / "book" / "touch"
SCENES = ("meadow", "beach", "night", "room")  # as in benchmarks/network_to_touch.py
LEAST = 0.4  # the score of what is shown at first: of the slider's, the one with the best F-score

PAGE = """\
<!-- Made by coursetools.publish.touch_network. touch_network.js brings it to life. -->
<figure class="touch" id="touch-network" aria-label="A scene with animals, and what a small \
network finds in it">
  <div class="stage" role="group" aria-label="A scene with animals that you can move">
    <img class="still" src="../_static/network_to_touch/still.webp" width="512" height="512" \
alt="Four drawn animals on a meadow, each in a solid box. Dashed boxes with a name and a score are \
what the network predicts. Over the middle of each animal, some cells of a grid are red.">
    <canvas width="640" height="640" aria-hidden="true"></canvas>
    <svg viewBox="0 0 128 128" aria-hidden="true"></svg>
  </div>
  <div class="controls">
    <p class="small">Chosen: <strong data-part="chosen">brown dog</strong></p>
    <p class="buttons"><button data-part="smaller">− smaller</button>
      <button data-part="larger">+ larger</button>
      <button data-part="mirror">⇄ mirror</button></p>
    <fieldset data-part="animals"><legend>Animals in the scene</legend></fieldset>
    <label>Backdrop <select data-part="scene">{scenes}</select></label>
    <label>Heat map of <select data-part="heat">{heat}</select></label>
    <label for="touch-least">Scores of at least
      <strong data-part="shown-least">{least:.2f}</strong></label>
    <input id="touch-least" data-part="least" type="range" min="0.05" max="0.95" step="0.05" \
value="{least}">
  </div>
  <div class="results">
    <p class="small"><i class="mark truth"></i>truth <i class="mark prediction"></i>prediction \
<i class="mark heat"></i>heat map <i class="mark peak"></i>peak</p>
    <p class="live-only">The network finds <strong data-part="number"></strong> and misses \
<strong data-part="missed"></strong>:</p>
    <ul data-part="found"></ul>
  </div>
  <p class="spoken" role="status"></p>
  <noscript><p class="small">Without JavaScript this is a picture. With it, you can move the \
animals.</p></noscript>
</figure>
"""
SCORES = """\
<!-- Made by coursetools.publish.touch_network. -->
<table class="table" id="touch-network-scores">
  <caption>AP50 of the network, on {n:,} pictures of each kind. No animal and no backdrop was seen \
in training.</caption>
  <thead><tr><th scope="col">class</th>{kinds}</tr></thead>
  <tbody>
{rows}
  </tbody>
</table>
<p>The network has {numbers:,} numbers and multiplies {millions:.0f} million times for one \
picture. It was trained on {scenes:,} scenes. Where we \
measured it, Chromium needed {frame_ms:.0f} milliseconds for a scene: to paste it, to compute the \
maps, and to read them.</p>
"""
KINDS = {"composed": "pasted, as here", "drawn whole": "drawn whole"}
MEAN = {"ap50": "mean"}


def figure() -> str:
    """Return the figure as HTML."""
    options = {"all": "all classes", "none": "no class"} | {name: name for name in CLASSES}
    return PAGE.format(
        scenes="".join(f'<option value="{i}">{name}</option>' for i, name in enumerate(SCENES)),
        heat="".join(f'<option value="{key}">{text}</option>' for key, text in options.items()),
        least=LEAST,
    )


def scores(table: pd.DataFrame) -> str:
    """Return what was measured of the network as HTML."""
    lines = []
    for name in (*CLASSES, "ap50"):
        cells = "".join(f"<td>{score:.2f}</td>" for score in table[name])
        lines.append(f'    <tr><th scope="row">{MEAN.get(name, name)}</th>{cells}</tr>')
    kinds = "".join(f'<th scope="col">{KINDS[kind]}</th>' for kind in table["pictures"])
    first = table.iloc[0]
    millions = first["multiplications"] / 1e6
    return SCORES.format(kinds=kinds, rows="\n".join(lines), millions=millions, **first)


if __name__ == "__main__":
    write_whole(FOLDER / "network.html", figure())
    write_whole(FOLDER / "network_scores.html", scores(lessons.measured("network_to_touch")))
