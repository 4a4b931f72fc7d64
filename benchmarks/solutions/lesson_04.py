# %% Exercise 6
from functools import cache
from time import perf_counter


@cache
def head_of(seed):
    """Return the weights of a head, trained on the frozen backbone."""
    localizer = new_localizer(seed)
    train_head(localizer, maps, train, seed)
    return localizer.head.state_dict()


def begin(seed):
    """Return a localizer with a trained head."""
    localizer = new_localizer(seed)
    localizer.head.load_state_dict(head_of(seed))
    return localizer


@cache
def copies_of(seed):
    """Return three changed copies of the training pictures; seconds."""
    torch.manual_seed(seed)
    localizer, start = new_localizer(seed), perf_counter()
    copies = [changed_maps(localizer.backbone, train) for _ in range(3)]
    return copies, perf_counter() - start


def with_copies(_, number, seed):
    """Return what fine-tuning reaches with this number of copies."""
    copies, seconds = copies_of(seed)
    localizer, start = begin(seed), perf_counter()
    versions = [first_maps(maps, train), *copies[:number]]
    history = fine_tune(localizer, maps, versions, seed)
    seconds = seconds * number / 3 + perf_counter() - start
    last = history.iloc[-1]
    return {
        "score": history["score"].max(),
        "class loss, train": last["class loss"],
        "box loss, train": last["box loss"],
        "seconds": seconds,
    }


# %% Exercise 6, its figure
def figure(table):
    """Draw the score against the number of copies, a line for a seed."""
    _, ax = plt.subplots(figsize=(6, 3))
    table = table[table["what"] == "score"]
    for marker, (seed, runs) in zip("osD^v", table.groupby("seed")):
        ax.plot(
            runs["at"], runs["value"], marker=marker, label=f"seed {seed}"
        )
    ax.set(xlabel="changed copies of each picture", ylabel="score, val")
    ax.legend()


# %% Exercise 7
def first_epoch(rate, _, seed):
    """Return the score on val before and after one epoch at a rate."""
    localizer = begin(seed)
    held_out = batches_of(first_maps(maps, val))
    before = score_of(LateLayers(localizer), held_out)["score"]
    groups = [
        {"params": localizer.head.parameters(), "lr": 0.0003},
        {"params": localizer.backbone.parameters(), "lr": float(rate)},
    ]
    batches = batches_of(first_maps(maps, train), shuffle=True)
    optimizer = torch.optim.AdamW(groups)
    late = LateLayers(localizer)
    history = fit(late, optimizer, batches, held_out, 1, seed=seed)
    after = history.iloc[0]
    named = after["accuracy"]
    return {"before": before, "after": after["score"], "accuracy": named}


# %% Exercise 8
class QuarterTurn(v2.Transform):
    """Turn picture, mask and box by a quarter, against the clock."""

    def transform(self, inpt, params):
        if not isinstance(inpt, tv_tensors.BoundingBoxes):
            return tv_tensors.wrap(inpt.rot90(1, (-2, -1)), like=inpt)
        height, width = inpt.canvas_size
        numbers = inpt.as_subclass(torch.Tensor).unbind(-1)
        turned = torch.stack(self.turn(*numbers, height, width), -1)
        size = {"format": "XYXY", "canvas_size": (width, height)}
        return tv_tensors.BoundingBoxes(turned, **size)

    def turn(self, xmin, ymin, xmax, ymax, height, width):
        return ymin, width - xmax, ymax, width - xmin


class Mistaken(QuarterTurn):
    """The same with a mistake: the height stands for the width."""

    def turn(self, xmin, ymin, xmax, ymax, height, width):
        return ymin, height - xmax, ymax, height - xmin


TURNS = {"right": QuarterTurn(), "mistaken": Mistaken()}
TURN_BY_CHANCE = v2.RandomApply([QuarterTurn()], p=0.5)


def with_mask(turn, canvas, _):
    """Return the smallest IoU of turned boxes and turned white pixels."""
    height, width = map(int, canvas.split(" × "))
    rng, overlaps = np.random.default_rng(0), []
    for _ in range(100):
        left, right = sorted(rng.choice(width + 1, 2, replace=False))
        top, bottom = sorted(rng.choice(height + 1, 2, replace=False))
        mask = torch.zeros(1, height, width, dtype=torch.uint8)
        mask[:, top:bottom, left:right] = 1
        box = tv_tensors.BoundingBoxes(
            [[left, top, right, bottom]],
            format="XYXY",
            canvas_size=(height, width),
        )
        moved, moved_box = TURNS[turn]((tv_tensors.Mask(mask), box))
        rows, columns = moved[0].any(1).nonzero(), moved[0].any(0).nonzero()
        painted = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        painted = np.array(painted, float).ravel()
        overlaps.append(boxes.iou(painted, moved_box[0].numpy()))
    return {"smallest IoU": min(overlaps)}


# %% Exercise 9
class PositiveSides(TwoHeads):
    """Source 004's network, with a width and a height above 0."""

    def forward(self, x):
        logits, box = super().forward(x)
        sides = functional.softplus(box[:, 2:])
        return logits, torch.cat([box[:, :2], sides], 1)


def with_softplus(network, loss, seed):
    """Return scores on val after 15 epochs."""
    global TwoHeads
    before = TwoHeads
    if network == "softplus":
        TwoHeads = PositiveSides
    found = train_small(train, seed, (), LOSSES[loss], epochs=15, wait=15)
    TwoHeads = before
    scores = score_of(found[0], load(val, 100))
    return {name: scores[name] for name in ("accuracy", "mean IoU")}


# %% Runs
COPIES, CANVASES = (0, 1, 2, 3), ("256 × 256", "200 × 300")
TOLD = ("score", "class loss, train", "box loss, train", "seconds")
RATES, THREE = ("0.00003", "0.001", "0.01"), range(3)
NETWORKS, BOTH = ("as it is", "softplus"), ("GIoU", "GIoU + L1")
RUNS = {
    6: [(with_copies, ("copies",), COPIES, THREE, TOLD)],
    7: [
        (first_epoch, RATES, ("",), THREE, ("before", "after", "accuracy"))
    ],
    8: [(with_mask, TURNS, CANVASES, (0,), ("smallest IoU",))],
    9: [(with_softplus, NETWORKS, BOTH, THREE, ("accuracy", "mean IoU"))],
}


# %% Verdicts
def verdicts():
    scores = [of(6, "score", f"copies @ {n}") for n in range(4)]
    names, sides = (
        [of(6, f"{what} loss, train", f"copies @ {n}") for n in range(4)]
        for what in ("class", "box")
    )
    rates = "0.00003", "0.001", "0.01"
    before, after, named = (
        {rate: of(7, what, rate) for rate in rates}
        for what in ("before", "after", "accuracy")
    )

    def smallest(turn, canvas):
        return of(8, "smallest IoU", f"{turn} @ {canvas}").item()

    def iou(network, loss):
        return of(9, "mean IoU", f"{network} @ {loss}")

    with_l1 = iou("softplus", "GIoU + L1") - iou("as it is", "GIoU + L1")
    best = {
        max(range(4), key=lambda n: scores[n][seed]) for seed in range(3)
    }
    return {
        "Three copies gain nothing that three seeds could show.": (
            not surely(scores[3] - scores[0])
            and not surely(scores[0] - scores[3])
        ),
        "The seeds do not agree on the best number.": len(best) > 1,
        "Without copies the training losses are lower, on each seed.": (
            (names[0] < names[3]).all() and (sides[0] < sides[3]).all()
        ),
        "Without copies the names are nearly known by heart.": (
            (names[0] < 0.02).all()
        ),
        "With the lesson's rate, the score rises on each seed.": (
            (after["0.00003"] > before["0.00003"]).all()
        ),
        "With larger ones it falls to less than half, on each seed.": (
            (after["0.001"] < 0.5 * before["0.001"]).all()
            and (after["0.01"] < 0.2 * before["0.01"]).all()
        ),
        "With 0.01, the names are at the most frequent class or below.": (
            (named["0.01"] < 0.3).all()
        ),
        "On a square canvas the mistake is not noticed, else it is.": (
            smallest("mistaken", "256 × 256") == 1
            and smallest("mistaken", "200 × 300") < 0.5
            and smallest("right", "200 × 300") == 1
        ),
        "GIoU alone learns with the softplus only, on each seed.": (
            (iou("as it is", "GIoU") < 0.01).all()
            and (iou("softplus", "GIoU") > 0.3).all()
        ),
        "With L1, the softplus is lower on each seed, but not surely.": (
            (with_l1 < 0).all() and not surely(-with_l1)
        ),
        "The names are hardly learned after 15 epochs.": all(
            (of(9, "accuracy", f"{network} @ {loss}") < 0.4).all()
            for network in ("as it is", "softplus")
            for loss in ("GIoU", "GIoU + L1")
        ),
    }
