"""Write the pose of the page "Figures to touch", `book/touch/pose.html`.

Run `python -m coursetools.publish.touch_pose` after the drawn figures have changed, and commit what
it writes. Lesson 07 explains the two scores.
"""

from coursekit import settings
from coursekit.files import write_whole
from minivoc.bodies import BONES, JOINTS, body, pose, skeleton
from minivoc.shapes import Shape

import numpy as np

FILE = settings.CHECKOUT / "book" / "touch" / "pose.html"
WIDTH, HEIGHT, MARGIN = 320, 240, 16  # of the drawing, and around the figure
TURNED, SEED = 35, 4  # of the figure: degrees, and which one it is
OFF = 7.0  # standard deviation of the predicted joints at first, in pixels
FAR = {"left_wrist": (34, -22)}  # and one that is wrong
ALPHA = 0.1
# COCO's, and for neck and head CrowdPose's
SIGMAS = {"ankle": 0.089, "knee": 0.087, "hip": 0.107, "wrist": 0.062, "elbow": 0.072}
OTHER_SIGMA = 0.079

PAGE = """\
<!-- Made by coursetools.publish.touch_pose. touch_pose.js brings it to life. -->
<figure class="touch" id="touch-pose" aria-label="A true and a predicted pose, and two scores" \
data-size="{size:.2f}" data-area="{area:.1f}" data-alpha="{alpha:g}">
  <svg class="stage" viewBox="0 0 {width} {height}" role="group" aria-label="A figure with its \
true joints, and predicted joints beside them">
    <g class="figure" aria-hidden="true">
{shapes}
    </g>
    <g class="bones truth" aria-hidden="true">
{truth}
    </g>
    <g class="bones prediction" aria-hidden="true">
{prediction}
    </g>
    <circle class="near" r="{near:.1f}" cx="-99" cy="-99"/>
{joints}
  </svg>
  <div class="side">
    <p class="score">PCK <strong data-show="pck">{pck:.3f}</strong></p>
    <p class="small"><span data-show="right">{right}</span> of {n} joints are near enough: no \
farther off than {alpha:g} of the figure's longer side</p>
    <p class="score">OKS <strong data-show="oks">{oks:.3f}</strong></p>
    <p class="small">the mean of what each joint counts</p>
    <dl>
      <div><dt data-show="joint">left wrist</dt><dd data-show="off">{off:.1f} pixels off</dd></div>
      <div><dt>counts in the OKS</dt><dd data-show="counts">{counts:.3f}</dd></div>
    </dl>
    <p class="small"><i class="mark truth"></i>truth <i class="mark prediction"></i>prediction</p>
  </div>
  <p class="spoken" role="status"></p>
  <noscript><p class="small">Without JavaScript this is a picture. With it, you can move the \
joints.</p></noscript>
</figure>
"""
JOINT = """\
    <g class="joint{wrong}" data-name="{name}" data-sigma="{sigma:g}" data-x="{x:.1f}" \
data-y="{y:.1f}">
      <circle cx="{px:.1f}" cy="{py:.1f}" r="4"/>
    </g>"""


def figure() -> tuple[list[Shape], np.ndarray]:
    """Return the shapes of the figure and its joints, (14, 2), in pixels of the drawing."""
    rng = np.random.default_rng(SEED)
    joints = skeleton(pose(rng, "running"), TURNED)
    shapes = body(rng, joints, TURNED)
    corners = np.concatenate([o.reshape(-1, 2) for s in shapes for o in s.outlines])
    low, high = corners.min(axis=0), corners.max(axis=0)
    zoom = (HEIGHT - 2 * MARGIN) / (high[1] - low[1])
    start = np.array([(WIDTH - zoom * (high[0] - low[0])) / 2, MARGIN])

    def place(points: np.ndarray) -> np.ndarray:
        return start + (points - (low[0], high[1])) * (zoom, -zoom)

    placed = [shape._replace(outlines=[place(o) for o in shape.outlines]) for shape in shapes]
    return placed, place(np.array([joints[name][:2] for name in JOINTS]))


def predicted(truth: np.ndarray) -> np.ndarray:
    """Return the joints as the page shows them at first."""
    points = truth + np.random.default_rng(SEED).normal(0, OFF, truth.shape)
    for name, shift in FAR.items():
        points[JOINTS.index(name)] = truth[JOINTS.index(name)] + shift
    return points.round(1)


def sigma(joint: str) -> float:
    """Return COCO's sigma of a joint."""
    return SIGMAS.get(joint.split("_")[-1], OTHER_SIGMA)


def page() -> str:
    """Return the whole figure as HTML."""
    shapes, truth = figure()
    truth = truth.round(1)
    points = predicted(truth)
    corners = np.concatenate([o.reshape(-1, 2) for s in shapes for o in s.outlines])
    sides = np.ptp(corners, axis=0)
    size, area = sides.max(), 0.53 * sides.prod()
    off = np.linalg.norm(points - truth, axis=1)
    near = off <= ALPHA * size
    counts = np.exp(-(off**2) / (2 * area * (2 * np.array([sigma(j) for j in JOINTS])) ** 2))
    first = JOINTS.index(next(iter(FAR)))
    joints = [
        JOINT.format(
            wrong="" if near[i] else " wrong",
            name=name.replace("_", " "),
            sigma=sigma(name),
            x=truth[i, 0],
            y=truth[i, 1],
            px=points[i, 0],
            py=points[i, 1],
        )
        for i, name in enumerate(JOINTS)
    ]
    return PAGE.format(
        width=WIDTH,
        height=HEIGHT,
        size=size,
        area=area,
        alpha=ALPHA,
        near=ALPHA * size,
        shapes="\n".join(_polygons(shape) for shape in shapes),
        truth=_bones(truth),
        prediction=_bones(points),
        joints="\n".join(joints),
        pck=near.mean(),
        right=near.sum(),
        n=len(JOINTS),
        oks=counts.mean(),
        off=off[first],
        counts=counts[first],
    )


def _polygons(shape: Shape) -> str:
    color = "#{:02x}{:02x}{:02x}".format(*shape.color)
    lines = []
    for outline in shape.outlines:
        for polygon in outline.reshape(-1, outline.shape[-2], 2):
            text = " ".join(f"{x:.1f},{y:.1f}" for x, y in polygon)
            lines.append(f'      <polygon fill="{color}" points="{text}"/>')
    return "\n".join(lines)


def _bones(points: np.ndarray) -> str:
    line = '      <line data-ends="{} {}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
    numbers = [(JOINTS.index(one), JOINTS.index(other)) for one, other in BONES]
    return "\n".join(line.format(a, b, *points[a], *points[b]) for a, b in numbers)


if __name__ == "__main__":
    write_whole(FILE, page())
