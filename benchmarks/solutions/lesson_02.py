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
RUNS = {10: [(two_people, THIRDS, (1, 2, 4, 8), range(5), FITS)]}


# %% Verdicts
def verdicts():
    fits = {
        (third, pixels): of(
            10, "mean IoU", f"{third} third @ {pixels}"
        ).mean()
        for third in ("smallest", "middle", "largest")
        for pixels in (1, 2, 4, 8)
    }
    return {
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
