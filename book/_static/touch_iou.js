// Two boxes to drag and resize, with intersection, union and IoU live. The page holds a picture,
// book/touch/iou.html; this script brings it to life.
//
// To set the boxes from the browser's console, or from a test, as xyxy in pixels:
//   document.getElementById("touch-iou").setBoxes([0, 0, 10, 10], [5, 0, 15, 10])
(() => {
  const figure = document.getElementById("touch-iou");
  if (!figure) return;

  const WIDTH = 320, HEIGHT = 200; // of the picture, in pixels: the SVG's viewBox
  const SMALLEST = 5, STEP = 5; // a side of a dragged box, and the way of an arrow key
  const REACH = 14; // how far from a corner a finger still takes it
  const SIDES = ["xmin", "ymin", "xmax", "ymax"];
  const CORNERS = [["xmin", "ymin"], ["xmax", "ymin"], ["xmax", "ymax"], ["xmin", "ymax"]];
  const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

  const stage = figure.querySelector("svg");
  const shared = stage.querySelector(".shared");
  const boxes = [...stage.querySelectorAll(".box")]
    .map(group => ({group, name: group.dataset.name, fields: {}}));

  // What is computed: the same four lines as coursekit.boxes.iou

  const area = box => (box.xmax - box.xmin) * (box.ymax - box.ymin);
  const common = (a, b, low, high) =>
    Math.max(0, Math.min(a[high], b[high]) - Math.max(a[low], b[low]));

  function overlap(a, b) {
    const intersection = common(a, b, "xmin", "xmax") * common(a, b, "ymin", "ymax");
    const union = area(a) + area(b) - intersection;
    return {intersection, union, iou: union > 0 ? intersection / union : 0};
  }

  // What is shown

  const set = (element, values) =>
    Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
  const put = (name, text) => {
    figure.querySelector(`[data-show="${name}"]`).textContent = text;
  };
  const rectangle = box =>
    ({x: box.xmin, y: box.ymin, width: box.xmax - box.xmin, height: box.ymax - box.ymin});
  const count = value => value.toLocaleString("en", {maximumFractionDigits: 1});

  let speaking;
  function show() {
    for (const box of boxes) {
      const numbers = SIDES.map(side => `${side} ${box[side]}`).join(", ");
      set(box.group, {"aria-label": `${box.name}: ${numbers}`});
      box.group.querySelectorAll("rect:not(.handle)").forEach(rect => set(rect, rectangle(box)));
      // Above the box, or inside it where there is no room above
      set(box.group.querySelector("text"), {x: box.name === "truth" ? box.xmin : box.xmax,
                                            y: box.ymin > 16 ? box.ymin - 5 : box.ymin + 14});
      CORNERS.forEach(([x, y], i) => {
        set(box.handles[i].querySelector("circle"), {cx: box[x], cy: box[y]});
        set(box.handles[i].querySelector("rect"), {x: box[x] - 4, y: box[y] - 4});
      });
      for (const side of SIDES) box.fields[side].value = box[side];
    }
    const [a, b] = boxes;
    const {intersection, union, iou} = overlap(a, b);
    set(shared, {
      x: Math.max(a.xmin, b.xmin), y: Math.max(a.ymin, b.ymin),
      width: common(a, b, "xmin", "xmax"), height: common(a, b, "ymin", "ymax"),
    });
    put("iou", iou.toFixed(3));
    put("intersection", count(intersection));
    put("union", count(union));
    figure.querySelector(".parts span").style.width = `${100 * iou}%`;
    // A screen reader hears the result when the box rests, and not at every pixel on the way.
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      figure.querySelector(".spoken").textContent = `IoU ${iou.toFixed(3)}. ` +
        `Intersection ${count(intersection)}, union ${count(union)} square pixels.`;
    }, 500);
  }

  // What changes a box

  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  function move(box, start, dx, dy) {
    dx = within(dx, -start.xmin, WIDTH - start.xmax);
    dy = within(dy, -start.ymin, HEIGHT - start.ymax);
    Object.assign(box, {xmin: start.xmin + dx, xmax: start.xmax + dx,
                        ymin: start.ymin + dy, ymax: start.ymax + dy});
  }

  // Sets one side. It stops at the picture's edge, and before it meets the opposite side.
  function pull(box, side, value, smallest = SMALLEST) {
    const room = side[0] === "x" ? WIDTH : HEIGHT;
    const other = box[side[0] + (side.endsWith("min") ? "max" : "min")];
    box[side] = side.endsWith("min")
      ? within(value, 0, Math.max(0, other - smallest))
      : within(value, Math.min(room, other + smallest), room);
  }

  // Of the boxes under the pointer the smaller one is meant: the larger one would hide it.
  function grabbed(point) {
    const chosen = document.activeElement;
    const holds = box => point.x > box.xmin && point.x < box.xmax &&
      point.y > box.ymin && point.y < box.ymax;
    const order = [...boxes].sort((a, b) =>
      (b.group === chosen) - (a.group === chosen) || area(a) - area(b));
    for (const box of order) {
      // Inside a small box there must be room left to take it by its middle.
      const side = Math.min(box.xmax - box.xmin, box.ymax - box.ymin);
      const reach = holds(box) ? Math.min(REACH, side / 3) : REACH;
      const corner = CORNERS.find(([x, y]) => Math.hypot(box[x] - point.x, box[y] - point.y) < reach);
      if (corner) return {box, corner};
    }
    return {box: order.filter(holds).sort((a, b) => area(a) - area(b))[0]};
  }

  const place = event =>
    new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());

  stage.addEventListener("pointerdown", event => {
    const from = place(event);
    const {box, corner} = grabbed(from);
    if (!box || event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    box.group.focus({preventScroll: true});
    stage.setPointerCapture(event.pointerId);
    const start = {...box};
    const drag = event => {
      const to = place(event);
      const dx = Math.round(to.x - from.x), dy = Math.round(to.y - from.y);
      if (corner) corner.forEach((side, i) => pull(box, side, start[side] + [dx, dy][i]));
      else move(box, start, dx, dy);
      show();
    };
    stage.addEventListener("pointermove", drag);
    const drop = () => stage.removeEventListener("pointermove", drag);
    stage.addEventListener("lostpointercapture", drop, {once: true});
  });

  // Under a finger that holds a box the page must not scroll. Beside the boxes it may.
  stage.addEventListener("touchstart", event => {
    const {clientX, clientY} = event.changedTouches[0];
    if (grabbed(place({clientX, clientY})).box) event.preventDefault();
  }, {passive: false});

  function onKey(event, box) {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // the theme may turn pages with the arrow keys
    const [dx, dy] = arrow.map(direction => direction * STEP);
    if (event.shiftKey) {
      pull(box, "xmax", box.xmax + dx);
      pull(box, "ymax", box.ymax + dy);
    } else move(box, {...box}, dx, dy);
    show();
  }

  // What the picture gets, once there is a script

  const create = (name, parent, values) => {
    const element = document.createElementNS(stage.namespaceURI, name);
    set(element, values);
    return parent.appendChild(element);
  };

  boxes.forEach((box, column) => {
    const rect = box.group.querySelector("rect");
    set(rect, {class: "body"});
    box.group.prepend(create("rect", box.group, {class: "ring"}));
    set(box.group, {tabindex: 0, role: "application", "aria-roledescription": "movable box",
                    "aria-description": "Arrow keys move it, Shift and an arrow key resize it."});
    box.group.addEventListener("keydown", event => onKey(event, box));
    box.handles = CORNERS.map((_, i) => {
      const handle = create("g", box.group, {class: `corner ${i % 2 ? "rising" : "falling"}`});
      create("circle", handle, {r: REACH});
      create("rect", handle, {class: "handle", width: 8, height: 8});
      return handle;
    });
    SIDES.forEach((side, row) => {
      const cell = figure.querySelector(`tbody tr:nth-child(${row + 1}) td:nth-of-type(${column + 1})`);
      const field = document.createElement("input");
      set(field, {type: "number", min: 0, max: row % 2 ? HEIGHT : WIDTH,
                  "aria-label": `${box.name}: ${side}`});
      field.value = box[side] = Number(cell.textContent);
      field.addEventListener("change", () => {
        pull(box, side, field.valueAsNumber || 0, 0);
        show();
      });
      cell.replaceChildren(field);
      box.fields[side] = field;
    });
  });

  figure.setBoxes = (...both) => {
    boxes.forEach((box, i) => SIDES.forEach((side, j) => { box[side] = both[i][j]; }));
    show();
  };
  figure.classList.add("live");
  show();
})();
