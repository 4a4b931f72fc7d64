# %% Exercise 8
# again, since a later cell of the lesson calls another thing right
right = table.loc[usable, SIDES].to_numpy()


def one_off(which, objects, _):
    """Return how well wrong boxes fit, and how many end at the edge."""
    found = {"true": right, "forgetful": forgetful}
    found["wrong"] = boxes.xyxy_to_voc(right) - 1
    sides = found[which]
    some = {
        "all": short_side > 0,
        "at most 32 pixels": short_side <= 32,
        "more than 128 pixels": short_side > 128,
    }[objects]
    at_edge = sides[:, 2] == table.loc[usable, "width"]
    return {
        "mean IoU": boxes.iou(right, sides)[some].mean(),
        "boxes that end at the right edge": at_edge[some].sum(),
    }


# %% Exercise 10
def two_people(third, pixels, seed):
    """Return how well two people's boxes fit who differ by chance."""
    first = images[SIDES].to_numpy(float)
    size = np.sqrt(boxes.area(first))
    thirds = ["smallest third", "middle third", "largest third"]
    first = first[pd.qcut(size, 3, labels=thirds) == third]
    rng = np.random.default_rng(seed)
    second = first + rng.normal(0, pixels, first.shape)
    # a side may pass the opposite one: take the smaller one first
    second = np.sort(second.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
    iou = boxes.iou(first, second)
    return {
        "mean IoU": iou.mean(),
        "IoU above 0.5": (iou > 0.5).mean(),
        "IoU above 0.9": (iou > 0.9).mean(),
    }


# %% Exercise 10, its figure
def figure(table):
    """Draw the mean IoU against the error, a line for each third."""
    table = table[table["what"] == "mean IoU"]
    _, ax = plt.subplots(figsize=(6.5, 3.2))
    for marker, (name, runs) in zip(
        "osD", table.groupby("arm", sort=False)
    ):
        pixels = runs["at"].astype(float)
        means = runs.groupby(pixels)["value"].mean()
        ax.plot(means.index, means, marker=marker, label=name)
    ax.set(xlabel="error of each side, pixels", ylabel="mean IoU")
    ax.set(ylim=(0, 1.03))
    ax.legend()


# %% Runs
THIRDS = ("smallest third", "middle third", "largest third")
FITS = ("mean IoU", "IoU above 0.5", "IoU above 0.9")
BOXES = ("true", "forgetful", "wrong")
OBJECTS = ("all", "at most 32 pixels", "more than 128 pixels")
COUNTS = ("mean IoU", "boxes that end at the right edge")
RUNS = {
    8: [(one_off, BOXES, OBJECTS, (0,), COUNTS)],
    10: [(two_people, THIRDS, (1, 2, 4, 8), range(5), FITS)],
}


# %% Verdicts
def verdicts():
    fits = {
        (third, pixels): of(
            10, "mean IoU", f"{third} third @ {pixels}"
        ).mean()
        for third in ("smallest", "middle", "largest")
        for pixels in (1, 2, 4, 8)
    }
    small, large = "at most 32 pixels", "more than 128 pixels"
    one = {
        (which, some): of(8, "mean IoU", f"{which} @ {some}").mean()
        for which in ("forgetful", "wrong")
        for some in (small, large)
    }

    def at_edge(which):
        found = of(8, "boxes that end at the right edge", f"{which} @ all")
        return found.item()

    return {
        "Both mistakes cost the same.": all(
            one["forgetful", some] == one["wrong", some]
            for some in (small, large)
        ),
        "Small objects suffer, and large ones hardly do.": (
            one["wrong", small] < 0.95 < 0.98 < one["wrong", large]
        ),
        "At the right edge there are true boxes, and no wrong one.": (
            at_edge("true") > 100 and at_edge("wrong") == 0
        ),
        "At each error, larger objects fit better.": all(
            fits["smallest", p] < fits["middle", p] < fits["largest", p]
            for p in (1, 2, 4, 8)
        ),
        "The smallest third loses most from 1 to 8 pixels.": max(
            ("smallest", "middle", "largest"),
            key=lambda third: fits[third, 1] - fits[third, 8],
        )
        == "smallest",
        "An IoU above 0.5 stays within reach of nine small boxes in ten.": (
            of(10, "IoU above 0.5", "smallest third @ 8").mean() > 0.9
        ),
        "One above 0.9 does not, at 4 pixels, but for large ones it does.": (
            of(10, "IoU above 0.9", "smallest third @ 4").mean() < 0.6
            and of(10, "IoU above 0.9", "largest third @ 4").mean() > 0.9
        ),
        "At 4 pixels, a mean IoU of 0.9 beats two people on small objects.": (
            fits["smallest", 4] < 0.9
        ),
    }
