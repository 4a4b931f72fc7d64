# %% Exercise 6
def judged(model, x, unit=1):
    """Return the scores of a model on val."""
    out = answer(model, x)
    table = decode(out["class"], out["box"] * unit, images)
    keras.backend.clear_session()
    return dict(score(table).loc["val"])


def with_weight(head, weight, seed):
    """Return the scores of a head as published, but for its weight."""
    keras.utils.set_random_seed(seed)
    build = {"pooled": pooled_head, "spatial": spatial_head}[head]
    model = build(x_last.shape[1:])
    compile_heads(model, weight)
    fit(model, x_last, train, 20)
    return judged(model, x_last)


# %% Exercise 6, its figure
def figure(table):
    """Draw accuracy and mean IoU against the weight, for both heads."""
    _, axes = plt.subplots(1, 2, figsize=(8, 3))
    for ax, what in zip(axes, ["accuracy", "mean IoU"]):
        scores = table[table["what"] == what].groupby("arm", sort=False)
        for marker, (head, runs) in zip("os", scores):
            weight = runs["at"].astype(float)
            means = runs.groupby(weight)["value"].mean()
            (line,) = ax.plot(means.index, means, label=head)
            style = {"mfc": "none", "color": line.get_color()}
            ax.plot(weight, runs["value"], marker, **style)
        ax.set(xscale="log", xlabel="weight of the box", ylabel=what)
        ax.set_xticks(means.index, [f"{w:g}" for w in means.index])
        ax.minorticks_off()
    axes[0].legend()


# %% Exercise 7
def overfit_64(loss, batch, seed):
    """Return the accuracy on 64 pictures after training on them."""
    name, length, *order = loss.split(", ")
    epochs = 30 if length == "30 epochs" else 320 * batch // 64
    x, rng = averages[LAST], np.random.default_rng(seed)
    few = np.flatnonzero(train)[:64]
    keras.utils.set_random_seed(seed)
    model = two_dense_heads(x.shape[1])
    losses = BROKEN if name == "broken" else RIGHT
    model.compile("adam", losses, {"class": 0.5, "box": 0.5})
    if order:
        for _ in range(epochs):
            some = pick(x, rng.permutation(few), SIZE)
            model.fit(*some, batch, shuffle=False, verbose=0)
    else:
        model.fit(*pick(x, few, SIZE), batch, epochs, verbose=0)
    shares = np.asarray(model(x[few])["class"])
    right = shares.argmax(axis=1) == images["label"][few]
    keras.backend.clear_session()
    return {"accuracy": right.mean()}


# %% Exercise 8
from functools import cache


def in_pixels(shape):
    """Return the spatial head with pixels inside, and fractions out."""
    model = spatial_head(shape)
    box = layers.Rescaling(1 / SIZE, name="fractions")(model.output["box"])
    heads = {"class": model.output["class"], "box": box}
    return keras.Model(model.input, heads)


def train_random(start, rate, seed):
    """Train the tuned spatial head from a start; return it, and before."""
    global start_at_mean_box
    kept = start_at_mean_box
    if start != "mean box":
        start_at_mean_box = lambda model: None  # noqa: E731
    keras.utils.set_random_seed(seed)
    build = in_pixels if start == "random, pixels" else spatial_head
    model = build(x_last.shape[1:])
    untrained = np.asarray(model(x_last[:256])["box"])
    train_heads(model, x_last, seed, rate, steps=250)
    start_at_mean_box = kept
    return model, untrained


@cache
def best_rate(start):
    """Return the rate with the best boxes on val, by another seed."""
    scores = {
        rate: judged(train_random(start, rate, 100)[0], x_last, SIZE)
        for rate in (0.0004, 0.002, 0.01, 0.05, 0.25)
    }
    return max(scores, key=lambda rate: scores[rate]["mean IoU"])


def from_start(start, _, seed):
    """Return mean IoU on train and val, and how untrained boxes spread."""
    rate = best_rate(start)
    model, untrained = train_random(start, rate, seed)
    out = answer(model, x_last)
    table = decode(out["class"], out["box"] * SIZE, images)
    overlap = score(table)["mean IoU"]
    keras.backend.clear_session()
    return {
        "val": overlap["val"],
        "train": overlap["train"],
        "rate": rate,
        "spread, untrained": untrained.std(axis=0).mean(),
    }


# %% Exercise 9
IDEAS = ["positions", "earlier layers", "IoU loss", "mirrored"]


def on_layers(chosen, _, seed):
    """Return the scores of our head on maps of these layers."""
    global x_all, SCALES
    before = x_all, SCALES
    other = keras_backbones.load(layers=[*chosen.split(", "), "last"])
    x_all, _ = features.extract(other, images, DATASET)
    SCALES = {layer: channel_scale(part) for layer, part in x_all.items()}
    x_all["last"] = x_all["last"].mean(axis=(1, 2), dtype="float32")
    model, x = train_ours(seed, IDEAS, rate=0.01, steps=250)
    x_all, SCALES = before
    return judged(model, x, SIZE)


# %% Runs
SCORED = ("accuracy", "mean IoU", "accuracy at IoU 0.5")
HEADS, WEIGHTS = ("pooled", "spatial"), (1, 0.01, 0.0001, 0.000001)
LENGTHS = ("broken, 30 epochs", "broken, 320 steps")
LENGTHS += ("broken, 320 steps, new orders", "right, 30 epochs")
STARTED = ("mean box", "random, fractions", "random, pixels")
LAYERS = ("block_10, block_14", "block_7, block_12", "block_14")
OVERLAPS, THREE = ("val", "train", "rate", "spread, untrained"), range(3)
RUNS = {
    6: [(with_weight, HEADS, WEIGHTS, THREE, SCORED)],
    7: [(overfit_64, LENGTHS, (2, 8, 32), THREE, ("accuracy",))],
    8: [(from_start, STARTED, ("",), THREE, OVERLAPS)],
    9: [(on_layers, LAYERS, ("",), THREE, SCORED)],
}


# %% Verdicts
def verdicts():
    weights = "1", "0.01", "0.0001", "1e-06"
    whats = "accuracy", "mean IoU"
    heads = {
        (head, what, weight): of(6, what, f"{head} @ {weight}")
        for head in ("pooled", "spatial")
        for what in whats
        for weight in weights
    }

    def right(loss, batch):
        return of(7, "accuracy", f"{loss} @ {batch}").mean()

    starts = "mean box", "random, fractions", "random, pixels"
    val, train, spread = (
        {start: of(8, what, start) for start in starts}
        for what in ("val", "train", "spread, untrained")
    )
    ours, others, one = (
        of(9, "mean IoU", layers)
        for layers in (
            "block_10, block_14",
            "block_7, block_12",
            "block_14",
        )
    )
    names = [
        of(9, "accuracy", layers).mean()
        for layers in (
            "block_10, block_14",
            "block_7, block_12",
            "block_14",
        )
    ]
    return {
        "The spatial head moves by less than 0.01 over all weights.": all(
            (
                abs(heads["spatial", what, w] - heads["spatial", what, "1"])
                < 0.01
            ).all()
            for what in whats
            for w in weights
        ),
        "With a weight of 1, the pooled head names less, on each seed.": (
            heads["pooled", "accuracy", "1"]
            < heads["pooled", "accuracy", "0.01"]
        ).all(),
        "With the smallest weight, its boxes are below a third of that.": (
            heads["pooled", "mean IoU", "1e-06"].mean()
            < heads["pooled", "mean IoU", "0.01"].mean() / 3
        ),
        "The broken loss learns less with larger batches.": (
            right("broken, 30 epochs", 2) > 0.9
            and 0.6 > right("broken, 30 epochs", 8) > 0.4
            and right("broken, 30 epochs", 32) < 0.35
        ),
        "The same steps alone change little.": all(
            abs(
                right("broken, 30 epochs", n)
                - right("broken, 320 steps", n)
            )
            < 0.1
            for n in (2, 8, 32)
        ),
        "With new orders, all batch sizes learn nearly all.": all(
            right("broken, 320 steps, new orders", n) > 0.95
            for n in (2, 8, 32)
        ),
        "The right loss does not care.": all(
            right("right, 30 epochs", n) > 0.95 for n in (2, 8, 32)
        ),
        "A random start in fractions costs more than 0.1, on each seed.": (
            (val["mean box"] - val["random, fractions"] > 0.1).all()
        ),
        "In pixels it costs less than 0.05.": (
            (val["mean box"] - val["random, pixels"]).mean() < 0.05
        ),
        "Fractions are worse on the training pictures, too, on each.": (
            (train["mean box"] - train["random, fractions"] > 0.1).all()
        ),
        "The seeds differ most from a random start in fractions.": (
            val["random, fractions"].std()
            > 5 * max(val["mean box"].std(), val["random, pixels"].std())
        ),
        "Untrained boxes spread 100 times as far in fractions.": (
            (
                spread["random, fractions"] > 100 * spread["random, pixels"]
            ).all()
        ),
        "Our layers have better boxes than the last alone, on each seed.": (
            (ours > one).all()
        ),
        "The other two lie between, within 0.03 of ours.": (
            one.mean() < others.mean() < ours.mean() < others.mean() + 0.03
        ),
        "The names hardly differ.": max(names) - min(names) < 0.03,
    }
