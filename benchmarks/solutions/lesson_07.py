# %% Exercise 6
from functools import cache


def loss_of_all(points, true, mask):
    """Return the mean distance of all joints, the unknown ones too."""
    return (points - true).abs().sum(-1).mean()


@cache
def trained(loss, seed):
    """Return a model with heat maps that learned with or without mask."""
    global SEED, pose_loss
    SEED, before = seed, pose_loss
    if loss == "without the mask":
        pose_loss = loss_of_all
    model = train_pose("heat maps")
    pose_loss = before
    return model


def without_mask(kind, loss, seed):
    """Return PCK and mean place, on val, of the joints of one kind."""
    points, _ = predict(trained(loss, seed))
    columns = [j for j, joint in enumerate(JOINTS) if joint.endswith(kind)]
    x, y = points[val][:, columns].mean(axis=(0, 1))
    right = share(correct(points)[val][:, columns])
    return {"PCK at 0.1": right, "mean x": x, "mean y": y}


# %% Exercise 7
def cells_and_places(seed):
    """Return heat maps (n, joints, cells) and the places of the cells."""
    model = trained("with the mask", seed)
    with torch.no_grad():
        heat = model.head.heat(x).numpy()
    rows, columns = (np.linspace(-0.05, 1.05, n) for n in heat.shape[2:])
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return heat.reshape(*heat.shape[:2], -1), places


def read_out(readout, alpha, seed):
    """Return the PCK on val of a way to read the heat maps."""
    heat, places = cells_and_places(seed)
    highest = places[heat.argmax(axis=2)]
    if readout == "highest cell":
        points = highest
    else:
        # how many cells away, in the direction that is farther
        step = places[1, 0] - places[0, 0]
        away = np.abs(places - highest[:, :, None]).max(axis=-1) / step
        near = away < (1.5 if readout == "3 × 3 cells around" else np.inf)
        shares = heat * near
        points = shares @ places / shares.sum(axis=2, keepdims=True)
    return {"PCK": share(correct(points, alpha)[val])}


# %% Exercise 8
def with_few(head, part, seed):
    """Return the PCK on val after training on a part of the pictures."""
    global SEED, EPOCHS, train
    before = SEED, EPOCHS, train
    rows = np.flatnonzero(train)
    drawn = np.random.default_rng(seed).permutation(rows)
    chosen = drawn[: int(np.ceil(part * len(rows)))]
    steps = EPOCHS * np.ceil(len(rows) / 32)
    SEED, EPOCHS = seed, round(steps / np.ceil(len(chosen) / 32))
    train = np.isin(np.arange(len(train)), chosen)
    points, _ = predict(train_pose(head))
    SEED, EPOCHS, train = before
    return {"PCK at 0.1": share(correct(points)[val])}


# %% Exercise 8, its figure
def figure(table):
    """Draw PCK against the share of the pictures, for both heads."""
    _, ax = plt.subplots(figsize=(6.5, 3.2))
    for marker, (name, runs) in zip("os", table.groupby("arm", sort=False)):
        part = runs["at"].astype(float)
        means = runs.groupby(part)["value"].mean()
        (line,) = ax.plot(means.index, means, label=name)
        style = {"mfc": "none", "color": line.get_color()}
        ax.plot(part, runs["value"], marker, **style)
    ticks = sorted(part.unique())
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, ["1/8", "1/4", "1/2", "all"])
    ax.set(
        xlabel="share of the training pictures", ylabel="PCK at 0.1, val"
    )
    ax.legend()


# %% Exercise 9
def standardized(features):
    """Return features with mean 0 and spread 1 on the training pictures."""
    mean, spread = features[train].mean(0), features[train].std(0)
    return (features - mean) / spread.clamp(min=1e-6)


def name_from(source, _, seed):
    """Return the accuracy of a linear layer on joints, averages or both."""
    points = torch.from_numpy(predict(trained("with the mask", seed))[0])
    pose = standardized((points - points.mean(1, keepdim=True)).flatten(1))
    what = standardized(averages)
    inputs = {"joints": pose, "averages": what}
    inputs["both"] = torch.cat([pose, what], 1)
    features = inputs[source]
    torch.manual_seed(seed)
    layer = nn.Linear(features.shape[1], len(CLASSES))
    optimizer = torch.optim.AdamW(layer.parameters(), RATE)
    rows = torch.from_numpy(np.flatnonzero(train))
    lowest, best = np.inf, None
    for _ in range(EPOCHS):
        for some in rows[torch.randperm(len(rows))].split(32):
            loss = functional.cross_entropy(
                layer(features[some]), labels[some]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits = layer(features)
        held_out = functional.cross_entropy(logits[val], labels[val])
        if held_out < lowest:
            lowest, best = held_out, logits.argmax(1) == labels
    right = best.float().numpy()
    return {
        "val accuracy": right[val].mean(),
        "test accuracy": right[test].mean(),
    }


# %% Runs
KINDS = ("ankle", "knee", "wrist", "elbow", "hip", "shoulder", "neck")
LOSSES = ("with the mask", "without the mask")
READOUTS = ("average of all cells", "highest cell", "3 × 3 cells around")
PARTS, THREE = (0.125, 0.25, 0.5, 1), range(3)
PLACED = ("PCK at 0.1", "mean x", "mean y")
NAMED = ("val accuracy", "test accuracy")
RUNS = {
    6: [(without_mask, KINDS, LOSSES, THREE, PLACED)],
    7: [(read_out, READOUTS, (0.1, 0.05), THREE, ("PCK",))],
    8: [(with_few, ("dense", "heat maps"), PARTS, THREE, ("PCK at 0.1",))],
    9: [(name_from, ("averages", "joints", "both"), ("",), THREE, NAMED)],
}


# %% Verdicts
def verdicts():
    kinds = "ankle", "knee", "wrist", "elbow", "hip", "shoulder", "neck"

    def without(what, kind):
        after, before = (
            of(6, what, f"{kind} @ {loss} the mask")
            for loss in ("without", "with")
        )
        return after - before

    lost = {kind: -without("PCK at 0.1", kind).mean() for kind in kinds}
    pck = {
        (readout, alpha): of(7, "PCK", f"{readout} @ {alpha}")
        for readout in (
            "average of all cells",
            "highest cell",
            "3 × 3 cells around",
        )
        for alpha in (0.1, 0.05)
    }
    shares = "0.125", "0.25", "0.5", "1"
    heat, dense = (
        {part: of(8, "PCK at 0.1", f"{head} @ {part}") for part in shares}
        for head in ("heat maps", "dense")
    )
    named = {
        source: of(9, "test accuracy", source)
        for source in ("averages", "joints", "both")
    }
    return {
        "The ankles lose most, on each seed.": (
            max(lost, key=lost.get) == "ankle"
            and (without("PCK at 0.1", "ankle") < -0.03).all()
        ),
        "They move up, and on each seed to the left.": (
            surely(-without("mean y", "ankle"))
            and (without("mean x", "ankle") < 0).all()
        ),
        "Shoulders and neck hardly notice.": all(
            abs(lost[kind]) < 0.03 for kind in ("shoulder", "neck")
        ),
        "The highest cell is worst, and the cells around it are between.": all(
            surely(pck["average of all cells", alpha] - pck[near, alpha])
            and surely(pck[near, alpha] - pck["highest cell", alpha])
            for alpha in (0.1, 0.05)
            for near in ["3 × 3 cells around"]
        ),
        "The heat maps are ahead at each share by more than 0.05.": all(
            (heat[part] - dense[part] > 0.05).all() for part in shares
        ),
        "Both curves rise to their end.": all(
            head[few].mean() < head[more].mean()
            for head in (heat, dense)
            for few, more in (shares[:2], shares[1:3], shares[2:])
        ),
        "The distance is larger with an eighth than with all, on each seed.": (
            (heat["0.125"] - dense["0.125"] > heat["1"] - dense["1"]).all()
        ),
        "Averages name more than joints, on each seed.": (
            (named["averages"] > named["joints"]).all()
        ),
        "Both together name more than the averages, on each seed.": (
            (named["both"] > named["averages"]).all()
        ),
        "The joints alone name more than 0.4 rightly.": (
            named["joints"].min() > 0.4
        ),
    }
