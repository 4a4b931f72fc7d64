"""Every benchmark runs to its end and prints its figures, on a few pictures and with few steps."""

import contextlib
import csv
import functools
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import notebooks
import rectangles
from coursekit import datasets, settings, voc
from coursetools import runner
from coursetools.publish import open_exercises as solutions
from efficientnet import LAYERS
from joints import reading
from minivoc import CLASSES, crowds, figures

import numpy as np
import pandas as pd
import pytest
from nbformat import v4, write

import _tables
import ddp
import detectors
import exchange
import fresh
import growth
import ideas
import layers
import open_exercises
import poses
import promises
import sizes
import unfrozen

ROOT = settings.CHECKOUT
SCRIPTS = {path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")}
WRITTEN = ("coverage", "choosing")  # what is measured on fresh drawings
# these write into book/results
TABLES = {"outputs", "frozen", "layers", "sizes", "ideas", "unfrozen", "fresh", "transfer"}
TABLES |= {"losses", "pretraining", "shortcut", "domains", "ddp", "margins"}
TABLES |= {"exchange", "promises", "poses", "open_exercises", "network_to_touch", "detectors"}

# what the processes for Keras and for PyTorch do


def printed(call, *arguments) -> str:
    """Return what a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        call(*arguments)
    return text.getvalue()


def printed_without_graphs(call, *arguments) -> str:
    """Return what a call prints while TensorFlow makes no graphs: for few steps, that is quicker.

    It is for scripts whose losses and steps of training are all a lesson's, or Keras's own; the
    lessons train with them as graphs.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        return printed(call, *arguments)
    finally:
        tf.config.run_functions_eagerly(False)


def largest_difference_on_lines(outputs) -> float:
    """Return by how much the axis networks differ on pictures and on the lines of their maxima."""
    space = outputs.prepare()
    truth = rectangles.rectangles.draw_boxes(64, np.random.default_rng(1))
    differences = []
    for build in (space["axis_network"], space["axis_numbers"]):
        whole = build()
        on_lines = outputs.on_lines(whole, space["keras"])
        first, second = (
            model.predict(outputs.pictures(model, truth), verbose=0) for model in (whole, on_lines)
        )
        differences.append(float(np.abs(first - second).max()))
    return max(differences)


def run_with_keras(folder: str) -> dict[str, str]:
    """Return what each script that needs Keras prints; its table goes into the folder."""
    import features

    import keras

    import frozen
    import outputs

    def here(*part) -> str:
        return printed(features.measure, *part)

    part = {"keras efficientnet_lite0": 4}
    few = {"run": here, "ROUNDS": 1, "DIFFERENT": 4, "PARTS": part, "PEAKS": (2, 4)}
    tuned = {step: step for step in ("control", *ideas.PAIR)}
    tuned |= {"+ mirrored": "control", ideas.RANDOM: "control"}
    one_input = {"right": unfrozen.INPUTS["right"]}
    photographs = ["--photographs", str(Path(folder) / "photographs"), "--weights", "none"]
    seen = {32: (1, 1), 64: (0, 1)}

    def judged(table: pd.DataFrame) -> dict[str, bool]:
        return {f"There are {len(table)} rows.": True}

    def few_arms(space: dict, arms=outputs.arms) -> dict:
        names = ("axis, positions", "edge maps, four numbers", "plain, sigmoid")
        return {name: arm for name, arm in arms(space).items() if name in names}

    def one_epoch(used=exchange.USED, prepare=exchange.prepare) -> dict:
        space = prepare(used)
        space["EPOCHS"] = 1
        return space

    def quick_cell(space: dict, name: str, run_cell=exchange.run_cell) -> None:
        with mock.patch.object(keras.Model, "fit"):  # what the cell itself trains is of no use here
            run_cell(space, name)

    def save_pointing_head() -> None:
        space = ideas.prepare(("pointing_head", "encode"))
        shapes = {layer: part.shape[1:] for layer, part in space["x_all"].items()}
        file = Path(folder, "heads", "pointing.keras")
        file.parent.mkdir()
        space["pointing_head"](shapes).save(file)

    sets = {"SETS": 3, "PICTURES": 4, "SMALL": 2, "FRESH": 4, "ROOM": 12}
    once = {"SEEDS": (0,), "WEIGHTS": (0.01, 0.02), "EPOCHS": 1}
    with (
        mock.patch.multiple(features, **few),
        mock.patch.multiple(ideas, LENGTH=2, RATES=(0.01,), FIRST=(0.01,), TUNED=tuned),
        mock.patch.multiple(sizes, SIZES=(64, 96), FOLDS=2),
        mock.patch.multiple(unfrozen, STEPS=1, TRAINED=("all",), INPUTS=one_input, verdicts=judged),
        mock.patch.multiple(frozen, DRAWN=((64, 1), (32, 2), (32, 3)), RATES=(0.001, 0.003)),
        mock.patch.multiple(frozen, verdicts=judged),
        mock.patch.multiple(outputs, arms=few_arms, SEEDS=seen, ONCE=32, verdicts=judged),
        mock.patch.multiple(outputs, RATES=(0.01, 0.1), FIRST=(0.01, 0.1), SCORED=32),
        mock.patch.multiple(fresh, **sets, **once),
        mock.patch.multiple(exchange, RATES=(0.001, 0.003), TUNING=(100,), prepare=one_epoch),
        mock.patch.multiple(exchange, LENGTHS=(1, 2), run_cell=quick_cell),
        mock.patch.multiple(promises, PICTURES=8, MEMBERS=1),
        mock.patch.object(keras.backend, "clear_session"),  # the process has more to do
    ):
        save_pointing_head()
        return {
            "features": printed(features.main, []),
            "layers": printed(layers.main, ["--out", folder]),
            "sizes": printed(sizes.main, ["--out", folder]),
            "fresh": printed(fresh.main, ["--out", folder]),
            "ideas": printed_without_graphs(ideas.main, ["--seeds", "1", "--out", folder]),
            "unfrozen": printed_without_graphs(
                unfrozen.main, [*photographs, "--seeds", "1", "--out", folder]
            ),
            "outputs": printed(outputs.main, ["--out", folder]),
            "frozen": printed(frozen.main, ["--seeds", "1", "--epochs", "1", "--out", folder]),
            "exchange": printed_without_graphs(exchange.main, ["--seeds", "2", "--out", folder]),
            "promises": printed(promises.main, ["--sets", "1", "--out", folder]),
            "lines": largest_difference_on_lines(outputs),
        }


def run_with_torch(folder: str) -> dict[str, str]:
    """Return what each script that needs torch prints; its table goes into the folder."""
    import metrics

    import domains
    import losses
    import poses
    import pretraining
    import shortcut
    import transfer

    def quick(*arguments, prepare=transfer.prepare) -> dict:
        space = prepare(*arguments)
        for name in {"train_head", "fine_tune"} & {*space}:
            space[name] = functools.partial(space[name], epochs=1)
        return space

    def few_pictures(*arguments) -> dict:
        return quick(*arguments, prepare=prepare_domain)

    def few_drawings() -> dict:
        return quick(prepare=prepare_drawings)

    def few_figures() -> dict:
        space = prepare_figures()
        space["EPOCHS"] = 1
        return space

    prepare_drawings, prepare_figures = shortcut.prepare, poses.prepare
    prepare_domain, photographs = domains.prepare, str(Path(folder) / "photographs")

    few = {"N": 200, "ROUNDS": 1, "PAIRS": ((5, 7),), "PAIR_ROUNDS": 1}
    once, out = ["--seeds", "1", "--out", folder], ["--out", folder]
    drawn = {"prepare": few_drawings, "SPLITS": {"train": 2, "val": 1}, "TESTED": 4}
    arms = ("4 × L1", "GIoU + L1, augmented")
    with (
        mock.patch.object(domains, "prepare", few_pictures),
        mock.patch.object(datasets, "prepare", lambda _: Path(folder) / "drawings"),
        mock.patch.object(settings, "home", lambda: Path(folder)),  # its features go there
    ):
        across = printed(
            domains.main, ["--photographs", photographs, "--seeds", "1", "--out", folder]
        )
    small = {"EPOCHS": 1, "RATES": (0.002, 0.004), "TUNING": (100,), "SHARES": (0.5, 2)}
    with (
        mock.patch.multiple(detectors, MORE={"n": 40, "seed": 1}, **small),
        mock.patch.object(settings, "home", lambda: Path(folder) / "home"),
        mock.patch.object(crowds.draw, "__defaults__", (40, 2017, 1)),
    ):
        found = printed(detectors.main, ["--seeds", "2", *out])
        detectors.main(["--photographs", "--name", "own", "--seeds", "1", *out])
    with (
        mock.patch.multiple(metrics, **few),
        mock.patch.multiple(transfer, prepare=quick, EPOCHS=1),
        mock.patch.multiple(losses, EPOCHS=1, ARMS=arms),
        mock.patch.multiple(pretraining, EPOCHS=1, RATES=(0.001, 0.003)),
        mock.patch.multiple(shortcut, **drawn),
        mock.patch.multiple(poses, RATES=(0.01, 0.03), TUNING=(100,), prepare=few_figures),
        mock.patch.object(reading, "locate", lambda: Path(folder) / "figures"),
    ):
        figures.draw(Path(folder) / "figures", n=40, processes=1)
        return {
            "metrics": printed(metrics.main, []),
            "transfer": printed(transfer.main, ["--more", "0", *once]),
            "losses": printed(losses.main, once),
            "pretraining": printed(pretraining.main, ["--seeds", "2", *out]),
            "shortcut": printed(shortcut.main, once),
            "poses": printed(poses.main, ["--seeds", "2", *out]),
            "domains": across,
            "detectors": found,
        }


def unfolded_distances() -> dict[str, float]:
    """Return how far the network with batch normalization is from the course's backbone."""
    from backbones import torch_backbones

    import torch

    from _unfolded import build

    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    scaled, distances = (pictures * 255 - 127) / 128, {}
    with torch.no_grad():
        ours = torch_backbones.load("efficientnet_lite0", ["last"])(pictures)["last"]
        for weights in ("pretrained", "random"):
            theirs = build(weights).eval()(scaled)
            distances[weights] = (ours - theirs).abs().max().item()
    return distances


# what the tests ask


def state() -> dict:
    """Return the time of the last change of each page, table and lesson."""
    paths = [path for part in ("book", "notebooks") for path in (ROOT / part).rglob("*.*")]
    ours = (path for path in paths if not re.search(r"/[._]\w*cache", path.as_posix()))
    return {path: path.stat().st_mtime_ns for path in ours if path.is_file()}


@pytest.fixture(scope="module", autouse=True)
def _nothing_committed_changes():
    before = state()
    yield
    assert state() == before


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """A folder with a table of few images: two of each class in each split."""
    folder, mini = tmp_path_factory.mktemp("artifacts"), datasets.prepare("mini")
    images = voc.single_object(voc.load_annotations(mini), CLASSES)
    images = voc.assign_split(images, mini).groupby(["split", "name"]).head(2)
    images.to_csv(folder / "images.csv", index=False)
    for name in ("drawings", "photographs"):  # two data sets of these pictures
        shutil.copytree(mini / "ImageSets", folder / name / "ImageSets")
        for part, ending in {"Annotations": "xml", "JPEGImages": "jpg"}.items():
            (folder / name / part).mkdir(parents=True)
            for image_id in images["image_id"]:
                shutil.copy(mini / part / f"{image_id}.{ending}", folder / name / part)
    return folder


@pytest.fixture(scope="module")
def with_keras(in_keras, artifacts):
    return in_keras(run_with_keras, str(artifacts), COURSEKIT_ARTIFACTS=str(artifacts))


@pytest.fixture(scope="module")
def with_torch(in_torch, artifacts):
    return in_torch(run_with_torch, str(artifacts), COURSEKIT_ARTIFACTS=str(artifacts))


def test_features(with_keras):
    ratio = r"\d+\.\d\d"
    ratios = rf" +{ratio} \({ratio} to {ratio}\) +{ratio} +{ratio}"
    speed = rf"^keras efficientnet_lite0( +\d+\.\d){{3}}{ratios}$"
    assert re.search(speed, with_keras["features"], re.MULTILINE)
    assert re.search(r"2 images +\d+\n +4 images +\d+\nratio 1\.0", with_keras["features"])


def rows_of(file: Path, fields: str) -> list[list[str]]:
    """Return the rows of a table of lesson 03, after its first lines were looked at."""
    header, first, *rows = file.read_text(encoding="utf-8").splitlines()
    assert re.match(
        r"# data mini, version \d+, backbone \w+, weights \w+, keras \S+, code \w{12}$", header
    )
    assert first == fields
    return [row.split(",") for row in rows]


def test_layers(with_keras, artifacts):
    rows = rows_of(artifacts / "layers_mini.csv", "layer,accuracy,mean_iou")
    assert [layer for layer, *_ in rows] == [*LAYERS]
    assert all(0 <= float(number) <= 1 for _, *numbers in rows for number in numbers)
    assert [line[0] in "✓✗" for line in with_keras["layers"].splitlines()[-2:]] == [True] * 2


def test_sizes(with_keras, artifacts):
    rows = rows_of(artifacts / "sizes_mini.csv", "size,fold,accuracy,mean_iou")
    assert [row[:2] for row in rows] == [[s, f] for s in ("64", "96") for f in "01"]
    assert len(with_keras["sizes"].splitlines()) == 4


def test_ideas(with_keras, artifacts):
    assert [line[0] in "✓✗" for line in with_keras["ideas"].splitlines()[-6:]] == [True] * 6
    rows = rows_of(artifacts / "probes_mini.csv", ",".join(ideas.FIELDS["probes"]))
    assert [row[1] for row in rows] == ["averages", "all cells"] * 3
    rows = rows_of(artifacts / "ideas_mini.csv", ",".join(ideas.FIELDS["ideas"]))
    assert [row[2] for row in rows] == ["100"] * 3 + ["0"] * 9
    rows = rows_of(artifacts / "heads_mini.csv", ",".join(ideas.FIELDS["heads"]))
    assert [row[0] for row in rows] == [*ideas.LAST]
    _, fields, *each = (artifacts / "outcomes_keras_mini.csv").read_text("utf-8").splitlines()
    assert fields.startswith("step,seed,what,")
    *_, overlaps, right = (line.split(",") for line in each)
    assert [overlaps[:3], right[:3]] == [["pointing", "0", "iou"], ["pointing", "0", "right"]]
    means = [np.mean([float(n) for n in line[3:]]) for line in (right, overlaps)]
    assert means == pytest.approx([float(n) for n in rows[-1][2:4]], abs=1e-3)


def test_unfrozen(with_keras, artifacts):
    header, fields, *rows = (artifacts / "unfrozen.csv").read_text("utf-8").splitlines()
    assert re.match(r"# data voc2007_sample, MobileNetV2.*, keras \S+, code \w{12}$", header)
    *fields, first, _ = fields.split(",")[: len(unfrozen.FIELDS) + 2]
    assert fields == [*unfrozen.FIELDS] and re.match(r"\d{6}$", first)
    rows = [row.split(",") for row in rows]
    ways = [("all", "right", loss) for loss in unfrozen.LOSSES]
    assert [tuple(row[:4]) for row in rows] == [(*way, "0") for way in (unfrozen.USUAL, *ways)]
    # two pictures of each class are tested
    assert rows[0][5] == "0.2"
    for row in rows:
        right = [int(one) for one in row[len(fields) :]]
        assert len(right) == 10 and sum(right) / 10 == float(row[5])
    assert with_keras["unfrozen"].splitlines()[-1] == "✓ There are 3 rows."


def test_outputs(with_keras, artifacts):
    header, fields, *rows = (artifacts / "outputs.csv").read_text("utf-8").splitlines()
    assert re.match(r"# fresh rectangles, keras \S+, code \w{12}$", header)
    assert fields == "network,rectangles,rate,use,seed,val_iou,mean_iou,seconds"
    rows = [*csv.reader(rows)]
    tried = [["32", "0.01", "choose", "101"], ["32", "0.1", "choose", "101"]]
    for name in ("axis, positions", "edge maps, four numbers", "plain, sigmoid"):
        these = [row[1:] for row in rows if row[0] == name]
        assert [row[:4] for row in these[:2]] == tried
        assert [row[5] == "" for row in these] == [True, True] + [False] * (len(these) - 2)
        best = max(these[:2], key=lambda row: float(row[4]))[1]
        numbers = ["32"] if name == "plain, sigmoid" else ["32", "64"]
        assert [row[:4] for row in these[2:]] == [[n, best, "score", "1"] for n in numbers]
    assert len(with_keras["outputs"].splitlines()) == len(rows) + 5
    assert with_keras["outputs"].splitlines()[-1] == f"✓ There are {len(rows)} rows."


def test_frozen(with_keras, artifacts):
    header, fields, *rows = (artifacts / "frozen.csv").read_text("utf-8").splitlines()
    assert re.match(r"# backbone \w+, weights \w+, keras \S+, code \w{12}$", header)
    assert fields == "arm,rate,seed,epochs,val_loss,mean_iou,seconds"
    rows = [*csv.reader(rows)]
    for arm in ("frozen, pixels 0 to 255", "frozen, pixels 0 to 1", "plain network"):
        first, second, scored = (row[1:] for row in rows if row[0] == arm)
        best = min(first, second, key=lambda row: float(row[3]))
        assert scored[:2] == [best[0], "1"]
    assert len(with_keras["frozen"].splitlines()) == len(rows) + 6
    assert with_keras["frozen"].splitlines()[-1] == f"✓ There are {len(rows)} rows."


def test_exchange(with_keras, artifacts):
    header, fields, *rows = (artifacts / "exchange_mini.csv").read_text("utf-8").splitlines()
    assert re.match(r"# data mini, version \d+, backbone \w+, keras \S+, code \w{12}$", header)
    assert fields == ",".join(exchange.FIELDS)
    rows = [*csv.DictReader([fields, *rows])]
    arms = [*exchange.GROUP_OF]
    assert [row["arm"] for row in rows] == arms * 4  # two rates are tried, then two seeds
    for arm in arms:
        first, second, *scored = (row for row in rows if row["arm"] == arm)
        best = min(first, second, key=lambda row: float(row["val_loss"]))["rate"]
        assert [(row["rate"], row["use"], row["seed"]) for row in scored] == [
            (best, "score", "0"),
            (best, "score", "1"),
        ]
    assert [line[0] in "✓✗" for line in with_keras["exchange"].splitlines()[-5:]] == [True] * 5
    header, fields, *rows = (artifacts / "published_rates.csv").read_text("utf-8").splitlines()
    assert fields == ",".join(exchange.PUBLISHED) and len(rows) == 8


def test_promises(with_keras, artifacts):
    header, fields, *rows = (artifacts / "promises.csv").read_text("utf-8").splitlines()
    assert re.match(r"# data mini, .*, 8 drawings a set, code \w{12}$", header)
    assert fields == ",".join(promises.FIELDS)
    rows = [*csv.reader(rows)]
    assert [row[:2] for row in rows] == [
        [promise, part] for part in ("test", "0") for promise in promises.PROMISES
    ]
    assert all(0 <= float(row[2]) <= 1 and float(row[3]) > 0 for row in rows)


def test_networks_on_lines_are_those_on_pictures(with_keras):
    assert with_keras["lines"] == 0


def test_fresh(with_keras, artifacts):
    tables = {name: pd.read_csv(artifacts / f"{name}.csv", comment="#") for name in WRITTEN}
    sets, heads = tables["coverage"].set_index("set"), tables["choosing"]
    assert sets.index.tolist() == ["all", "0", "1", "2"]
    assert heads[["seed", "weight"]].to_numpy().tolist() == [[0, 0.01], [0, 0.02]]
    assert [heads.filter(like=part).shape for part in ("set ", "fresh ")] == [(2, 4), (2, 4)]
    # the first head is that of the other table, and the sets hold the first of its drawings
    hits = heads.filter(like="set ").iloc[0].sum() * 2 + heads.filter(like="fresh ").iloc[0].sum()
    assert hits / 12 == pytest.approx(sets["accuracy_at_iou_50"]["all"], abs=1e-3)
    for score in fresh.SCORES:
        assert sets[score].between(sets[f"{score}_low"], sets[f"{score}_high"]).all()
        # each drawing is in one set
        assert sets[score]["0":].mean() == pytest.approx(sets[score]["all"], abs=1e-4)
    assert with_keras["fresh"].splitlines()[-1][0] in "✓✗"


def test_a_head_is_scored_on_each_set_and_keeps_its_fresh_outcomes(monkeypatch):
    monkeypatch.setattr(fresh, "SMALL", 2)
    monkeypatch.setattr(fresh, "FRESH", 3)
    assert fresh.by_set(np.array([1, 1, 0, 1, 1.0, 0, 1])) == [1, 0.5, 1, 0, 1]


def test_what_choosing_adds_is_the_winner_minus_the_one_of_the_set_before():
    # the first head wins on the first set, and on the third, since the second only equals it there
    table = pd.DataFrame(
        {"set 0": [0.8, 0.5], "set 1": [0.1, 0.4], "set 2": [0.6, 0.6], "fresh 0": 1}
    )
    assert fresh.flattery(table).tolist() == pytest.approx([0, 0.3, 0])


def test_metrics(with_torch):
    text = with_torch["metrics"]
    assert re.search(r"^from the outputs( +\d+\.\d){3}$", text, re.MULTILINE)
    assert re.search(r"^5 x 7( +\d+\.\d){2} +\d+\.\d\d$", text, re.MULTILINE)


def torch_rows(file: Path, fields: str) -> list[list[str]]:
    """Return the rows of a table of lesson 04, after its first lines were looked at."""
    header, first, *rows = file.read_text(encoding="utf-8").splitlines()
    assert re.match(r"# d[^,]+, version \d+(, backbone \w+)?, torch \S+, code \w{12}$", header)
    assert first.startswith(fields)
    return [next(csv.reader([row])) for row in rows]


def test_transfer(with_torch, artifacts):
    rows = torch_rows(artifacts / "two_heads_mini.csv", "step,share,seed,accuracy,")
    steps = ["mean box", "small, L1", "frozen", "fine-tuned"]
    assert [row[:3] for row in rows] == [[step, "100", "0"] for step in steps]
    assert len(with_torch["transfer"].splitlines()) == 10
    kept = torch_rows(artifacts / "outcomes_torch_mini.csv", "step,seed,what,")
    assert [row[:3] for row in kept] == [[s, "0", w] for s in steps[1:] for w in ("iou", "right")]
    # the scores are the means of the outcomes
    means = [np.mean([float(number) for number in row[3:]]) for row in kept]
    scores = [float(row[k]) for row in rows[1:] for k in (4, 3)]
    assert means == pytest.approx(scores, abs=1e-3)


def test_batch_normalization_apart_computes_what_the_folded_backbone_does(in_torch):
    distances = in_torch(unfolded_distances)
    assert distances["pretrained"] < 1e-3 < 1 < distances["random"]


def test_losses(with_torch, artifacts):
    rows = torch_rows(artifacts / "losses_mini.csv", "step,seed,best_epoch,epochs,accuracy,")
    keys = [["4 × L1", "0", "1", "1"], ["GIoU + L1, augmented", "0", "1", "1"]]
    assert [row[:4] for row in rows] == keys
    assert len(with_torch["losses"].splitlines()) == 2


def test_pretraining(with_torch, artifacts):
    rows = torch_rows(artifacts / "pretraining_mini.csv", "weights,rate,patience,seed,best_epoch,")
    best = {}
    for weights in ("random", "pretrained"):
        tried = [row for row in rows if row[0] == weights and row[2:4] == ["8", "0"]]
        assert [row[1] for row in tried] == ["0.001", "0.003"]
        best[weights] = max(tried, key=lambda row: float(row[9]))[1]
    # the other runs take the rate that was best on val
    runs = [("8", "1"), ("25", "0")]
    last = [[name, rate, *run] for run in runs for name, rate in best.items()]
    assert [row[:4] for row in rows[4:]] == last
    assert len(with_torch["pretraining"].splitlines()) == 8


def test_shortcut(with_torch, artifacts):
    rows = torch_rows(artifacts / "shortcut.csv", "trained_on,seed,group,pictures,accuracy,")
    groups = ["cows on meadows", "cows elsewhere", "others on meadows", "others elsewhere"]
    assert [row[:4] for row in rows] == [
        [name, "0", group, "4"] for name in ("planted", "mixed") for group in groups
    ]
    assert len(with_torch["shortcut"].splitlines()) == 8


def test_poses(with_torch, artifacts):
    header, fields, *rows = (artifacts / "poses.csv").read_text("utf-8").splitlines()
    assert re.match(r"# drawn figures, version \d+, backbone \w+, code \w{12}$", header)
    assert fields == ",".join(poses.FIELDS)
    rows = [*csv.DictReader([fields, *rows])]
    assert [(row["head"], row["mirrored"]) for row in rows] == poses.ARMS * 4
    for arm in poses.ARMS:
        first, second, *scored = (r for r in rows if (r["head"], r["mirrored"]) == arm)
        best = min(first, second, key=lambda row: float(row["val_loss"]))["rate"]
        assert [(row["rate"], row["use"]) for row in scored] == [(best, "score")] * 2
        assert all(0 <= float(row[name]) <= 1 for row in scored for name in poses.FIELDS[6:])
    assert [line[0] in "✓✗" for line in with_torch["poses"].splitlines()[-8:]] == [True] * 8


def test_detectors(with_torch, artifacts):
    header, fields, *rows = (artifacts / "detectors.csv").read_text("utf-8").splitlines()
    assert re.match(r"# drawn crowds, version \d+, backbone \w+, code \w{12}$", header)
    assert fields == ",".join(detectors.FIELDS)
    rows = pd.DataFrame(csv.DictReader([fields, *rows]))
    assert rows["use"].value_counts().to_dict() == {"choose": 14, "score": 6, "share": 8}
    pictures = rows.groupby("share")["pictures"].unique().str[0].astype(int)
    assert pictures.to_dict() == {"0.5": 12, "1": 24, "2": 48}
    assert rows[[*detectors.FIELDS[6:]]].astype(float).stack().between(0, 1).all()
    assert [line[0] in "✓✗" for line in with_torch["detectors"].splitlines()[-7:]] == [True] * 7


def test_detectors_class_by_class(with_torch, artifacts):
    rows = pd.read_csv(artifacts / "detectors_own.csv", comment="#")
    scored = rows[rows["use"] == "score"]
    assert [*scored] == [*detectors.OF_PHOTOGRAPHS]
    for _, some in scored.groupby("kind"):
        mean = some[some["class"] == detectors.MEAN].iloc[0]
        each = some[some["class"] != detectors.MEAN]
        assert {*each["class"]} <= {*CLASSES} and len(each) > 2
        assert mean["objects"] == each["objects"].sum()
        assert mean["test_ap"] == pytest.approx(each["test_ap"].mean(), abs=1e-3)


def test_domains(with_torch, artifacts):
    header, fields, *rows = (artifacts / "domains.csv").read_text("utf-8").splitlines()
    start = r"# data mini, version \d+ and voc2007_sample, backbone \w+, torch \S+, code \w{12}$"
    assert re.match(start, header)
    assert fields == "trained_on,tested_on,seed,accuracy,mean_iou,accuracy_at_iou_50"
    keys, numbers = zip(*(row.split(",0,") for row in rows), strict=True)
    assert keys == (
        *("mini,mini", "mini,voc2007_sample"),
        *("voc2007_sample,mini", "voc2007_sample,voc2007_sample"),
    )
    # the same pictures twice
    assert numbers[0] == numbers[1] == numbers[2] == numbers[3]
    # what is said of the lists, which name all drawings, is not of the table
    said = [line.split()[:2] for line in with_torch["domains"].splitlines()]
    assert [words for words in said if words[0] in ("mini", "voc2007_sample")] == [
        key.split(",") for key in keys
    ]


def test_rectangles(capsys, monkeypatch):
    monkeypatch.setattr(rectangles, "BATCHES", 1)
    monkeypatch.setattr(rectangles, "BATCH_SIZE", 2)
    rectangles.main([])
    text = r"a batch of 2: ours \d+\.\d ms, pixel by pixel \d+\.\d ms\nratio \d+\n"
    assert re.fullmatch(text, capsys.readouterr().out)


def test_notebooks(capsys, tmp_path):
    cell = v4.new_code_cell("from coursekit import settings\nassert settings.dataset() == 'mini'")
    write(v4.new_notebook(cells=[cell]), tmp_path / "01_made_up.ipynb")
    notebooks.main([str(tmp_path / "01_made_up.ipynb")])
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["notebook", "seconds", "peak", "GiB"]
    assert re.fullmatch(r"01_made_up +\d+\.\d +0\.[01]\d", row)


# Takes the place of the program that trains, in one process or in two.
TRAINS = """
import json, os, sys
options = dict(argument[2:].split("=") for argument in sys.argv[1:])
seconds = [0.5] + [4 / float(os.environ.get("WORLD_SIZE", 1))] * (int(options["steps"]) - 1)
if os.environ.get("RANK", "0") == "0":
    open(options["out"], "w").write(json.dumps({"seconds": seconds}))
"""


def test_ddp(capsys, monkeypatch, tmp_path, artifacts):
    (tmp_path / "trains.py").write_text(TRAINS)
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(artifacts))
    monkeypatch.setattr(ddp, "PROGRAM", tmp_path / "trains.py")
    monkeypatch.setattr(ddp, "BATCHES", (32,))
    monkeypatch.setattr(ddp, "ROUNDS", 1)
    ddp.main(["--out", str(tmp_path)])
    text = (tmp_path / "ddp_mini.csv").read_text(encoding="utf-8")
    assert text == capsys.readouterr().out
    assert text.splitlines()[2:] == [
        "1,2,32,4.000,4.000,8.0,1.00",
        "1,1,32,4.000,4.000,8.0,1.00",
        "2,1,32,2.000,2.000,16.0,2.00",
    ]


def test_growth(capsys, monkeypatch):
    small = {"READ": (4, 8), "EXTRACTED": (4, 8), "DRAWN": 3, "ROUNDS": 1}
    with mock.patch.multiple(growth, **small):
        growth.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:6]] == [
        *("read 4", "read 8", "read", "extract 4", "extract 8", "extract"),
    ]
    assert "times as long" in lines[6] and "times faster" in lines[7]


def test_an_exponent_is_that_of_the_power_law():
    assert growth.exponent([1, 10, 100], [3, 30, 300]) == pytest.approx(1)
    assert growth.exponent([1, 10, 100], [3, 300, 30_000]) == pytest.approx(2)


def draw_and_train_a_little(folder: str) -> str:
    """Return what the script of the network to touch prints after two steps of training."""
    import network_to_touch

    few = ["--steps", "2", "--stock", "8", "--pictures", "4", "--out", folder]
    return printed(network_to_touch.main, few)


def test_network_to_touch(in_torch, tmp_path):
    lines = in_torch(draw_and_train_a_little, str(tmp_path)).splitlines()
    assert lines[0].startswith("step 2: loss ") and re.match(r"a frame: (\d+|nan) ms", lines[2])
    assert [line[0] in "✓✗" for line in lines[-3:]] == [True] * 3
    rows = pd.read_csv(tmp_path / "network_to_touch.csv", comment="#")
    assert rows["pictures"].tolist() == ["composed", "drawn whole"]
    assert (rows["n"] == 4).all() and (rows["scenes"] == 64).all()
    assert rows["ap50"].between(0, 1).all()
    written = {path.name for path in tmp_path.iterdir() if path.suffix != ".pt"}
    assert written == {"network_to_touch.csv", "weights.js", "scenes.js", "still.webp"}
    # a table that is whole is left alone, and so are the weights that it is about
    (tmp_path / "weights.js").unlink()
    again = in_torch(draw_and_train_a_little, str(tmp_path)).splitlines()
    assert len(again) == 3 and not (tmp_path / "weights.js").exists()


def test_open_exercises(tmp_path, monkeypatch, artifacts, capsys):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(artifacts))
    cells = solutions.code("02")
    few = cells | {"Runs": cells["Runs"].replace("range(5)", "range(2)")}
    monkeypatch.setattr(solutions, "code", lambda number: {"02": few}[number])
    open_exercises.main(["02", "--out", str(tmp_path)])
    header, fields, *rows = (tmp_path / "02.csv").read_text(encoding="utf-8").splitlines()
    assert header == f"# data {_tables.named('mini')}, code {solutions.digest('02')}"
    assert fields == ",".join(open_exercises.FIELDS)
    assert len(rows) == 3 * 3 * 2 + 3 * 4 * 3 * 2
    assert rows[0] == "8,true,all,0,mean IoU,1.0"
    assert rows[3 * 3 * 2].startswith("10,smallest third,1,0,mean IoU,0.")
    assert [line[0] in "✓✗" for line in capsys.readouterr().out.splitlines()[-8:]] == [True] * 8
    assert settings.artifacts() == artifacts


def test_each_lesson_of_the_open_exercises_gets_a_process_of_its_own(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command[2:]))
    open_exercises.main(["--out", str(tmp_path)])
    assert asked == [[number, "--out", str(tmp_path)] for number in solutions.lessons()]


def test_every_script_is_tried_here():
    tried = {name.removeprefix("test_") for name in globals()} & SCRIPTS
    assert tried | {"margins"} == SCRIPTS  # tests/benchmarks/test_measuring_margins.py


# Asks every script what it measures, and says which answered, and what they loaded for that.
ASKS = """
import contextlib, io, runpy, sys
for script in sys.argv[1:]:
    sys.argv = [script, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        runpy.run_path(script, run_name="__main__")
    print(script, *text.getvalue().split()[:2])
print(*{"torch", "tensorflow"} & {*sys.modules})
"""


def test_every_script_says_what_it_measures_before_it_loads_a_framework():
    files = [f"{script}.py" for script in sorted(SCRIPTS)]
    command = [sys.executable, "-c", ASKS, *files]
    run = subprocess.run(command, cwd=ROOT / "benchmarks", capture_output=True, text=True)
    answers = [f"{file} usage: {file}" for file in files]
    assert run.stdout.splitlines() == [*answers, ""], run.stderr


def test_measure_runs_what_writes_tables_and_bench_the_rest():
    def scripts(target):
        command = ["make", "--dry-run", "--no-print-directory", "--old-file=.venv/ready", target]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return set(re.findall(r"benchmarks/(\w+)\.py", run.stdout))

    assert scripts("measure") == TABLES
    assert scripts("bench") == SCRIPTS - TABLES
    command = ["make", "--dry-run", "--no-print-directory", "measure", "CLAIMS=01,03"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.rstrip().endswith("benchmarks/margins.py 01,03")


def test_lesson_02_runs_where_its_table_is_missing(monkeypatch, tmp_path, artifacts):
    ran = []
    monkeypatch.setattr(runner, "run", lambda notebooks, out: ran.extend(notebooks))
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(artifacts))
    ddp._tables.prepare_images()
    assert ran == []
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    ddp._tables.prepare_images()
    assert [path.stem for path in ran] == ["02_voc_annotations"]
