"""What lesson 04 writes out by hand, against torchvision."""

import shutil
from pathlib import Path

from coursekit import datasets, settings, voc
from exercises import lesson_code
from minivoc import CLASSES

import numpy as np
import pytest

ROOT = settings.CHECKOUT
LESSON = "04_pytorch_two_heads"
USED = (
    *(
        "Pictures",
        "Samples",
        "AUGMENT",
        "score",
        "giou_loss",
        "fit",
        "TwoHeads",
        "load",
        "CropAround",
    ),
    *("new_localizer", "train_head", "changed_maps", "fine_tune", "first_maps", "score_of"),
    *("name_heat", "answers_in_pixels"),
)
FEW = 40


# what the process for PyTorch does


def lesson(table, directory: Path) -> dict:
    """Return the names that the lesson defines, with its data."""
    notebook, space = lesson_code.read(LESSON), {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(lesson_code.needed(notebook, USED), space)
    space |= {"images": table, "CLASSES": CLASSES}
    squares = space["Samples"](directory, table, space["v2"].Resize((256, 256)))
    space["samples"] = [squares[index] for index in range(len(squares))]
    # so that trainings can be compared bit by bit, on a GPU too
    space["torch"].backends.cudnn.deterministic = True
    return space


def answer(root: Path) -> dict:
    """Return what the lesson's code does with a few pictures in the layout of VOC's archive."""
    import torch

    directory = root / "VOCdevkit" / "VOC2007"
    table = voc.single_object(voc.load_annotations(directory), CLASSES)
    space = lesson(table, directory)
    return {
        "reader": compare_readers(space, table, root),
        "table": compare_with_table(space, table),
        "order": draw_again(space),
        "masks": {
            "moved together": worst_overlap(space, space["AUGMENT"], together=True),
            "only the mask": worst_overlap(space, space["AUGMENT"], together=False),
            "moved": how_often_moved(space),
        },
        "scores": compare_scores(space, torch),
        "loss": compare_losses(space, torch),
        "interrupted": interrupt(space, torch, root / "checkpoint.pt"),
        "patience": stop_early(space, torch),
        "maps": read_maps(space, torch),
        "heat": add_heat(space, torch),
        "pixels": compare_pixels(space, table, torch),
        "fine-tuned": tune(space, torch),
    }


def compare_readers(space: dict, table, root: Path) -> dict:
    """Return in how many pictures and annotations the lesson differs from torchvision."""
    from torchvision.datasets import VOCDetection

    theirs = VOCDetection(root, year="2007", image_set="train")
    order = {Path(file).stem: index for index, file in enumerate(theirs.images)}
    ours = space["Pictures"](root / "VOCdevkit" / "VOC2007", table)
    pairs = [(ours[i], theirs[order[name]]) for i, name in enumerate(table["image_id"])]
    return {
        "pictures": sum(np.any(np.asarray(a[0]) != np.asarray(b[0])) for a, b in pairs).item(),
        "annotations": sum(a[1] != b[1] for a, b in pairs),
        "compared": len(pairs),
    }


def compare_with_table(space: dict, table) -> list[float]:
    """Return how far boxes, in fractions, and labels of the samples are from the table."""
    truth, label = space["truth_of"](table.index)
    pairs = [(space["normalize"](box)[0], name) for _, box, name in space["samples"]]
    found = [(box - truth[row]).abs().max().item() for row, (box, _) in enumerate(pairs)]
    return [max(found), sum(int(label[row] != name) for row, (_, name) in enumerate(pairs))]


def draw_again(space: dict) -> list[list[int]]:
    """Return the numbers of the samples in an epoch's order, drawn twice, and as they are."""
    numbers = {tuple(space["normalize"](box)[0].tolist()): i for i, (_, box, _) in samples(space)}

    def order(shuffle: bool) -> list[int]:
        batches = space["load"](range(FEW), 100, shuffle=shuffle)
        return [numbers[tuple(box.tolist())] for _, boxes, _ in batches for box in boxes]

    return [order(True), order(True), order(False)]


def samples(space: dict) -> list:
    """Return the samples at the size of a batch, with their numbers."""
    resize = space["v2"].Resize((100, 100))
    return [*enumerate(resize(sample) for sample in space["samples"])]


def worst_overlap(space: dict, changes, together: bool) -> float:
    """Return the smallest IoU of a box and the white pixels of its mask, after a change of both.

    It is 0 where a part of the white pixels was cut off. Without `together`, the mask alone is
    changed: what a forgotten box looks like.
    """
    torch, tv = space["torch"], space["tv_tensors"]
    change, worst = space["v2"].Compose(changes), 1.0
    torch.manual_seed(1)
    for _, box, _ in space["samples"] * 3:
        left, top, right, bottom = box[0].round().int().tolist()
        mask = torch.zeros(1, 256, 256, dtype=torch.uint8)
        mask[:, top:bottom, left:right] = 1
        whole = tv.wrap(box.new_tensor([[left, top, right, bottom]]), like=box)
        moved, found = change((tv.Mask(mask), whole))
        found = found if together else whole
        rows, columns = moved[0].any(1).nonzero(), moved[0].any(0).nonzero()
        painted = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        painted = np.array([int(one) for one in painted], float)
        whole_object = bool(moved.sum() == mask.sum())
        worst = min(worst, whole_object * float(space["boxes"].iou(painted, found[0].numpy())))
    return worst


def how_often_moved(space: dict) -> list[float]:
    """Return for each of the lesson's changes the share of samples whose box or pixels differ."""
    torch, shares = space["torch"], []
    for change in space["AUGMENT"]:
        torch.manual_seed(2)
        changed = [(sample, change(sample)) for sample in space["samples"]]
        same = [a[0].shape == b[0].shape and torch.equal(a[0], b[0]) for a, b in changed]
        shares.append(1 - sum(same) / len(same))
    return shares


def some_boxes(torch):
    """Return two sets of cxcywh boxes inside the unit square, alike but not equal."""
    torch.manual_seed(0)
    size = torch.rand(2, 300, 2) * 0.5 + 0.05
    center = size / 2 + torch.rand(2, 300, 2) * (1 - size)
    center[1] = (center[0] + center[1]) / 2
    center[1] = center[1].clamp(size[1] / 2, 1 - size[1] / 2)
    return torch.cat([center, size], -1)


def compare_scores(space: dict, torch) -> list[float]:
    """Return how far the lesson's numbers are from those by torchvision's IoU."""
    from torchvision.ops import box_convert, box_iou

    truth, found = some_boxes(torch)
    label, logits = torch.randint(5, (300,)), torch.randn(300, 5)
    corners = [box_convert(one.double(), "cxcywh", "xyxy") for one in (truth, found)]
    iou = box_iou(*corners).diagonal()
    right = logits.argmax(1) == label
    wanted = [right.double().mean(), iou.mean(), (right & (iou > 0.5)).double().mean()]
    wanted.append((right * iou).mean())
    ours = space["score"](logits, found, truth, label).values()
    assert all(type(one) is float for one in ours)  # or a checkpoint could not be read again
    return [abs(float(a) - b) for a, b in zip(wanted, ours, strict=True)]


def compare_losses(space: dict, torch) -> float:
    """Return how far the lesson's loss is from torchvision's."""
    from torchvision.ops import box_convert, generalized_box_iou_loss

    pair = some_boxes(torch)
    theirs = generalized_box_iou_loss(*(box_convert(one, "cxcywh", "xyxy") for one in pair))
    return (space["giou_loss"](*pair) - theirs).abs().max().item()


def trained(space: dict, torch, stops, **options):
    """Return model and history after training on a few pictures, up to each of these epochs."""
    for stop in stops:
        torch.manual_seed(0)
        model = space["TwoHeads"](5).to(space["DEVICE"])
        optimizer = torch.optim.AdamW(model.parameters(), options.get("rate", 0.001))
        batches = space["load"](range(20), 100, space["AUGMENT"], shuffle=True)
        held_out = space["load"](range(20, 30), 100)
        options.pop("rate", None)
        history = space["fit"](model, optimizer, batches, held_out, stop, **options)
    return model, history


def interrupt(space: dict, torch, file: Path) -> dict:
    """Return what an interrupted training has in common with one that was not."""
    whole, history = trained(space, torch, [4])
    mended, again = trained(space, torch, [1, 2, 4], file=file)
    other, _ = trained(space, torch, [4], seed=1)

    def apart(a, b) -> float:
        pairs = zip(a.parameters(), b.parameters(), strict=True)
        return max((one - two).abs().max().item() for one, two in pairs)

    return {
        "weights": apart(whole, mended),
        "history": bool((history == again).all(axis=None)),
        "epochs": len(again),
        "other seed": apart(whole, other),
        "leftovers": [one.name for one in file.parent.glob("*.part")],
    }


def stop_early(space: dict, torch) -> list[int]:
    """Return epochs trained, and the best one, with a rate of 0 and a patience of 2."""
    _, history = trained(space, torch, [9], rate=0.0, patience=2)
    return [len(history), int(history["score"].idxmax())]


def localized(space: dict):
    """Return a localizer, and the maps of all pictures, as `features.extract` stores them."""
    localizer = space["new_localizer"](0)
    with space["torch"].no_grad():
        parts = [
            localizer.backbone(space["to_device"](x))
            for x, *_ in space["load"](range(FEW), localizer.backbone.size)
        ]
    maps = {
        layer: np.concatenate([p[layer].permute(0, 2, 3, 1).half().cpu().numpy() for p in parts])
        for layer in parts[0]
    }
    return localizer, maps


def read_maps(space: dict, torch) -> dict:
    """Return how far outputs from stored maps are from those of the pictures."""
    localizer, maps = localized(space)
    rows = np.arange(FEW)
    whole = {key: torch.tensor(part).float().permute(0, 3, 1, 2) for key, part in maps.items()}
    localizer.head.scale_to(whole)
    pictures = space["load"](rows, localizer.backbone.size)
    batches = {
        "head": (localizer.head, space["batches_of"](space["stored"](maps, rows))),
        "late": (
            space["LateLayers"](localizer),
            space["batches_of"](space["first_maps"](maps, rows)),
        ),
    }
    found = space["run_epoch"](localizer, pictures, space["box_loss"])[1]
    answers = {}
    for name, (model, taken) in batches.items():
        again = space["run_epoch"](model, taken, space["box_loss"])[1]
        answers[name] = [(a - b).abs().max().item() for a, b in zip(found, again, strict=True)]
    return answers | {"spread": [part.float().std(0).max().item() for part in found[:2]]}


def add_heat(space: dict, torch) -> list[float]:
    """Return how far the mean heat of a name and its bias are from the logit, and its spread."""
    localizer, maps = localized(space)
    head = localizer.head
    whole = {key: torch.tensor(part).float().permute(0, 3, 1, 2) for key, part in maps.items()}
    head.scale_to(whole)
    whole = space["to_device"](whole)
    label = space["to_device"](torch.arange(FEW) % 5)
    with torch.no_grad():
        logits = head(whole)[0].gather(1, label[:, None])[:, 0].cpu()
        bias = head.name.bias[label].cpu()
        heat = space["name_heat"](head, [*whole.values()][-1], label)
    apart = (heat.mean((1, 2)) + bias - logits).abs().max().item()
    return [apart, (logits - bias).abs().max().item(), heat.std((1, 2)).min().item()]


def compare_pixels(space: dict, table, torch) -> dict:
    """Return how far the IoU in pixels is from that in fractions, and the names and logits."""
    from coursekit import metrics

    torch.manual_seed(0)
    truth, _ = space["truth_of"](table.index)
    found, logits = (truth + 0.05 * torch.randn(FEW, 4)).clamp(0.01, 0.99), torch.randn(FEW, 5)
    pixels = space["answers_in_pixels"](logits, found, table)
    iou = space["boxes"].iou(space["corners_of"](truth), space["corners_of"](found))
    named = [CLASSES.index(name) for name in pixels["pred_name"]]
    largest = logits.softmax(1).amax(1).numpy()
    columns = pixels[[f"logit_{name}" for name in CLASSES]].to_numpy()
    return {
        "iou": float(np.abs(metrics.iou(pixels) - iou).max()),
        "spread": float(iou.std()),
        "largest": float(pixels[metrics.PREDICTED].max(axis=None)),
        "names": int((torch.tensor(named) != logits.argmax(1)).sum()),
        "logits": float(np.abs(columns - logits.numpy()).max()),
        "confidence": float(np.abs(pixels["confidence"] - largest).max()),
    }


def tune(space: dict, torch) -> dict:
    """Return which weights a fine-tuning changes, and how the changed copies differ."""
    localizer, maps = localized(space)
    chosen, space["val"] = np.arange(24), np.arange(24, FEW)
    space["train_head"](localizer, maps, chosen, epochs=1)
    before = {key: one.clone() for key, one in localizer.backbone.state_dict().items()}
    head = localizer.head.look.weight.detach().clone()
    torch.manual_seed(0)
    plain = space["first_maps"](maps, chosen)
    changed = space["changed_maps"](localizer.backbone, chosen)
    same = space["changed_maps"](localizer.backbone, chosen, ())
    both = space["ByChance"]([plain, changed])
    drawn = [both[0][1] for _ in range(40)]
    space["fine_tune"](localizer, maps, [plain, changed], epochs=1)
    now = localizer.backbone.state_dict()
    (first,) = plain.maps
    return {
        "learned": [key for key in now if not torch.equal(now[key], before[key])],
        "head": bool((localizer.head.look.weight != head).any()),
        "unchanged": float(np.abs(plain.maps[first] - same.maps[first]).max()),
        "changed": float(np.abs(plain.maps[first] - changed.maps[first]).max()),
        "boxes": [(plain.box - one.box).abs().max().item() for one in (same, changed)],
        "labels": bool((plain.label == changed.label).all()),
        "kinds": len({tuple(box.tolist()) for box in drawn}),
    }


@pytest.fixture(scope="module")
def answers(in_torch, tmp_path_factory) -> dict:
    """What the process for PyTorch answers."""
    mini, root = datasets.prepare("mini"), tmp_path_factory.mktemp("root")
    table = voc.single_object(voc.load_annotations(mini), CLASSES)
    table = table.groupby("label").head(FEW // len(CLASSES))  # some of each animal
    directory = root / "VOCdevkit" / "VOC2007"
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (directory / part).mkdir(parents=True)
    for row in table.itertuples():
        shutil.copy(mini / "JPEGImages" / row.filename, directory / "JPEGImages")
        shutil.copy(mini / "Annotations" / f"{row.image_id}.xml", directory / "Annotations")
    names = "\n".join(reversed(table["image_id"].tolist()))
    (directory / "ImageSets" / "Main" / "train.txt").write_text(names + "\n")
    return in_torch(answer, root)


# the tests


def test_the_reader_is_torchvisions(answers):
    assert answers["reader"] == {"pictures": 0, "annotations": 0, "compared": FEW}


def test_the_samples_are_those_of_the_table(answers):
    box, labels = answers["table"]
    assert box < 1e-6 and labels == 0


def test_the_order_of_an_epoch_repeats(answers):
    first, again, plain = answers["order"]
    assert first == again != plain == [*range(FEW)]


def test_every_change_keeps_the_box_around_the_object(answers):
    masks = answers["masks"]
    assert masks["moved together"] > 0.999
    assert masks["only the mask"] < 0.5  # so a box that stays behind would be noticed


def test_every_change_happens_to_some_samples(answers):
    flip, scale, crop, color = answers["masks"]["moved"]
    assert all(0.2 < share < 0.8 for share in (flip, scale, crop)) and color > 0.9


def test_the_scores_agree_with_torchvision(answers):
    assert max(answers["scores"]) < 1e-6


def test_the_loss_agrees_with_torchvision(answers):
    assert answers["loss"] < 1e-5


def test_an_interrupted_training_ends_with_the_same_weights(answers):
    found = answers["interrupted"]
    assert found["weights"] == 0 and found["history"] and found["epochs"] == 4
    assert found["other seed"] > 0 and found["leftovers"] == []


def test_a_training_that_does_not_get_better_stops(answers):
    assert answers["patience"] == [3, 0]


def test_outputs_from_stored_maps_are_those_of_the_pictures(answers):
    found = answers["maps"]
    assert min(found["spread"]) > 0.01  # the pictures are told apart
    for name in ("head", "late"):
        logits, predicted, truth, labels = found[name]
        # the maps are stored with eleven bits
        assert logits < 0.01 and predicted < 0.01 and truth < 1e-6 and labels == 0


def test_a_logit_is_the_mean_of_its_heat_and_the_bias(answers):
    apart, logit, spread = answers["heat"]
    assert apart < 1e-4 < 0.1 < logit and spread > 0.01


def test_answers_in_pixels_have_the_iou_of_those_in_fractions(answers):
    found = answers["pixels"]
    assert found["iou"] < 1e-4 < 0.01 < found["spread"] and found["largest"] > 100
    assert found["names"] == 0 and found["logits"] < 1e-6 and found["confidence"] < 1e-6


def test_fine_tuning_changes_what_follows_the_first_layer_alone(answers):
    found = answers["fine-tuned"]
    blocks = {key.split(".")[1] for key in found["learned"]}
    assert blocks == {"block_11", "block_12", "block_13", "block_14", "block_15", "last"}
    assert found["head"]


def test_changed_copies_are_of_the_same_pictures(answers):
    found = answers["fine-tuned"]
    assert found["unchanged"] < 0.02 < 1 < found["changed"]
    assert found["boxes"][0] < 1e-6 < 0.1 < found["boxes"][1]
    assert found["labels"] and found["kinds"] == 2
