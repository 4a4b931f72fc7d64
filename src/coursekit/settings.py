"""What the reader can set, read from the environment in this one place.

==================== ================================================================== ============
variable             meaning                                                            default
==================== ================================================================== ============
COURSEKIT_DATASET    ``mini``, ``voc2007``, ``voc2012``, or a directory in VOC's layout ``mini``
COURSEKIT_CLASSES    the names to find, separated by commas                             mini's
COURSEKIT_ZERO_BASED ``1`` where boxes count from 0 and leave the last pixel out        ``0``
COURSEKIT_SIZES      one of `SIZES`: which to take where XML and picture differ         its first
COURSEKIT_POLYGONS   one of `POLYGONS`: what to do with a polygon that has no box       its first
COURSEKIT_BACKBONE   one of `BACKBONES`                                                 its first
COURSEKIT_WEIGHTS    ``imagenet``, a weight file, or several separated as in ``PATH``   ``imagenet``
COURSEKIT_DEVICE     on which PyTorch computes: ``cuda``, ``mps`` or ``cpu``            the best
COURSEKIT_SEED       with which the lessons train and resample                          ``0``
COURSEKIT_HOME       where downloads and artifacts go                                   see `home`
COURSEKIT_FIGURES    a directory of figures for lesson 07, in COCO's layout             drawn ones
COURSEKIT_ARTIFACTS  where predictions and results go                                   `artifacts`
COURSEKIT_VOC_MIRROR addresses from which to download VOC first, separated by spaces    none
==================== ================================================================== ============
"""

import hashlib
import os
from pathlib import Path

from minivoc import CLASSES

BACKBONES = ("efficientnet_lite0", "mobilenet_v2", "resnet50", "vgg16")
DEVICES = ("cuda", "mps", "cpu")  # the best first
SIZES, POLYGONS = ("check", "annotation", "picture"), ("raise", "box")  # see `voc`
NAMED_DATASETS = ("mini", "voc2007", "voc2012")
CHECKOUT = Path(__file__).resolve().parents[2]


def dataset() -> str:
    """Return the data set as it was asked for: a name, or a directory.

    What is not where the process runs may be in the checkout: a notebook runs in its own folder.
    """
    wanted = os.environ.get("COURSEKIT_DATASET", "mini")
    inside = CHECKOUT / wanted
    elsewhere = wanted in NAMED_DATASETS or Path(wanted).expanduser().exists()
    return wanted if elsewhere or not inside.is_dir() else str(inside)


def dataset_name() -> str:
    """Return the data set's name for files and reports: for a directory, its last part."""
    wanted = dataset()
    return wanted if wanted in NAMED_DATASETS else Path(wanted).expanduser().resolve().name


def folder_name() -> str:
    """Return a name for the folders of a data set; two directories never share one."""
    name, wanted = dataset_name(), dataset()
    if wanted in NAMED_DATASETS:
        return name
    place = str(Path(wanted).expanduser().resolve()).encode("utf-8", "surrogateescape")
    return f"{name}-{hashlib.blake2b(place, digest_size=4).hexdigest()}"


def classes() -> list[str]:
    """Return the names of the objects to find; `ValueError` when there is none, or one twice."""
    wanted = os.environ.get("COURSEKIT_CLASSES", ",".join(CLASSES))
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"--classes or COURSEKIT_CLASSES is {wanted!r}. Give one name, or different names "
            "with commas between them, such as dog,cat."
        )
    return names


def classes_named() -> bool:
    """Return whether the reader named the classes."""
    return "COURSEKIT_CLASSES" in os.environ


def zero_based() -> bool:
    """Return whether boxes count from 0; `ValueError` when the variable is neither 0 nor 1."""
    return _one_of("ZERO_BASED", ("0", "1"), "0") == "1"


def sizes() -> str:
    """Return which size of a picture counts; `ValueError` for an unknown word."""
    return _one_of("SIZES", SIZES, SIZES[0])


def polygons() -> str:
    """Return what is done with polygons that have no box; `ValueError` for an unknown word."""
    return _one_of("POLYGONS", POLYGONS, POLYGONS[0])


def backbone() -> str:
    """Return the backbone's name; `ValueError` when there is none of that name."""
    return _one_of("BACKBONE", BACKBONES, BACKBONES[0])


def all_weights() -> list[str]:
    """Return ``imagenet``, or the paths of the weight files."""
    return os.environ.get("COURSEKIT_WEIGHTS", "imagenet").split(os.pathsep)


def weights(suffixes: tuple[str, ...]) -> str:
    """Return ``imagenet``, or the path of the weight file for one framework.

    Where several files are named, it is the one that ends in one of `suffixes`; `ValueError`
    when there is not just one.
    """
    entries = all_weights()
    fitting = [one for one in entries if len(entries) == 1 or one.endswith(suffixes)]
    if len(fitting) != 1:
        raise ValueError(
            f"COURSEKIT_WEIGHTS names {len(fitting)} files that end in {' or '.join(suffixes)}, "
            f"not one: {', '.join(entries)}."
        )
    return fitting[0]


def device() -> str | None:
    """Return the device that was asked for, None for the best; `ValueError` for an unknown one."""
    return _one_of("DEVICE", DEVICES, None)


def _one_of(name: str, words: tuple[str, ...], unset: str | None) -> str | None:
    wanted = os.environ.get(f"COURSEKIT_{name}", unset)
    if wanted not in (unset, *words):
        raise ValueError(f"COURSEKIT_{name} is {wanted!r}. Choose one of: {', '.join(words)}.")
    return wanted


def seed() -> int:
    """Return the seed of every lesson; `ValueError` unless it is a whole number from 0."""
    wanted = os.environ.get("COURSEKIT_SEED", "0")
    if not (wanted.isascii() and wanted.isdigit()):
        raise ValueError(f"COURSEKIT_SEED is {wanted!r}. Give a whole number, 0 or more.")
    return int(wanted)


def figures() -> str | None:
    """Return the directory of figures that was asked for; None for the drawn ones."""
    return os.environ.get("COURSEKIT_FIGURES")


def mirrors() -> list[str]:
    """Return the addresses from which to download VOC before any other."""
    return os.environ.get("COURSEKIT_VOC_MIRROR", "").split()


def home() -> Path:
    """Return ``COURSEKIT_HOME``, or else ``.coursekit`` in the checkout, or ``~`` without one."""
    in_checkout = (CHECKOUT / "_toc.yml").exists()
    default = (CHECKOUT if in_checkout else Path.home()) / ".coursekit"
    return Path(os.environ.get("COURSEKIT_HOME", default)).expanduser().resolve()


def artifacts() -> Path:
    """Return ``COURSEKIT_ARTIFACTS``, or else ``artifacts/<data set>`` in `home`."""
    default = home() / "artifacts" / folder_name()
    return Path(os.environ.get("COURSEKIT_ARTIFACTS", default)).expanduser().resolve()
