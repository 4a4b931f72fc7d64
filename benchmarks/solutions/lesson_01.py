# %% Exercise 6


def large(n, rng):
    """Return n boxes whose sides are all 60 pixels or longer."""
    found = np.empty((0, 4))
    while len(found) < n:
        drawn = rectangles.draw_boxes(10_000, rng)
        sides = drawn[:, 2:] - drawn[:, :2]
        found = np.concatenate([found, drawn[sides.min(axis=1) >= 60]])
    return found[:n]


class LargeOnly(Rectangles):
    """Batches of rectangles with long sides only."""

    def __getitem__(self, index):
        rng = np.random.default_rng([SEED, self.epoch, index])
        truth = large(self.batch_size, rng)
        return rectangles.paint(truth, self.size), self.target(truth)


def train_plain(trained_on, _, seed):
    """Return scores on large rectangles that no network has seen."""
    truth = large(1000, np.random.default_rng(2026))
    if trained_on == "nothing: their mean box":
        many = large(20_000, np.random.default_rng(1))
        answer = np.broadcast_to(many.mean(axis=0), truth.shape)
        return {"mean IoU": boxes.iou(truth, answer).mean()}
    keras.utils.set_random_seed(seed)
    model = plain_network()
    model.compile(keras.optimizers.Adam(cosine(0.003)), "mae")
    kind = LargeOnly if trained_on == "large ones" else Rectangles
    model.fit(kind(linear_target, SIZE // 4), epochs=10, verbose=0)
    images = rectangles.paint(truth, SIZE // 4)
    answer = from_linear(model.predict(images, verbose=0))
    return {"mean IoU": boxes.iou(truth, answer).mean()}


# %% Exercise 7
from functools import cache

SUMMARIES = {
    "maximum": lambda x: x.max(axis=2),
    "mean": lambda x: x.mean(axis=2),
    "8 largest": lambda x: np.partition(x, -8, axis=2)[:, :, -8:].mean(2),
}


@cache
def lines_of(n, noise, seed):
    """Return n boxes and, by summary, the lines of noisy pictures."""
    rng = np.random.default_rng([seed, n])
    truth, parts = rectangles.draw_boxes(n, rng), []
    for some in np.array_split(truth, n // 64 + 1):
        x = rectangles.paint(some)[..., 0]
        x += noise * rng.standard_normal(x.shape, dtype="float32")
        both = [x.swapaxes(1, 2), x]  # a line of columns, one of rows
        parts.append(
            {
                name: [f(view)[..., None] for view in both]
                for name, f in SUMMARIES.items()
            }
        )
    lines = {
        name: [np.concatenate(p) for p in zip(*[d[name] for d in parts])]
        for name in SUMMARIES
    }
    return truth, lines


def axis_on_lines():
    """Return the axis network from its lines on."""
    inputs = [keras.Input((SIZE, 1)), keras.Input((SIZE, 1))]
    turn = layers.Permute((2, 1))
    compare = layers.Conv1D(2, kernel_size=2)
    find_edges = keras.Sequential([layers.ZeroPadding1D(1), compare, turn])
    edges = keras.ops.stack([find_edges(line) for line in inputs], axis=2)
    return keras.Model(inputs, layers.Reshape((4, SIZE + 1))(edges))


def fit_lines(seen, held_out, rate, seed):
    """Return the mean IoU on `held_out` after training on `seen`."""
    keras.utils.set_random_seed(seed)
    model = axis_on_lines()
    falling = keras.optimizers.schedules.CosineDecay(rate, 3 * 96)
    model.compile(keras.optimizers.Adam(falling), POSITION_LOSS)
    (truth, x), (asked, asked_x) = seen, held_out
    model.fit(x, position_target(truth), epochs=3, verbose=0)
    answer = from_positions(model.predict(asked_x, verbose=0))
    return boxes.iou(asked, answer).mean()


def drawn(summary, n, noise, seed):
    """Return n boxes, and the lines of one summary."""
    truth, lines = lines_of(n, noise, seed)
    return truth, lines[summary]


@cache
def best_rate(summary, noise):
    """Return the rate that is best on other rectangles."""
    seen = drawn(summary, 3072, noise, 101)
    held_out = drawn(summary, 500, noise, 102)
    rates = (0.03, 0.1, 0.3, 1.0)
    scores = [fit_lines(seen, held_out, rate, seed=101) for rate in rates]
    return rates[int(np.argmax(scores))]


def with_noise(summary, noise, seed):
    """Return the mean IoU on test rectangles, and the rate."""
    rate = best_rate(summary, noise)
    seen = drawn(summary, 3072, noise, seed)
    tested = drawn(summary, 1000, noise, 2026)
    return {"mean IoU": fit_lines(seen, tested, rate, seed), "rate": rate}


# %% Exercise 7, its figure
def figure(table):
    """Draw mean IoU against noise, a line for each summary."""
    table = table[table["what"] == "mean IoU"]
    _, ax = plt.subplots(figsize=(6.5, 3.2))
    for marker, (name, runs) in zip(
        "osD", table.groupby("arm", sort=False)
    ):
        noise = runs["at"].astype(float)
        means = runs.groupby(noise)["value"].mean()
        (line,) = ax.plot(means.index, means, label=name)
        style = {"mfc": "none", "color": line.get_color()}
        ax.plot(noise, runs["value"], marker, **style)
    ax.set(xlabel="standard deviation of the noise", ylabel="mean IoU")
    ax.set(ylim=(0, 1.03))
    ax.legend()


# %% Exercise 8
from functools import cache


def soft_argmax(scores, sharper=1):
    """Return the mean place, weighted by the softmax of the scores."""
    powers = sharper * (scores - scores.max(axis=-1, keepdims=True))
    shares = np.exp(powers)
    shares /= shares.sum(axis=-1, keepdims=True)
    return upright(shares @ np.arange(SIZE + 1))


def near_the_largest(scores):
    """Return the soft-argmax over the largest score and its neighbors."""
    largest = scores.argmax(axis=-1, keepdims=True)
    far = np.abs(np.arange(SIZE + 1) - largest) > 1
    return soft_argmax(np.where(far, -np.inf, scores))


READ = {
    "largest score": from_positions,
    "soft-argmax": soft_argmax,
    "soft-argmax, scores × 3": lambda scores: soft_argmax(scores, 3),
    "soft-argmax, neighbors only": near_the_largest,
}


@cache
def scores_on(between, seed):
    """Return boxes, and the scores of an axis network for them."""
    keras.utils.set_random_seed(seed)
    model, rng = axis_network(), np.random.default_rng(2026)
    rate = cosine(tuned_rate("axis, positions", 3072), epochs=3)
    train(model, position_target, POSITION_LOSS, rate, epochs=3)
    truth = rectangles.draw_boxes(1000, rng)
    if between == "between pixels":
        truth = np.minimum(truth + rng.uniform(size=truth.shape), SIZE)
    return truth, model.predict(rectangles.paint(truth), verbose=0)


def read_out(readout, between, seed):
    """Return the mean IoU, and the mean error of an edge in pixels."""
    truth, scores = scores_on(between, seed)
    answer = READ[readout](scores)
    error = np.abs(truth - answer).mean()
    return {"mean IoU": boxes.iou(truth, answer).mean(), "error": error}


# %% Runs
TRAINED_ON = ("nothing: their mean box", "all rectangles", "large ones")
NOISE, PLACES = (0, 0.1, 0.2, 0.4, 0.8), ("on pixels", "between pixels")
RUNS = {
    6: [(train_plain, TRAINED_ON, ("",), range(5), ("mean IoU",))],
    7: [(with_noise, SUMMARIES, NOISE, range(3), ("mean IoU", "rate"))],
    8: [(read_out, READ, PLACES, range(3), ("mean IoU", "error"))],
}


# %% Verdicts
def verdicts():
    both = "all rectangles", "large ones"
    other, large = (of(6, "mean IoU", place) for place in both)
    mean_box = of(6, "mean IoU", "nothing: their mean box").mean()
    noisy = {
        (summary, noise): of(7, "mean IoU", f"{summary} @ {noise}")
        for summary in ("maximum", "mean", "8 largest")
        for noise in (0, 0.1, 0.2, 0.4, 0.8)
    }
    between = {
        readout: of(8, "mean IoU", f"{readout} @ between pixels")
        for readout in (
            "largest score",
            "soft-argmax",
            "soft-argmax, scores × 3",
            "soft-argmax, neighbors only",
        )
    }
    largest, near = (
        between[name]
        for name in ("largest score", "soft-argmax, neighbors only")
    )
    return {
        "Training on large ones brings more than 0.03, on each seed.": (
            (large - other > 0.03).all()
        ),
        "But that is less than a tenth of the way from the mean box to 1.": (
            (large - other).mean() < 0.1 * (1 - mean_box)
        ),
        "A network trained on all kinds is above 0.85 on large ones.": (
            other.min() > 0.85
        ),
        "Up to 0.2, the maximum is far above the mean.": all(
            surely(noisy["maximum", n] - noisy["mean", n] - 0.1)
            for n in (0.1, 0.2)
        ),
        "From 0.4 on, the mean is far above the maximum.": all(
            surely(noisy["mean", n] - noisy["maximum", n] - 0.1)
            for n in (0.4, 0.8)
        ),
        "From 0.2 to 0.4, the maximum loses more than half.": (
            noisy["maximum", 0.4].mean() < noisy["maximum", 0.2].mean() / 2
        ),
        "At 0.4, the 8 largest are the best of the three.": all(
            surely(noisy["8 largest", 0.4] - noisy[summary, 0.4])
            for summary in ("maximum", "mean")
        ),
        "At 0.8, the mean is the best of the three.": all(
            surely(noisy["mean", 0.8] - noisy[summary, 0.8])
            for summary in ("maximum", "8 largest")
        ),
        "Between pixels, the neighbors alone are best on each seed.": all(
            (near > iou).all()
            for iou in between.values()
            if iou is not near
        ),
        "Over all positions, the soft-argmax is useless there.": (
            between["soft-argmax"].max() < 0.1
        ),
        "Sharper, it is still worse than the largest score, on each seed.": (
            (between["soft-argmax, scores × 3"] < largest).all()
        ),
    }
