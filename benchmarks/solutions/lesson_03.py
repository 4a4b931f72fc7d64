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
    axes[0].legend()


# %% Exercise 7
def overfit_64(loss, batch, seed):
    """Return the accuracy on 64 pictures after training on them."""
    name, length = loss.split(", ")
    epochs = 30 if length == "30 epochs" else 320 * batch // 64
    few = np.flatnonzero(train)[:64]
    keras.utils.set_random_seed(seed)
    model = two_dense_heads(averages[LAST].shape[1])
    losses = BROKEN if name == "broken" else RIGHT
    model.compile("adam", losses, {"class": 0.5, "box": 0.5})
    model.fit(*pick(averages[LAST], few, SIZE), batch, epochs, verbose=0)
    shares = np.asarray(model(averages[LAST][few])["class"])
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
        for rate in (0.0004, 0.002, 0.01)
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
LENGTHS = ("broken, 30 epochs", "broken, 320 steps", "right, 30 epochs")
STARTED = ("mean box", "random, fractions", "random, pixels")
LAYERS = ("block_10, block_14", "block_7, block_12", "block_14")
OVERLAPS, THREE = ("val", "train", "rate", "spread, untrained"), range(3)
RUNS = {
    6: [(with_weight, HEADS, WEIGHTS, THREE, SCORED)],
    7: [(overfit_64, LENGTHS, (2, 8, 32), THREE, ("accuracy",))],
    8: [(from_start, STARTED, ("",), THREE, OVERLAPS)],
    9: [(on_layers, LAYERS, ("",), THREE, SCORED)],
}
