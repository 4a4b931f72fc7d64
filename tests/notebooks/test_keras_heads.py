"""The recipe's heads in PyTorch: what lesson 04 makes of the files that lesson 03 saved.

The process for Keras builds the heads with the functions of lesson 03, and saves them with its
last cells. The process for PyTorch reads those files with the functions of lesson 04. For the head
that points, `tests/localizer/test_heads.py` compares more.
"""

from pathlib import Path
from types import SimpleNamespace

from exercises import lesson_code

import pytest

KERAS, TORCH = "03_keras_precomputed_features", "04_pytorch_two_heads"
SHAPES = {"block_10": (6, 6, 12), "block_14": (3, 3, 24), "last": (3, 3, 32)}
N_CLASSES = 5
HEADS = ("pooled", "spatial", "pointing")

# what the process for Keras does

BUILD = """
lessons = SimpleNamespace(
    artifacts_file=lambda name: Path(folder) / name, save_predictions=lambda *_: None
)
claim = report = lambda *_, **__: None
results = {"mean box": None}
rng = np.random.default_rng(0)
SIZE, CLASSES, LAST = 96, ["cat"] * N_CLASSES, "last"
maps = {key: rng.gamma(0.5, 1, (48, *shape)).astype("float32") for key, shape in SHAPES.items()}
test = np.arange(48) >= 32
train = ~test
SCALES = {layer: channel_scale(values) for layer, values in maps.items()}
x_last, x_ours = maps[LAST], maps | {LAST: maps[LAST].mean((1, 2))}
names = np.eye(N_CLASSES, dtype="float32")[rng.integers(0, N_CLASSES, 48)]
targets = np.concatenate([rng.uniform(20, 70, (48, 2)), rng.uniform(5, 40, (48, 2))], 1)
targets = targets.astype("float32")

keras.utils.set_random_seed(0)
pooled, spatial = pooled_head(x_last.shape[1:]), spatial_head(x_last.shape[1:])
ours = pointing_head({layer: values.shape[1:] for layer, values in x_ours.items()})
compile_heads(pooled, 0.01)
compile_heads(spatial, 1 / SIZE**2)
compile_heads(ours, 1.0, box_loss, keras.optimizers.AdamW(0.01))
for model, x, unit in ((pooled, x_last, 1), (spatial, x_last, 1), (ours, x_ours, SIZE)):
    truth = {"class": names[train], "box": targets[train] / unit}
    model.fit(take(x, train), truth, epochs=2, batch_size=8, verbose=0)
"""


def save_heads(folder: Path) -> None:
    """Build and save the heads, with the code that the notebook has now."""
    notebook = lesson_code.read(KERAS)
    cells = [lesson_code.source(cell) for cell in lesson_code.code_cells(notebook)]
    space = dict(folder=folder, Path=Path, SimpleNamespace=SimpleNamespace, SEED=0)
    space |= dict(SHAPES=SHAPES, N_CLASSES=N_CLASSES)
    saving = [cell for cell in cells if "save_file(" in cell]
    for code in (lesson_code.definitions(notebook), BUILD, *saving):
        exec(code, space)


# what the process for PyTorch does


def error_of(call, *arguments) -> str:
    """Return kind and words of the error that a call raises."""
    with pytest.raises(Exception) as caught:
        call(*arguments)
    return f"{caught.typename}: {caught.value}"


def look(folder: Path) -> dict:
    """Return how far outputs, losses and gradients are from Keras', and what the errors say."""
    from safetensors.torch import load_file, save_file

    notebook = lesson_code.read(TORCH)
    space = {"lessons": SimpleNamespace(artifacts_file=lambda name: Path(folder) / name)}
    space |= {"CLASSES": ["cat"] * N_CLASSES, "SEED": 0, "AUGMENT": (), "SIDE": 96, "SCORES": {}}
    exec(lesson_code.definitions(notebook), space)
    space["ours"] = SimpleNamespace(backbone=SimpleNamespace(shapes=SHAPES))
    space |= {"lessons": SimpleNamespace(artifacts_file=lambda name: Path(folder) / name)}
    cells = [lesson_code.source(cell) for cell in lesson_code.code_cells(notebook)]
    (comparing,) = [cell for cell in cells if "answers = load_file(" in cell]
    (naming,) = [cell for cell in cells if cell.startswith("TORCH_NAMES")]
    exec(naming, space)
    exec(comparing, space)
    answers = {}
    for name in HEADS:
        outputs, gradients = space["with_weights_of_keras"](name)
        theirs = space["keras_gradients"](name)
        answers[name] = {
            "outputs": [
                space["away"]({key: one}, {key: space["answers"][f"{name} {key}"]})
                for key, one in outputs.items()
            ],
            "gradients": space["away"](gradients, theirs),
            "weights": [sorted(theirs) == sorted(gradients), len(theirs)],
            "moving": sum(bool(gradient.any()) for gradient in theirs.values()),
            "spread": float(outputs["class"].std()),
        }
    heads = folder / "heads"
    saved = load_file(heads / "pooled.safetensors")
    files = {
        "few": {key: one for key, one in saved.items() if "bias" not in key},
        "short": {key: one for key, one in saved.items() if not key.startswith("class")},
        "old": {f"{number} {key}": one for number, (key, one) in enumerate(saved.items())},
    }
    for name, weights in files.items():
        save_file(weights, heads / f"{name}.safetensors")
    pooled = space["PooledHead"](SHAPES["last"], N_CLASSES)
    one_class = space["PooledHead"](SHAPES["last"], 1)
    answers["errors"] = {
        name: error_of(space["read_keras"], pooled, heads / f"{name}.safetensors")
        for name in ("missing", "spatial", "pointing", *files)
    }
    answers["errors"]["pooled"] = error_of(
        space["read_keras"], one_class, heads / "pooled.safetensors"
    )
    return answers


# the tests


@pytest.fixture(scope="module")
def answers(in_keras, in_torch, tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("artifacts")
    in_keras(save_heads, folder)
    return in_torch(look, folder)


@pytest.mark.parametrize("name", HEADS)
def test_outputs_losses_and_gradients_are_those_of_keras(answers, name):
    found = answers[name]
    assert found["spread"] > 0.01  # the pictures are told apart
    assert max(found["outputs"]) < 1e-5 and found["gradients"] < 1e-5
    assert found["weights"] == [True, {"pooled": 6, "spatial": 8, "pointing": 12}[name]]
    assert found["moving"] == found["weights"][1]  # two gradients of 0 would agree as well


def test_a_missing_file_names_the_notebook_to_run(answers):
    words = answers["errors"]["missing"]
    assert words.startswith("FileNotFoundError: There is no ")
    assert words.endswith(f"missing.safetensors. Run notebooks/{KERAS}.ipynb first.")


@pytest.mark.parametrize("file", ["spatial", "pointing", "pooled", "few", "short", "old"])
def test_weights_of_another_head_are_refused(answers, file):
    words = answers["errors"][file]
    assert words.startswith("ValueError: "), words
    assert f"{file}.safetensors does not fit PooledHead: " in words
