"""What lesson 01 says of its own functions, where training plays no part."""

from exercises.lesson_code import definitions, read

import numpy as np


def lesson() -> dict:
    """Return what the lesson defines; the size of a picture is not a definition."""
    space: dict = {}
    exec("SIZE = 224\n" + definitions(read("01_synthetic_rectangles")), space)
    return space


def numbers_of_the_lesson(folder: str) -> dict:
    """Return what the tests compare."""
    space = lesson()
    keras, rectangles = space["keras"], space["rectangles"]
    boxes = rectangles.draw_boxes(2000, np.random.default_rng(0)).astype(float)
    back = space["from_sigmoid"](space["sigmoid_target"](boxes))

    network = space["axis_network"]()
    network.save(f"{folder}/axis.keras")
    loaded = keras.models.load_model(f"{folder}/axis.keras")
    pictures = rectangles.paint(boxes[:20], 224)
    outputs = [model.predict(pictures, verbose=0) for model in (network, loaded)]

    # the weight of each position is the position, for its own edge
    weights = np.kron(np.eye(4), np.arange(225)[:, None])
    return {
        "there and back": float(np.abs(back - boxes).max()),
        "parameters": network.count_params(),
        "saved and loaded": float(np.abs(outputs[0] - outputs[1]).max()),
        "edges from maps": float(np.abs(space["edge_maps"](boxes) @ weights - boxes).max()),
    }


def test_the_functions_of_lesson_01_do_what_it_says(in_keras, tmp_path):
    numbers = in_keras(numbers_of_the_lesson, str(tmp_path))
    assert numbers["there and back"] < 1e-6
    assert numbers["parameters"] == 6
    assert numbers["saved and loaded"] == 0
    assert numbers["edges from maps"] == 0
