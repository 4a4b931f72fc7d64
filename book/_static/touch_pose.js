// A predicted pose whose joints can be dragged, with PCK and OKS live. The page holds a picture,
// book/touch/pose.html; this script brings it to life.
//
// To set all joints from the browser's console, or from a test, as [x, y] in pixels:
//   document.getElementById("touch-pose").setPose([[10, 20], …])
(() => {
  const figure = document.getElementById("touch-pose");
  if (!figure) return;

  const STEP = 2, REACH = 14; // the way of an arrow key, and how far from a joint a finger takes it
  const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  const {size, area, alpha} = Object.fromEntries(
    Object.entries(figure.dataset).map(([name, value]) => [name, Number(value)]));

  const stage = figure.querySelector("svg");
  const {width: WIDTH, height: HEIGHT} = stage.viewBox.baseVal;
  const near = stage.querySelector(".near");
  const bones = [...stage.querySelectorAll(".bones.prediction line")].map(line =>
    ({line, ends: line.dataset.ends.split(" ").map(Number)}));
  const joints = [...stage.querySelectorAll(".joint")].map(group => {
    const {name, sigma, x, y} = group.dataset;
    const dot = group.querySelector("circle");
    return {group, dot, name, sigma: Number(sigma), truth: {x: Number(x), y: Number(y)},
            x: Number(dot.getAttribute("cx")), y: Number(dot.getAttribute("cy"))};
  });

  // What is computed: the formulas of lesson 07

  const distance = joint => Math.hypot(joint.x - joint.truth.x, joint.y - joint.truth.y);
  const counts = joint => Math.exp(-(distance(joint) ** 2) / (2 * area * (2 * joint.sigma) ** 2));
  const right = joint => distance(joint) <= alpha * size;

  // What is shown

  const set = (element, values) =>
    Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
  const put = (name, text) => {
    figure.querySelector(`[data-show="${name}"]`).textContent = text;
  };

  let speaking;
  function show(chosen) {
    for (const joint of joints) {
      set(joint.dot, {cx: joint.x, cy: joint.y});
      joint.group.classList.toggle("wrong", !right(joint));
      set(joint.group, {"aria-label": `${joint.name}: ${distance(joint).toFixed(1)} pixels off`});
    }
    for (const {line, ends: [a, b]} of bones)
      set(line, {x1: joints[a].x, y1: joints[a].y, x2: joints[b].x, y2: joints[b].y});
    const hits = joints.filter(right).length;
    const oks = joints.reduce((sum, joint) => sum + counts(joint), 0) / joints.length;
    put("pck", (hits / joints.length).toFixed(3));
    put("right", hits);
    put("oks", oks.toFixed(3));
    if (!chosen) return;
    set(near, {cx: chosen.truth.x, cy: chosen.truth.y});
    put("joint", chosen.name);
    put("off", `${distance(chosen).toFixed(1)} pixels off`);
    put("counts", counts(chosen).toFixed(3));
    // A screen reader hears the result when the joint rests, and not at every pixel on the way.
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      figure.querySelector(".spoken").textContent =
        `${chosen.name}: ${distance(chosen).toFixed(1)} pixels off. ` +
        `PCK ${(hits / joints.length).toFixed(3)}, OKS ${oks.toFixed(3)}.`;
    }, 500);
  }

  // What changes a joint

  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  function move(joint, x, y) {
    joint.x = within(x, 0, WIDTH);
    joint.y = within(y, 0, HEIGHT);
    show(joint);
  }

  const place = event =>
    new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());

  // The nearest joint is meant; of two that lie upon each other, the one that was chosen.
  function grabbed(point) {
    const away = joint => Math.hypot(joint.x - point.x, joint.y - point.y) -
      (joint.group === document.activeElement ? 1 : 0);
    const [nearest] = [...joints].sort((a, b) => away(a) - away(b));
    return away(nearest) < REACH ? nearest : undefined;
  }

  stage.addEventListener("pointerdown", event => {
    const from = place(event), joint = grabbed(from);
    if (!joint || event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    joint.group.focus({preventScroll: true});
    stage.setPointerCapture(event.pointerId);
    const start = {x: joint.x, y: joint.y};
    const drag = event => {
      const to = place(event);
      move(joint, start.x + Math.round(to.x - from.x), start.y + Math.round(to.y - from.y));
    };
    stage.addEventListener("pointermove", drag);
    const drop = () => stage.removeEventListener("pointermove", drag);
    stage.addEventListener("lostpointercapture", drop, {once: true});
  });

  // Under a finger that holds a joint the page must not scroll. Beside the joints it may.
  stage.addEventListener("touchstart", event => {
    const {clientX, clientY} = event.changedTouches[0];
    if (grabbed(place({clientX, clientY}))) event.preventDefault();
  }, {passive: false});

  for (const joint of joints) {
    set(joint.group, {tabindex: 0, role: "application", "aria-roledescription": "movable joint",
                      "aria-description": "Arrow keys move it."});
    joint.group.addEventListener("focus", () => show(joint));
    joint.group.addEventListener("keydown", event => {
      const arrow = ARROWS[event.key];
      if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // the theme may turn pages with the arrow keys
      move(joint, joint.x + STEP * arrow[0], joint.y + STEP * arrow[1]);
    });
  }

  figure.setPose = points => {
    joints.forEach((joint, i) => { [joint.x, joint.y] = points[i]; });
    show();
  };
  figure.classList.add("live");
  show();
})();
