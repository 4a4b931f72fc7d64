"""Reads figures and their joints: COCO's keypoint format, and the file of Leeds Sports Pose.

COCO: ``annotations/person_keypoints_<split>.json``, and the pictures in ``<split>/`` or
``images/<split>/``; a year after the split, as in ``val2017``, does not matter [1]_.
Leeds Sports Pose: ``joints.mat`` and ``images/im0001.jpg`` … ``im2000.jpg`` [2]_.

References
----------
.. [1] Lin et al., "Microsoft COCO: Common objects in context", ECCV 2014. The format is described
   under "Format data" on the data set's site.
.. [2] Johnson and Everingham, "Clustered pose and nonlinear appearance models for human pose
   estimation", BMVC 2010. The first 1,000 pictures are for training, the others for testing.
"""

import json
from pathlib import Path
from typing import NamedTuple

from coursekit import datasets, settings
from coursekit.boxes import SIDES
from coursekit.pictures import size_of
from minivoc import figures

import numpy as np
import pandas as pd

SPLITS = ("train", "val", "test")
SMALLEST = 0.4  # of a figure's longer side, as a share of the picture's
HELD_OUT = 5  # where no pictures are for validation, every fifth training picture is
MAT = "joints.mat"
MAT_JOINTS = 14
LEEDS_TRAIN = 1000  # the first pictures of Leeds Sports Pose
FILLED = 0.53  # of a box by a person's outline; an estimate, where no outline is known
ADVICE = (
    "COURSEKIT_FIGURES names a directory with COCO's annotations/person_keypoints_<split>.json "
    f"and the pictures beside it, or with the {MAT} and images/ of Leeds Sports Pose."
)


class Figures(NamedTuple):
    """Pictures with one figure each, and its joints.

    `table` has a row for each picture: ``image_id``, ``filename`` (with its path), ``width``,
    ``height``, ``name`` of what the figure is or does, ``label`` (the number of that name),
    ``split``, the figure's box ``xmin … ymax`` in pixels, and its ``area`` in square pixels.
    `joints` has the shape (n, joints, 3): x and y in pixels, and COCO's flag, which is 0 for a
    joint that is not labeled, 1 for one that is hidden, and 2 for one that is seen. `names` are
    those of the joints, and `bones` the pairs of joints, by number, between which to draw a line.
    """

    table: pd.DataFrame
    joints: np.ndarray
    names: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]


def locate() -> Path:
    """Return the directory that ``COURSEKIT_FIGURES`` names; by default that of drawn figures.

    These are drawn first unless they have been, in about ten seconds; `FileExistsError` when
    something else is where they belong. `FileNotFoundError` when there is no such directory.
    """
    wanted = settings.figures()
    if wanted is None:
        return datasets.draw_once(settings.home() / "figures", figures.draw)
    directory = Path(wanted).expanduser().resolve()
    if not directory.is_dir():
        raise FileNotFoundError(f"There is no directory {directory}. {ADVICE}")
    return directory


def load(directory: str | Path, most: int | None = None) -> Figures:
    """Return the pictures of a directory that show one figure, large enough, with known joints.

    `SMALLEST` says how large, and `most` how many of each split are taken, from the first. Where no
    pictures are for testing, those for validation are, and every fifth picture for training is for
    validation; where there is only one kind of pictures, they are divided.

    `FileNotFoundError` when the directory has neither of the two layouts; `ValueError` when a file
    is damaged, or holds no picture of this kind. The message names file and field.
    """
    directory = Path(directory)
    files = sorted((directory / "annotations").glob("person_keypoints_*.json"))
    if files:
        found = _load_coco(directory, files)
    elif (directory / MAT).exists():
        found = _load_leeds(directory)
    else:
        raise FileNotFoundError(f"{directory} holds no figures. {ADVICE}")
    sides = found.table[SIDES].to_numpy()
    share = (sides[:, 2:] - sides[:, :2]) / found.table[["width", "height"]].to_numpy()
    large = share.max(axis=1, initial=0) >= SMALLEST
    if not large.any():
        raise ValueError(f"No picture in {directory} shows a single large figure with joints.")
    table = found.table[large].reset_index(drop=True)
    names = [name for name in found.table.attrs["names"] if name in {*table["name"]}]
    table["label"] = table["name"].map(names.index)
    table["split"] = _complete_splits(table["split"])
    table.attrs = {}
    rows = table.groupby("split").head(most or len(table)).index
    joints = found.joints[large][rows]
    return found._replace(table=table.loc[rows].reset_index(drop=True), joints=joints)


def _complete_splits(split: pd.Series) -> pd.Series:
    """Return the splits, with pictures for training, validation and testing where some are missing.

    Where only one kind is there, such as COCO's pictures for validation, three of five pictures are
    for training.
    """
    if split.nunique() == 1:
        return pd.Series(np.resize(["train", "train", "train", "val", "test"], len(split)))
    if "test" not in {*split}:
        split = split.replace("val", "test")
    if "val" not in {*split}:
        split = split.copy()
        split.iloc[np.flatnonzero(split == "train")[::HELD_OUT]] = "val"
    return split


def _load_coco(directory: Path, files: list[Path]) -> Figures:
    """Return what COCO's files hold of pictures with one figure."""
    rows, joints, known, kinds = [], [], None, []
    for file in files:
        suffix = file.stem.removeprefix("person_keypoints_")
        split = next((name for name in SPLITS if suffix.startswith(name)), None)
        if split is None:
            continue
        content = _read_json(file)
        skeleton = _skeleton(file, content["categories"])
        if known not in (None, skeleton):
            raise ValueError(f"{file}: its joints are not those of {files[0].name}.")
        known = skeleton
        names = {one["id"]: one["name"] for one in content["categories"]}
        kinds += [name for name in names.values() if name not in kinds]
        images = {one["id"]: one for one in content["images"]}
        folder = directory / suffix
        folder = folder if folder.is_dir() else directory / "images" / suffix
        for one in _alone(content["annotations"]):
            where = f"{file}: annotation {one.get('id')}"
            image = images.get(one.get("image_id"))
            if image is None:
                raise ValueError(
                    f"{where}: its image_id {one.get('image_id')} belongs to no picture."
                )
            points = np.array(one["keypoints"], float)
            if points.size != 3 * len(skeleton[0]):
                raise ValueError(
                    f"{where}: keypoints has {points.size} numbers, not 3 for each of "
                    f"{len(skeleton[0])} joints."
                )
            try:
                x, y, width, height = one["bbox"]
                row = [str(image["id"]), str(folder / image["file_name"])]
                row += [image["width"], image["height"], names[one["category_id"]], split]
                row += [x, y, x + width, y + height, one["area"]]
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{where}: {error!r}. Is the file as COCO writes it?") from error
            rows.append(row)
            joints.append(points.reshape(-1, 3))
    if known is None or not rows:
        raise ValueError(f"{files[0].parent}: no file holds a picture with one figure. {ADVICE}")
    return _figures(rows, np.array(joints), *known, kinds)


def _read_json(file: Path) -> dict:
    """Return the content of a file of COCO's; `ValueError` when it is damaged, or lacks a list."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON, or is damaged: {error}.") from error
    for field in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(field), list):
            raise ValueError(f"{file} has no list {field}. Is it a keypoint file of COCO's?")
    return content


def _skeleton(file: Path, categories: list[dict]) -> tuple:
    """Return the names of the joints and the bones, which all categories share."""
    skeletons = {
        (tuple(one["keypoints"]), tuple((a - 1, b - 1) for a, b in one.get("skeleton", [])))
        for one in categories
        if one.get("keypoints")
    }
    if len(skeletons) != 1:
        raise ValueError(
            f"{file}: its categories have {len(skeletons)} lists of keypoints. One is needed, the "
            "same for all."
        )
    return skeletons.pop()


def _alone(annotations: list[dict]) -> list[dict]:
    """Return the annotations of figures that are alone in their picture and have known joints."""
    counts = pd.Series([one.get("image_id") for one in annotations]).value_counts()
    return [
        one
        for one in annotations
        if counts.get(one.get("image_id")) == 1
        and not one.get("iscrowd")
        and any(one.get("keypoints", [])[2::3])
    ]


def _load_leeds(directory: Path) -> Figures:
    """Return what Leeds Sports Pose holds; its third row says which joints are hidden."""
    from scipy.io import loadmat  # here, since it takes a while, and few need it
    from scipy.io.matlab import MatReadError

    file = directory / MAT
    try:
        values = loadmat(file)["joints"].astype(float)
    except (KeyError, ValueError, NotImplementedError, TypeError, MatReadError) as error:
        raise ValueError(f"{file} is damaged, or has no array joints: {error}.") from error
    if values.ndim != 3 or values.shape[:2] != (3, MAT_JOINTS):
        raise ValueError(
            f"{file}: joints has the shape {values.shape}, not (3, {MAT_JOINTS}, pictures). Leeds "
            "Sports Pose Extended has another shape, and is not read here."
        )
    rows, joints = [], []
    for i, (x, y, hidden) in enumerate(values.transpose(2, 0, 1)):
        picture = directory / "images" / f"im{i + 1:04d}.jpg"
        width, height = size_of(picture)
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        flags = inside * np.where(hidden > 0, figures.HERE, figures.SEEN)
        if not flags.any():
            continue
        sides = [x[inside].min(), y[inside].min(), x[inside].max(), y[inside].max()]
        area = FILLED * (sides[2] - sides[0]) * (sides[3] - sides[1])
        split = "train" if i < LEEDS_TRAIN else "test"
        rows.append([f"{i + 1:04d}", str(picture), width, height, "person", split, *sides, area])
        joints.append(np.stack([x, y, flags], axis=1) * (flags > 0)[:, None])
    bones = [(figures.JOINTS.index(a), figures.JOINTS.index(b)) for a, b in figures.BONES]
    return _figures(rows, np.array(joints), figures.JOINTS, tuple(bones), ["person"])


def _figures(rows: list[list], joints: np.ndarray, names, bones, kinds: list[str]) -> Figures:
    columns = ["image_id", "filename", "width", "height", "name", "split", *SIDES, "area"]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs["names"] = kinds  # in the order of the categories
    return Figures(table, joints.astype("float32"), tuple(names), tuple(bones))
