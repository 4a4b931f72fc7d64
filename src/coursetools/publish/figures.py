"""Draw the pictures that are in the pages and not in a notebook's output.

Run `python -m coursetools.publish.figures` after the drawings of `mini` have changed, and
commit the pictures.
"""

import json

from coursekit import datasets, lessons, plotting, settings, voc
from coursekit.boxes import SIDES
from minivoc import CLASSES, crowds, figures, rectangles
from minivoc.bodies import BONES, JOINTS
from minivoc.pictures import render

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

STATIC = settings.CHECKOUT / "book" / "_static"
COVER = {"dog": 0, "bird": 5, "horse": 2, "cat": 2, "cow": 3}  # which of its class looks best
CROWD = 15  # which of the crowds is in the picture of lesson 08
POSES = (23, 2, 23)  # the seeds of the figures in the picture of lesson 07
CELLS = 8  # in each direction, of the backbone's last map
WIDTH = 6.2  # inches, of a figure with text: on a phone its letters can still be read


def save(figure, name: str) -> None:
    """Write a figure as a small PNG, without the date that would make each one new."""
    figure.savefig(STATIC / name, dpi=110, pil_kwargs={"optimize": True})
    plt.close(figure)


def large_ones(images):
    """Return the images whose object is easy to see: whole, wide picture, a third of its height."""
    height = images["ymax"] - images["ymin"]
    share = height / images["height"]
    wide = images["width"] / images["height"] > 1.2
    return images[wide & ~images["truncated"] & (share > 0.45) & (share < 0.85)]


def cover(directory, images) -> None:
    """Draw five pictures of `mini`, each with its one object boxed and named."""
    figure, axes = plt.subplots(1, 5, figsize=(11, 1.95))
    for ax, (name, number) in zip(axes, COVER.items(), strict=True):
        row = images[images["name"] == name].iloc[number]
        picture = Image.open(directory / "JPEGImages" / row["filename"])
        plotting.show_image(ax, picture)
        plotting.draw_box(ax, row[SIDES], label=name)
    save(figure, "cover.png")


def goal_01() -> None:
    """Draw four rectangles, each with a box that nearly fits."""
    truth = rectangles.draw_boxes(400, np.random.default_rng(5))
    sides = truth[:, 2:] - truth[:, :2]
    chosen = truth[(sides.min(axis=1) > 25) & (sides.max(axis=1) < 130)][:4]
    guess = chosen + np.random.default_rng(1).normal(0, 7, chosen.shape)
    figure, axes = plt.subplots(1, 4, figsize=(9, 2.4))
    for ax, image, other in zip(axes, rectangles.paint(chosen), guess, strict=True):
        plotting.show_image(ax, image)
        plotting.draw_box(ax, other, "prediction")
    save(figure, "goal_01.png")


def goal_02(directory, images) -> None:
    """Draw a picture with its box, beside the lines of its annotation file."""
    row = images[images["name"] == "dog"].iloc[COVER["dog"]]
    text = (directory / "Annotations" / f"{row['image_id']}.xml").read_text(encoding="utf-8")
    lines = text[text.index("\t<object>") : text.index("</object>")].replace("\t", "  ")
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9), width_ratios=[1.25, 1])
    plotting.show_image(left, Image.open(directory / "JPEGImages" / row["filename"]))
    plotting.draw_box(left, row[SIDES], label="dog")
    right.set_axis_off()
    right.text(0, 1, lines + "</object>", family="monospace", fontsize=10, va="top")
    save(figure, "goal_02.png")


def goal_03(directory, images) -> None:
    """Draw a picture under the grid of the feature map, what its cells keep, and the answer."""
    row = images[images["name"] == "dog"].iloc[COVER["dog"]]
    picture = Image.open(directory / "JPEGImages" / row["filename"])
    cells = picture.resize((CELLS, CELLS), Image.Resampling.BOX).resize(picture.size, 0)
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.4))
    for ax, image in zip(axes, (picture, cells, picture), strict=True):
        plotting.show_image(ax, image)
    for line in np.arange(1, CELLS) / CELLS:
        axes[0].axvline(line * picture.width, color="white", linewidth=0.8)
        axes[0].axhline(line * picture.height, color="white", linewidth=0.8)
    plotting.draw_box(axes[2], row[SIDES] + np.array([6, -5, -8, 4]), "prediction", "dog")
    save(figure, "goal_03.png")


def goal_04(directory, images) -> None:
    """Draw one picture twice: as a beginner sees it, and as a trained network does."""
    row = images[images["name"] == "cat"].iloc[COVER["cat"]]
    picture = Image.open(directory / "JPEGImages" / row["filename"])
    width, height = picture.size
    guesses = {"dog?": [0.2 * width, 0.15 * height, 0.75 * width, 0.9 * height]}
    guesses["cat"] = row[SIDES] + np.array([5, -4, -6, 5])
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.7))
    for ax, (name, box) in zip(axes, guesses.items(), strict=True):
        plotting.show_image(ax, picture)
        plotting.draw_box(ax, row[SIDES])
        plotting.draw_box(ax, box, "prediction", name)
    save(figure, "goal_04.png")


def goal_05(directory, images) -> None:
    """Draw scores with their intervals, beside a prediction that is not quite right."""
    shown = {
        "center box": "center_box",
        "pooled head": "keras_pooled",
        "pointing head": "keras_pointing",
        "fine-tuned": "torch_fine_tuned",
    }
    results = json.loads((settings.CHECKOUT / "book" / "results.json").read_text(encoding="utf-8"))
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.6), width_ratios=[1.5, 1])
    for place, model in enumerate(shown.values()):
        scores = results["models"][model]["test"]
        score, ends = scores["accuracy_at_iou_50"], scores["accuracy_at_iou_50_interval"]
        left.barh(place, score, color=plotting.FAINT, edgecolor=plotting.OTHER)
        left.plot(ends, [place, place], "-|", color=plotting.PREDICTION, markersize=12)
    left.set_yticks(range(len(shown)), shown)
    left.invert_yaxis()
    left.set(xlabel="accuracy at IoU 0.5", xlim=(0, 1))
    row = images[images["name"] == "dog"].iloc[COVER["dog"]]
    plotting.show_image(right, Image.open(directory / "JPEGImages" / row["filename"]))
    plotting.draw_box(right, row[SIDES])
    plotting.draw_box(right, row[SIDES] + np.array([38, -20, 24, -30]), "prediction", "cat?")
    save(figure, "goal_05.png")


def goal_06(directory, images) -> None:
    """Draw what a better box costs, beside a box whose sides are more and less sure."""
    table = lessons.measured("exchange_mini")
    together = table[(table["use"] == "score") & table["arm"].str.startswith("w = ")]
    means = together.groupby("arm", sort=False)[["test_accuracy", "test_mean_iou"]].mean()
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.6), width_ratios=[1.3, 1])
    left.plot(*together[[*means]].to_numpy().T, ".", color=plotting.FAINT)
    left.plot(*means.to_numpy().T, "-o", color=plotting.INK)
    left.set(xlabel="names: accuracy", ylabel="boxes: mean IoU")
    row = images[images["name"] == "horse"].iloc[COVER["horse"]]
    plotting.show_image(right, Image.open(directory / "JPEGImages" / row["filename"]))
    plotting.draw_box(right, row[SIDES])
    for side, reach in zip(SIDES, (10, 26, 34, 14), strict=True):
        span = right.axvspan if side.startswith("x") else right.axhspan
        span(row[side] - reach, row[side] + reach, color=plotting.PREDICTION, alpha=0.25)
    right.set(xlim=(0, row["width"]), ylim=(row["height"], 0))
    save(figure, "goal_06.png")


def goal_07() -> None:
    """Draw two figures with a true and a predicted pose, and where a heat map sees a wrist."""
    figure, axes = plt.subplots(1, 3, figsize=(8.5, 3.1), width_ratios=[1, 1, 1])
    wrist = JOINTS.index("left_wrist")
    for ax, number in zip(axes, POSES, strict=True):
        rng = np.random.default_rng(number)
        activity = ("running", "jumping")[number % 2]
        backdrop, behind, people, front = figures.compose(rng, [activity])
        plotting.show_image(ax, render(backdrop, [*behind, people[0].sprite, *front]))
        points = np.array([people[0].joints[joint] for joint in JOINTS])
        guess = points + rng.normal(0, 6, points.shape)
        if ax is axes[2]:
            width, height = backdrop.image.size
            x, y = np.meshgrid(np.arange(width), np.arange(height))
            away = (x - guess[wrist, 0]) ** 2 + (y - guess[wrist, 1]) ** 2
            heat = np.exp(-away / (2 * 16**2))
            ax.imshow(heat, cmap="magma", alpha=0.85 * heat)
            ax.plot(*points[wrist], "o", color=plotting.TRUTH)
            continue
        for pose, line, color in (
            (points, "-", plotting.TRUTH),
            (guess, "--", plotting.PREDICTION),
        ):
            for one, other in BONES:
                ends = pose[[JOINTS.index(one), JOINTS.index(other)]]
                ax.plot(*ends.T, line, color=color, linewidth=1.6)
    save(figure, "goal_07.png")


def goal_08() -> None:
    """Draw a crowd with its boxes, under the heat of their centers, and as boxes with names."""
    _, backdrop, sprites, objects = crowds.compose_one(CROWD, 3, 2017)
    picture, (width, height) = render(backdrop, sprites), backdrop.image.size
    animals = [thing for thing in objects if thing.name in CLASSES]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    heat = np.zeros((height, width))
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.4))
    for ax in axes:
        plotting.show_image(ax, picture)
    for thing in animals:
        xmin, ymin, xmax, ymax = thing.box
        plotting.draw_box(axes[0], thing.box)
        along_x = (x - (xmin + xmax) / 2) / (xmax - xmin)
        along_y = (y - (ymin + ymax) / 2) / (ymax - ymin)
        heat = np.maximum(heat, np.exp(-18 * (along_x**2 + along_y**2)))
        guess = np.add(thing.box, [4, -4, -5, 3])
        plotting.draw_box(axes[2], guess, "prediction", thing.name)
    axes[1].imshow(heat, extent=(0, width, height, 0), cmap="magma", alpha=0.2 + 0.7 * heat)
    save(figure, "goal_08.png")


if __name__ == "__main__":
    plotting.use_style()
    mini = datasets.prepare("mini")
    chosen = large_ones(voc.single_object(voc.load_annotations(mini), CLASSES, True))
    cover(mini, chosen)
    goal_01()
    goal_02(mini, chosen)
    goal_03(mini, chosen)
    goal_04(mini, chosen)
    goal_05(mini, chosen)
    goal_06(mini, chosen)
    goal_07()
    goal_08()
