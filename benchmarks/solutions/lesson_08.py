# %% Exercise 6
def bells(_, width, seed):
    """Return AP50 and boxes on val for bell curves of another width."""
    global SEED, SIGMA, heats
    before = SEED, SIGMA, heats
    SEED, SIGMA = seed, SIGMAS[width]
    heats = torch.stack([targets_of(*true)[0] for true in truth])
    model = train(Points, points_loss, RATES["focal"])
    SEED, SIGMA, heats = before
    found = to_table(val, *read_points(model, val))
    confident = (found["confidence"] > 0.3).sum() / len(val)
    return {"AP50": ap50(found, val), "boxes above 0.3": confident}


# %% Exercise 7
from functools import cache


@cache
def trained_sets(nothing, seed):
    """Return sets that learned with this weight."""
    global SEED, NOTHING
    before = SEED, NOTHING
    SEED, NOTHING = seed, nothing
    model = train(Sets, sets_loss, RATES["sets"])
    SEED, NOTHING = before
    return model


def weigh_nothing(_, nothing, seed):
    """Return AP50 on val, and how many answers are confident."""
    model = trained_sets(nothing, seed)
    found = to_table(val, *read_sets(model, val))
    confident = (found["confidence"] > 0.5).sum() / len(val)
    return {"AP50": ap50(found, val), "answers above 0.5": confident}


# %% Exercise 8
from functools import cache


@cache
def trained_points(seed):
    """Return the points of the lesson, trained with a seed."""
    global SEED
    before, SEED = SEED, seed
    model = train(Points, points_loss, RATES["focal"])
    SEED = before
    return model


@cache
def pairs_found(kind, seed):
    """Return for each pair of a class on val: distance, and both found."""
    if kind == "points":
        answer = read_points(trained_points(seed), val)
    else:
        answer = read_sets(trained_sets(0.1, seed), val)
    found = to_table(val, *answer)
    found = found[found["confidence"] >= best_limit(found, val)]
    there = objects_of(val).query("not difficult")
    answers = dict(iter(found.groupby(["image_id", "pred_name"])))
    distances, both = [], []
    for key, some in there.groupby(["image_id", "name"]):
        unit = boxes.normalize(some[SIDES], some[["width", "height"]])
        center = boxes.xyxy_to_cxcywh(unit)[:, :2] * GRID[::-1]
        hit = np.zeros(len(some), bool)
        if key in answers:
            free = boxes.pairwise_iou(answers[key][PREDICTED], some[SIDES])
            row, column = linear_sum_assignment(-(free >= 0.5).astype(int))
            hit[column] = free[row, column] >= 0.5
        for i, j in zip(*np.triu_indices(len(some), 1), strict=True):
            distances.append(np.linalg.norm(center[i] - center[j]))
            both.append(hit[i] and hit[j])
    return np.array(distances), np.array(both, float)


def near(kind, band, seed):
    """Return the share of pairs at this distance that are both found."""
    distances, both = pairs_found(kind, seed)
    low, high = BANDS[band]
    inside = (distances >= low) & (distances < high)
    return {"both found": both[inside].mean(), "pairs": inside.sum()}


# %% Exercise 8, its figure
def figure(table):
    """Draw how many pairs are both found, against their distance."""
    _, ax = plt.subplots(figsize=(6.5, 3.2))
    shown = table[table["what"] == "both found"]
    bands = shown["at"].unique().tolist()
    for marker, (kind, runs) in zip("os", shown.groupby("arm", sort=False)):
        place = runs["at"].map(bands.index)
        means = runs.groupby(place)["value"].mean()
        (line,) = ax.plot(means.index, means, label=kind)
        style = {"mfc": "none", "color": line.get_color()}
        ax.plot(place, runs["value"], marker, **style)
    ax.set_xticks(range(len(bands)), bands)
    ax.set(
        xlabel="distance of the centers, in cells",
        ylabel="share of pairs, both found",
        ylim=(0, None),
    )
    ax.legend()


# %% Exercise 6, its widths
SIGMAS = {"0.02": 0.02, "1/6": 1 / 6, "0.5": 0.5}


# %% Exercise 8, its bands
BANDS = {
    "under 2": (0, 2),
    "2 to 4": (2, 4),
    "4 to 6": (4, 6),
    "over 6": (6, 99),
}


# %% Runs
val = rows["val"]
WEIGHTS, THREE = (0.1, 1), range(3)
OF_PAIRS = ("both found", "pairs")
OF_BELLS, OF_SETS = (
    ("AP50", "boxes above 0.3"),
    ("AP50", "answers above 0.5"),
)
KINDS_OF_DETECTOR = ("points", "sets")
RUNS = {
    6: [(bells, ("points",), tuple(SIGMAS), THREE, OF_BELLS)],
    7: [(weigh_nothing, ("sets",), WEIGHTS, THREE, OF_SETS)],
    8: [(near, KINDS_OF_DETECTOR, tuple(BANDS), THREE, OF_PAIRS)],
}


# %% Verdicts
def verdicts():
    wide, lesson, narrow = (
        of(6, "AP50", f"points @ {width}")
        for width in ("0.5", "1/6", "0.02")
    )
    high = {
        width: of(6, "boxes above 0.3", f"points @ {width}")
        for width in ("0.5", "1/6")
    }
    full, tenth = (
        of(7, "AP50", f"sets @ {weight}") for weight in ("1", "0.1")
    )
    silent = of(7, "answers above 0.5", "sets @ 1")
    points, sets = (
        {
            band: of(8, "both found", f"{kind} @ {band}")
            for band in ("under 2", "2 to 4", "4 to 6", "over 6")
        }
        for kind in ("points", "sets")
    )
    return {
        "No two widths differ for sure in AP50.": not any(
            surely(one - other)
            for one, other in (
                (wide, lesson),
                (wide, narrow),
                (lesson, narrow),
            )
        ),
        "Wide bells give more boxes with a high score, on each seed.": (
            (high["0.5"] > high["1/6"]).all()
        ),
        "With full weight, no answer is confident.": silent.max() < 0.01,
        "The AP50 falls, too.": surely(tenth - full),
        "Of close pairs sets find more, on each seed.": (
            (sets["under 2"] > points["under 2"]).all()
        ),
        "Of all others points find more, in the mean.": all(
            points[band].mean() > sets[band].mean()
            for band in ("2 to 4", "4 to 6", "over 6")
        ),
        "Points are lowest where the centers are close.": (
            min(points, key=lambda band: points[band].mean()) == "under 2"
        ),
    }
