# %% Exercise 7
RIVALS = {
    "fine-tuned − frozen": "frozen",
    "fine-tuned − frozen, not paired": "frozen",
    "fine-tuned − small network": "small network",
}


def differences_of(pair, run):
    """Return the difference of each picture; shuffled if not paired."""
    first = outcomes["fine-tuned"]["accuracy"][run]
    second = outcomes[RIVALS[pair]]["accuracy"][run]
    if "not paired" in pair:
        second = np.random.default_rng(run).permutation(second)
    return first - second


def half_of_interval(pair, n, run):
    """Return half the interval that n pictures would give."""
    values, counts = np.unique(
        differences_of(pair, run), return_counts=True
    )
    rng = np.random.default_rng(run)
    drawn = rng.multinomial(n, counts / counts.sum(), 2000)
    low, high = metrics.interval(drawn @ values / n)
    return {"half the interval": (high - low) / 2}


def pictures_needed(pair, _, run):
    """Return for how many pictures half the interval is 0.01."""
    spread = differences_of(pair, run).std()
    return {
        "pictures for 0.01": (1.96 * spread / 0.01) ** 2,
        "seen 4 times in 5": ((1.96 + 0.84) * spread / 0.01) ** 2,
    }


# %% Exercise 7, its figure
def figure(table):
    """Draw half the interval against the number of pictures."""
    table = table[table["what"] == "half the interval"]
    _, ax = plt.subplots(figsize=(6.5, 3.4))
    for marker, (name, runs) in zip(
        "osD", table.groupby("arm", sort=False)
    ):
        n = runs["at"].astype(int)
        means = runs.groupby(n)["value"].mean()
        ax.plot(means.index, means, marker=marker, ms=5, label=name)
    ax.axhline(0.01, color=plotting.INK, linewidth=1, linestyle=":")
    ax.set(xscale="log", yscale="log", xlabel="test pictures")
    ax.set(ylabel="half of the 95 % interval")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ticks = [0.003, 0.01, 0.03, 0.1]
    ax.set_yticks(ticks, ticks)
    ax.minorticks_off()
    ax.legend()


# %% Exercise 8
def on_some(title, quarter, _):
    """Return how far fine-tuned is ahead on a quarter of the objects."""
    score = {name: score for score, name in SCORES.items()}[title]
    table = tables["fine-tuned"]
    whole = table["width"] * table["height"]
    names = ["smallest", "small", "large", "largest"]
    size = pd.qcut(boxes.area(table[SIDES]) / whole, 4, labels=names)
    chosen = size.isin(names if quarter == "all" else [quarter])
    gain = run_by_run("fine-tuned", "pointing head", score)
    return dict(metrics.two_way(gain[:, chosen]))


# %% Exercise 9
def fitted_on(split, name, _):
    """Return the temperature of a split, and scores on test with it."""
    every = lessons.load_predictions(*FILES[name])
    temperature = 1.0
    if split != "nothing":
        temperature = fit_temperature(every[every["split"] == split])
    table = at_temperature(tables[name], temperature)
    learned = every[every["split"] == "train"]
    return {
        "temperature": temperature,
        "ECE": ece(table),
        "log loss": table["log_loss"].mean(),
        "accuracy on train": metrics.named(learned).mean(),
    }


# %% Runs
QUARTERS = ("all", "smallest", "small", "large", "largest")
GAINS = ("mean", "low", "high", "p")
NUMBERS = (250, 1000, 4000, 16_000, 64_000)
SPLITS, CHECKED = (
    ("nothing", "val", "train"),
    ("small network", "fine-tuned"),
)
JUDGED = ("temperature", "ECE", "log loss", "accuracy on train")
NEEDED = ("pictures for 0.01", "seen 4 times in 5")
RUNS = {
    7: [
        (
            half_of_interval,
            RIVALS,
            NUMBERS,
            range(5),
            ("half the interval",),
        ),
        (pictures_needed, RIVALS, ("",), range(5), NEEDED),
    ],
    8: [(on_some, ("mean IoU", "class accuracy"), QUARTERS, (0,), GAINS)],
    9: [(fitted_on, SPLITS, CHECKED, (0,), JUDGED)],
}


# %% Verdicts
def verdicts():
    alike, shuffled, unlike = (
        of(7, "pictures for 0.01", f"fine-tuned − {rival}")
        for rival in ("frozen", "frozen, not paired", "small network")
    )
    half = {
        n: of(7, "half the interval", f"fine-tuned − frozen @ {n}").mean()
        for n in (250, 1000, 4000)
    }
    gains = {
        (what, quarter, end): of(8, end, f"{what} @ {quarter}").item()
        for what in ("mean IoU", "class accuracy")
        for quarter in ("smallest", "small", "large", "largest")
        for end in ("mean", "low", "high", "p")
    }
    means, lows, highs = (
        pd.Series({k[:2]: v for k, v in gains.items() if k[2] == end})
        for end in ("mean", "low", "high")
    )

    def on_test(what, split, name="fine-tuned"):
        return of(9, what, f"{split} @ {name}").item()

    both = ("fine-tuned", "small network")
    return {
        "Paired, two networks that are alike need a third or less.": (
            (alike < shuffled / 3).all()
        ),
        "Two that are not alike need about as many as unpaired ones.": (
            abs(unlike.mean() - shuffled.mean()) < 0.15 * shuffled.mean()
        ),
        "Four times the pictures, half the interval.": all(
            0.4 * half[n] < half[4 * n] < 0.6 * half[n] for n in (250, 1000)
        ),
        "On the smallest quarter, both intervals leave out 0.": all(
            lows[what, "smallest"] > 0
            for what in ("mean IoU", "class accuracy")
        ),
        "In mean IoU, that does not survive a factor of four.": (
            0.0125 < gains["mean IoU", "smallest", "p"] < 0.05
        ),
        "In each score, the intervals of all quarters overlap.": all(
            lows[what].max() < highs[what].min()
            for what in ("mean IoU", "class accuracy")
        ),
        "The smallest quarter gains least in mean IoU, the largest in names.": (
            means["mean IoU"].idxmin() == "smallest"
            and means["class accuracy"].idxmin() == "largest"
        ),
        "Fitted on train, the temperature is below 1, and on val above.": all(
            on_test("temperature", "train", name)
            < 1
            < on_test("temperature", "val", name)
            for name in both
        ),
        "ECE and log loss on test get worse, and with val better.": all(
            on_test(what, "train", name)
            > on_test(what, "nothing", name)
            > on_test(what, "val", name)
            for name in both
            for what in ("ECE", "log loss")
        ),
        "The fine-tuned network's ECE grows more.": (
            on_test("ECE", "train") - on_test("ECE", "nothing")
            > on_test("ECE", "train", "small network")
            - on_test("ECE", "nothing", "small network")
        ),
    }
