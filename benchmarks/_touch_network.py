"""The small network of the page "A network to touch": objects as points, as in lesson 08.

For each of 16 × 16 cells it predicts five scores, where in the cell the middle of a box is, and the
logarithms of the box's width and height as shares of the picture (Zhou et al., 2019).
"""

import base64
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

from coursekit.boxes import SIDES
from coursekit.files import write_whole
from coursekit.metrics import PREDICTED
from detection import average_precision
from minivoc import CLASSES

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

import _touch_scenes
from _touch_scenes import SIDE, Object

CELL = 8  # pixels
GRID = SIDE // CELL
STEM, BLOCKS = (16, 32, 96), 8
BATCH, RATE = 32, 3e-3
SMALLEST = 0.5  # standard deviation of the Gaussian around a middle, in cells
BEGINNING, NUMBERS = "window.touchWeights = ", ("weight", "bias")
FEWEST = 0.05  # the score of a peak that is read out, at least


class Unit(nn.Module):
    """A convolution, batch norm and ReLU; a pair of them with a way around it is a block."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        padding = kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the next map."""
        return functional.relu(self.norm(self.conv(x)))


class Network(nn.Module):
    """Three convolutions that halve the map, eight blocks, and one layer that reads them."""

    def __init__(self):
        super().__init__()
        sides = zip((3, *STEM), STEM, strict=False)
        wide = STEM[-1]
        self.stem = nn.ModuleList(Unit(a, b, 3, stride=2) for a, b in sides)
        self.blocks = nn.ModuleList(
            nn.ModuleList((Unit(wide, wide, 3, groups=wide), Unit(wide, wide, 1)))
            for _ in range(BLOCKS)
        )
        self.head = nn.Conv2d(wide, len(CLASSES) + 4, 1)
        nn.init.constant_(self.head.bias[: len(CLASSES)], -3.0)  # at first, nothing is there

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the maps, (n, 9, 16, 16): logits of the classes, offsets, log sizes."""
        for unit in self.stem:
            x = unit(x)
        for deep, across in self.blocks:
            x = x + across(deep(x))
        return self.head(x)


def as_input(images: np.ndarray) -> torch.Tensor:
    """Return pictures, uint8 (n, 128, 128, 3), as the network wants them: from -1 to 1."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)  # their memory stays channels_last
    return pixels.float() / 127.5 - 1


def targets(scenes: list[list[Object]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the maps wanted, (n, 9, 16, 16), and where a middle is, (n, 16, 16).

    The score falls from 1 in the cell of the middle, along x and y with a sixth of the box.
    """
    maps = np.zeros((len(scenes), len(CLASSES) + 4, GRID, GRID), dtype=np.float32)
    middles = np.zeros((len(scenes), GRID, GRID), dtype=bool)
    steps = np.arange(GRID)
    for wanted, there, objects in zip(maps, middles, scenes, strict=True):
        for name, (xmin, ymin, xmax, ymax) in objects:
            size = np.array([xmax - xmin, ymax - ymin])
            place = np.array([xmin + xmax, ymin + ymax]) / 2 / CELL
            column, row = cell = np.minimum(place.astype(int), GRID - 1)
            spread = np.maximum(size / CELL / 6, SMALLEST)
            across = np.exp(-((steps - column) ** 2) / 2 / spread[0] ** 2)
            down = np.exp(-((steps - row) ** 2) / 2 / spread[1] ** 2)
            heat = wanted[CLASSES.index(name)]
            np.maximum(heat, np.outer(down, across), out=heat)
            wanted[-4:, row, column] = (*place - cell, *np.log(size / SIDE))
            there[row, column] = True
    return torch.from_numpy(maps), torch.from_numpy(middles)


def loss(found: torch.Tensor, wanted: torch.Tensor, middles: torch.Tensor) -> torch.Tensor:
    """Return the focal loss of Law and Deng (2018) and the L1 loss at the middles, per object."""
    logits, goal = found[:, :-4], wanted[:, :-4]
    score = torch.sigmoid(logits)
    peak = goal == 1
    hit = (1 - score) ** 2 * functional.logsigmoid(logits)
    rest = (1 - goal) ** 4 * score**2 * functional.logsigmoid(-logits)
    focal = -torch.where(peak, hit, rest).sum()
    where = middles.unsqueeze(1)
    distance = ((found[:, -4:] - wanted[:, -4:]).abs() * where).sum()
    return (focal + distance) / middles.sum().clamp(min=1)


def batch(rng: np.random.Generator, backdrops: list, cut_outs: list) -> tuple:
    """Return new scenes for one step, in light of many colors, with their targets."""
    images, scenes = [], []
    for _ in range(BATCH):
        scene = backdrops[rng.integers(len(backdrops))]
        image, objects = _touch_scenes.compose(scene, _touch_scenes.scatter(rng, cut_outs))
        images.append(np.asarray(image))
        scenes.append(objects)
    x = as_input(np.stack(images))
    light = torch.from_numpy(rng.uniform(0.8, 1.15, (BATCH, 3, 1, 1)).astype(np.float32))
    wanted, middles = targets(scenes)
    return ((x + 1) * light - 1).clamp(-1, 1), wanted, middles


def rate(step: int, steps: int) -> float:
    """Return the learning rate of a step: it rises at first, then falls along a cosine."""
    return RATE * min(1, 10 * (step + 1) / steps) * (1 + math.cos(math.pi * step / steps)) / 2


def train(file: Path, steps: int, stock: Callable[[], tuple], every: int = 500) -> tuple:
    """Return the trained network, and how many minutes of one core it took.

    What `file` holds is gone on with; it is written as we go.
    """
    torch.manual_seed(0)
    model = Network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    parts = {"model": model, "optimizer": optimizer}
    done, seconds = 0, 0.0
    if file.exists():
        state = torch.load(file)
        done, seconds = state["done"], state["seconds"]
        for name, part in parts.items():
            part.load_state_dict(state[name])
    materials = stock() if done < steps else ()
    model.train()
    began, total = time.process_time() - seconds, 0.0  # others may use the cores, too
    for step in range(done, steps):
        # A step knows its scenes by its number, so an interrupted training loses nothing.
        x, wanted, middles = batch(np.random.default_rng([1, step]), *materials)
        with torch.autocast("cpu", torch.bfloat16):
            found = model(x)
        value = loss(found.float(), wanted, middles)
        optimizer.zero_grad()
        value.backward()
        optimizer.param_groups[0]["lr"] = rate(step, steps)
        optimizer.step()
        total += value.item()
        if (step + 1) % every == 0 or step + 1 == steps:
            seconds = time.process_time() - began
            print(f"step {step + 1}: loss {total / every:.3f}, {seconds / 60:.1f} min", flush=True)
            state = {name: part.state_dict() for name, part in parts.items()}
            torch.save(state | {"done": step + 1, "seconds": seconds}, file)
            total = 0.0
    return model.eval(), seconds / 60


def folded(model: Network) -> list[dict]:
    """Return the layers with batch norm folded into the convolutions, weights in 16 bits."""
    units = [(unit, False) for unit in model.stem]
    units += [(unit, number == 1) for block in model.blocks for number, unit in enumerate(block)]
    layers = []
    for unit, adds in units:
        norm = unit.norm
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = unit.conv.weight * scale[:, None, None, None]
        layers.append(_layer(unit.conv, weight, norm.bias - norm.running_mean * scale, True, adds))
    head = model.head
    return [*layers, _layer(head, head.weight, head.bias, False, False)]


def _layer(conv: nn.Conv2d, weight: torch.Tensor, bias: torch.Tensor, relu: bool, adds: bool):
    """Return a layer; one that `adds` adds what the layer before it was given."""
    numbers = {"weight": weight, "bias": bias}
    return {
        "inputs": conv.in_channels,
        "outputs": conv.out_channels,
        "kernel": conv.kernel_size[0],
        "stride": conv.stride[0],
        "groups": conv.groups,
        "relu": relu,
        "adds": adds,
        **{name: x.detach().numpy().astype(np.float16) for name, x in numbers.items()},
    }


def write(file: Path, layers: list[dict]) -> None:
    """Write the layers as a script: a page that was opened as a file may not read any other."""
    numbers = np.concatenate([layer[name].ravel() for layer in layers for name in NUMBERS])
    shapes = [{k: v for k, v in layer.items() if k not in NUMBERS} for layer in layers]
    text = base64.b64encode(numbers.astype("<f2").tobytes()).decode()
    content = {"side": SIDE, "cell": CELL, "classes": CLASSES, "layers": shapes, "numbers": text}
    write_whole(file, f"{BEGINNING}{json.dumps(content)};\n")


def read(file: Path) -> list[dict]:
    """Return the layers that `write` wrote."""
    content = json.loads(file.read_text(encoding="utf-8").removeprefix(BEGINNING).rstrip(";\n"))
    numbers = np.frombuffer(base64.b64decode(content["numbers"]), dtype="<f2")
    layers, begin = content["layers"], 0
    for layer in layers:
        inputs = layer["inputs"] // layer["groups"]
        shapes = (layer["outputs"], inputs, layer["kernel"], layer["kernel"]), (layer["outputs"],)
        for name, shape in zip(NUMBERS, shapes, strict=True):
            end = begin + int(np.prod(shape))
            layer[name], begin = numbers[begin:end].reshape(shape), end
    return layers


def multiplications(layers: list[dict]) -> int:
    """Return how often the network multiplies for one picture."""
    side, n = SIDE, 0
    for layer in layers:
        side //= layer["stride"]
        n += layer["weight"].size * side**2
    return n


def maps(layers: list[dict], images: np.ndarray) -> np.ndarray:
    """Return the maps of pictures, uint8 (n, 128, 128, 3): scores, offsets, log sizes."""
    before, x = None, as_input(images)
    with torch.no_grad():
        for layer in layers:
            weight, bias = (torch.from_numpy(layer[name].astype(np.float32)) for name in NUMBERS)
            step = {"stride": layer["stride"], "groups": layer["groups"]}
            new = functional.conv2d(x, weight, bias, padding=layer["kernel"] // 2, **step)
            new = torch.relu(new) if layer["relu"] else new
            before, x = x, new + before if layer["adds"] else new
        x[:, : len(CLASSES)] = torch.sigmoid(x[:, : len(CLASSES)])
    return x.numpy()


def detections(found: np.ndarray, threshold: float = FEWEST) -> pd.DataFrame:
    """Return what maps, (n, 9, 16, 16), say: the cells whose score no neighbor exceeds."""
    scores = torch.from_numpy(found[:, : len(CLASSES)])
    peaks = (scores == functional.max_pool2d(scores, 3, stride=1, padding=1)) & (scores > threshold)
    image, kind, row, column = np.nonzero(peaks.numpy())
    dx, dy, wide, high = found[image, -4:, row, column].T
    middle = np.stack([column + dx, row + dy], axis=1) * CELL
    size = np.exp(np.stack([wide, high], axis=1)) * SIDE
    sides = np.concatenate([middle - size / 2, middle + size / 2], axis=1).clip(0, SIDE)
    table = pd.DataFrame(sides, columns=PREDICTED).assign(image_id=image)
    return table.assign(pred_name=np.take(CLASSES, kind), confidence=scores.numpy()[peaks.numpy()])


def precision(layers: list[dict], scenes: list[tuple]) -> pd.Series:
    """Return the AP50 of each class on scenes, each a picture and its objects."""
    found = detections(maps(layers, np.stack([np.asarray(image) for image, _ in scenes])))
    rows = [(i, *thing) for i, (_, objects) in enumerate(scenes) for thing in objects]
    objects = pd.DataFrame(
        [(i, name, *box) for i, name, box in rows], columns=["image_id", "name", *SIDES]
    )
    return average_precision(found, objects, 0.5)[0.5]
