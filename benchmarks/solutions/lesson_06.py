# %% Exercise 6
from functools import cache


def absolute_box_loss(outputs, box):
    """Return the mean absolute error of each member, in fractions."""
    sides = outputs["box"][..., :4]
    return ops.mean(absolute(box[:, None], sides), axis=0)


@cache
def scores_by_rate(loss, seed):
    """Return the scores on val of six rates, for L1 or for L2."""
    global SEED, box_loss, LAZY_BOX
    SEED, before = seed, (box_loss, LAZY_BOX)
    if loss == "L1":
        box_loss = absolute_box_loss
        LAZY_BOX = np.abs(truth[val] - MEAN_BOX).mean()
    rates = [0.01, 0.1, 1, 10, 100, 1000]
    scores = score(sweep(rates), val).set_axis(rates)
    box_loss, LAZY_BOX = before
    return scores


def with_loss(loss, rate, seed):
    """Return the scores of one rate."""
    return dict(scores_by_rate(loss, seed).loc[rate])


def of_the_mean_box(loss, _, seed):
    """Return what the mean box costs on val."""
    error = truth[val] - MEAN_BOX
    each = np.abs(error) if loss == "L1" else error**2
    return {"loss of the mean box": each.mean()}


# %% Exercise 7
from functools import cache


@cache
def sides_of_one(seed):
    """Return place and spread of each side, by one member, by split."""
    global SEED, sure
    SEED = seed
    sure = learn_spreads(1)
    return [[p[:, 0] for p in laplace_sides(rows)] for rows in (val, test)]


def promised(promise, _, seed):
    """Return what a promise of 90 % holds on test, and how wide it is."""
    (middle, spread), (new, new_spread) = sides_of_one(seed)
    ratios = np.abs(truth[val] - middle) / spread
    if promise == "whole boxes":
        ratios = ratios.max(axis=1)
    half = np.minimum(widening(ratios) * new_spread, 1)
    held = np.abs(truth[test] - new) <= half
    return {
        "sides held": held.mean(),
        "boxes held": held.all(axis=1).mean(),
        "mean width": 2 * half.mean(),
    }


# %% Exercise 8
from functools import cache


@cache
def sweep_units(units, seed):
    """Return the scores on val of every second rate, with these units."""
    global SEED
    SEED, rates = seed, EXCHANGE[::2]
    keras.utils.set_random_seed(seed)
    model = build(len(rates), units=units)
    train_members(model, weighted(np.asarray(rates, "float32")))
    return score(model, val).set_axis(rates)


def with_units(units, rate, seed):
    """Return the scores of one rate."""
    return dict(sweep_units(int(units.split()[0]), seed).loc[rate])


# %% Exercise 8, its figure
def figure(table):
    """Draw a curve of accuracy and mean IoU for each number of units."""
    _, ax = plt.subplots(figsize=(6.5, 4))
    table = table[table["what"].isin(["accuracy", "mean IoU"])]
    index = ["arm", "at", "seed"]
    runs = table.pivot(index=index, columns="what", values="value")
    for marker, units in zip("osD", table["arm"].unique()):
        own = runs.loc[units]
        means = own.groupby("at").mean()
        means = means.loc[sorted(means.index, key=float)]
        x, y = means["accuracy"], means["mean IoU"]
        (line,) = ax.plot(x, y, "-" + marker, label=units)
        style = {"mfc": "none", "ms": 3, "color": line.get_color()}
        ax.plot(own["accuracy"], own["mean IoU"], marker, **style)
        for rate, up in ((means.index[0], -4), (means.index[-1], 7)):
            words = f"w = {float(rate):g}"
            away = {"textcoords": "offset points", "fontsize": 8}
            ax.annotate(words, means.loc[rate], (6, up), **away)
    ax.set(xlabel="accuracy, val", ylabel="mean IoU, val")
    ax.legend()


# %% Exercise 9
from functools import cache


@cache
def learn_faster(start, times, seed):
    """Return scores and rate of a member whose s learns `times` as fast.

    The variable holds s / times. A step moves it as far as before, and
    so it moves s `times` as far.
    """
    global SEED
    SEED, second = seed, 0.0 if start == "from 0" else np.log(LAZY_BOX)
    scaled = tf.Variable(np.array([[0.0, second]]) / times, dtype="float32")

    def by_uncertainty(outputs, label, box):
        s = times * scaled
        name = ops.exp(-s[:, 0]) * name_loss(outputs, label)
        error = ops.exp(-s[:, 1]) * box_loss(outputs, box)
        return name + s[:, 0] / 2 + 2 * error + 2 * s[:, 1]

    keras.utils.set_random_seed(seed)
    model = build(1)
    learned = [*model.trainable_variables, scaled]
    train_members(model, by_uncertainty, learned=learned)
    s = times * scaled.numpy()
    rate = 2 * np.exp(s[0, 0] - s[0, 1])
    return dict(score(model, val).loc[0]) | {"rate at the end": rate}


# %% Runs
SCORED = ("accuracy", "mean IoU", "accuracy at IoU 0.5")
PROMISES = ("single sides", "whole boxes")
UNITS, SOME = ("8 units", "32 units", "128 units"), (0.1, 1, 10, 100, 1000)
STARTS, THREE = ("from 0", "from the mean box"), range(3)
RUNS = {
    6: [
        (
            of_the_mean_box,
            ("L1", "L2"),
            ("",),
            (0,),
            ("loss of the mean box",),
        ),
        (with_loss, ("L1", "L2"), (0.01, *SOME), THREE, SCORED),
    ],
    7: [
        (
            promised,
            PROMISES,
            ("",),
            THREE,
            ("sides held", "boxes held", "mean width"),
        )
    ],
    8: [(with_units, UNITS, SOME, THREE, SCORED)],
    9: [
        (learn_faster, STARTS, (1, 10), THREE, (*SCORED, "rate at the end"))
    ],
}


# %% Verdicts
def verdicts():
    def mean(exercise, what, place):
        return of(exercise, what, place).mean()

    def change(what, units):
        first, last = (
            of(8, what, f"{units} units @ {rate}") for rate in (0.1, 1000)
        )
        return last - first

    rates = 0.01, 0.1, 1, 10, 100
    boxes = {
        (loss, rate): of(6, "mean IoU", f"{loss} @ {rate}")
        for loss in ("L1", "L2")
        for rate in (*rates, 1000)
    }
    lazy = {
        loss: of(6, "loss of the mean box", loss).item()
        for loss in ("L1", "L2")
    }
    sides, whole = (
        {
            what: of(7, what, promise)
            for what in ("sides held", "boxes held", "mean width")
        }
        for promise in ("single sides", "whole boxes")
    )
    ends = {
        (start, times): of(9, "rate at the end", f"{start} @ {times}")
        for start in ("from 0", "from the mean box")
        for times in (1, 10)
    }

    def apart(times):
        return ends["from the mean box", times] / ends["from 0", times]

    def gain(start):
        fast, slow = (
            of(9, "mean IoU", f"{start} @ {times}") for times in (10, 1)
        )
        return fast - slow

    return {
        "The mean box costs three to six times as much in L1.": (
            3 * lazy["L2"] < lazy["L1"] < 6 * lazy["L2"]
        ),
        "At the same rate, L1 has the better boxes.": all(
            boxes["L1", rate].mean() > boxes["L2", rate].mean()
            for rate in rates
        ),
        "The boxes of L1 are about as good as those of L2 at ten times.": all(
            abs(boxes["L1", rate].mean() - boxes["L2", 10 * rate].mean())
            < 0.06
            for rate in (0.1, 1, 10, 100)
        ),
        "The curve of L1 bends, too: the last step costs names, no box.": (
            surely(
                of(6, "accuracy", "L1 @ 100")
                - of(6, "accuracy", "L1 @ 1000")
            )
            and boxes["L1", 1000].mean() - boxes["L1", 100].mean() < 0.01
        ),
        "At its largest rates, L1 has the better boxes at as many names.": (
            surely(boxes["L1", 100] - boxes["L2", 1000])
            and mean(6, "accuracy", "L1 @ 100")
            > mean(6, "accuracy", "L2 @ 1000") - 0.02
        ),
        "Single sides are held as promised, all four of fewer than 0.8.": (
            abs(sides["sides held"].mean() - 0.9) < 0.03
            and 0.66 < sides["boxes held"].mean() < 0.8
        ),
        "Whole boxes are held as promised, and need more width.": (
            whole["boxes held"].min() > 0.87
            and surely(whole["mean width"] - sides["mean width"])
        ),
        "With 8 units, names pay for boxes; far less with 32 or 128.": (
            surely(-0.2 - change("accuracy", 8))
            and all(
                change("accuracy", units).mean() > -0.1
                for units in (32, 128)
            )
        ),
        "With 32 and 128 units, three seeds show no loss of names.": not any(
            surely(-change("accuracy", units)) for units in (32, 128)
        ),
        "The boxes gain with each number of units.": all(
            surely(change("mean IoU", units)) for units in (8, 32, 128)
        ),
        "The more units, the farther right the curve, at each rate.": all(
            mean(8, "accuracy", f"128 units @ {rate}")
            > mean(8, "accuracy", f"8 units @ {rate}") + 0.04
            for rate in (0.1, 1, 10, 100, 1000)
        ),
        "Ten times as fast, both ends come nearer, and do not meet.": (
            apart(1).min() > 20 and 1.2 < apart(10).median() < 20
        ),
        "From 0, the boxes gain less than 0.02.": (
            gain("from 0").mean() < 0.02
        ),
        "From the mean box, they gain more.": surely(
            gain("from the mean box") - gain("from 0")
        ),
    }
