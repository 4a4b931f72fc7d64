// The page "A network to touch": animals that can be moved over a scene, and what the network makes
// of it. The page holds a picture, book/touch/network.html; this script brings it to life.
// network_to_touch.js computes; network_to_touch/scenes.js holds the animals and the backdrops.
//
// To set animals from the browser's console, or from a test, as shares of the scene:
//   document.getElementById("touch-network").setAnimals([{number: 0, x: 0.5, y: 0.5, size: 0.4}])
(async () => {
  const figure = document.getElementById("touch-network");
  if (!figure) return;

  const {SIDE, CELL, GRID, CLASSES, ...network} = networkToTouch;
  const STEP = 2 / SIDE, GROW = 1.1, SIZES = [0.08, 0.95], REACH = 5;
  const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  const HALF = 0.5; // the IoU at which a box is right
  const stage = figure.querySelector(".stage"), canvas = stage.querySelector("canvas");
  const drawing = stage.querySelector("svg"), context = canvas.getContext("2d");
  const part = name => figure.querySelector(`[data-part="${name}"]`);

  async function load(source) {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  }
  const backdrops = await Promise.all(touchScenes.backdrops.map(({source}) => load(source)));
  const animals = await Promise.all(touchScenes.animals.map(async ({source, ...animal}, number) => {
    const button = document.createElement("button"), box = document.createElement("input");
    return {...animal, number, button, box, mirrored: false, image: await load(source)};
  }));
  let chosen = animals[0], owner;

  // What is computed

  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const foot = animal => network.place(animal)[1] + network.place(animal)[3];

  // The animals that are there, from back to front: what stands lower is nearer.
  const present = () => animals.filter(a => a.there).sort((a, b) => foot(a) - foot(b));

  function iou(a, b) {
    const area = box => Math.max(box[2] - box[0], 0) * Math.max(box[3] - box[1], 0);
    const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]),
                       Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
    return both / (area(a) + area(b) - both);
  }

  // The surest first, each takes the free animal of its name whose box fits best.
  function compare(found, truth) {
    const free = new Set(truth);
    for (const one of found) {
      const fits = [...free].filter(t => t.name === one.name)
        .map(t => [iou(one.box, t.box), t]).sort((a, b) => b[0] - a[0])[0];
      one.right = Boolean(fits) && fits[0] >= HALF;
      if (one.right) free.delete(fits[1]);
    }
    return free.size;
  }

  // What is shown

  function add(name, values, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(values).forEach(([key, value]) => element.setAttribute(key, value));
    element.textContent = text;
    drawing.append(element);
  }
  const frame = (kind, [x, y, right, bottom]) =>
    add("rect", {class: kind, x, y, width: right - x, height: bottom - y});

  function heat(maps) {
    const shown = part("heat").value;
    const classes = shown === "all" ? CLASSES : CLASSES.filter(name => name === shown);
    for (let i = 0; i < GRID * GRID; i++) {
      const score = Math.max(0, ...classes.map(c => maps[CLASSES.indexOf(c) * GRID * GRID + i]));
      if (score > 0.02)
        add("rect", {class: "heat", x: i % GRID * CELL, y: Math.floor(i / GRID) * CELL,
                     width: CELL, height: CELL, "fill-opacity": (0.9 * score).toFixed(2)});
    }
  }

  let speaking;
  function show() {
    const scene = present(), backdrop = backdrops[part("scene").value];
    const composed = network.compose(backdrop, scene);
    owner = Array.from(composed.owner, number => scene[number]);
    const maps = network.maps(composed.pixels);
    const found = network.peaks(maps, Number(part("least").value));
    const truth = scene.map(({name}, i) => ({name, box: composed.boxes[i]})).filter(t => t.box);
    const missed = compare(found, truth);

    const zoom = canvas.width / SIDE;
    context.setTransform(zoom, 0, 0, zoom, 0, 0);
    context.drawImage(backdrop, 0, 0, SIDE, SIDE);
    scene.forEach(animal => network.paste(context, animal));
    drawing.replaceChildren();
    heat(maps);
    truth.forEach(({box}) => frame("truth", box));
    for (const {box, middle: [cx, cy]} of found) {
      frame("prediction", box);
      add("circle", {class: "peak", cx, cy, r: 1.2});
    }
    const labels = [];
    for (const {box, name, score} of found) {
      const x = within(box[0] + 1, 1, SIDE - 26);
      let y = within(box[1] + 5, 5, SIDE - 2);
      // Of two names at one place, the surer stands above.
      while (labels.some(([u, v]) => Math.abs(u - x) < 26 && Math.abs(v - y) < 5)) y += 5;
      labels.push([x, y]);
      add("text", {x, y}, `${name} ${score.toFixed(2)}`);
    }
    for (const animal of animals) {
      const [x, y, w, h] = network.place(animal).map(length => `${100 * length / SIDE}%`);
      Object.assign(animal.button.style, {left: x, top: y, width: w, height: h});
      animal.button.hidden = !animal.there;
      const at = [animal.x, animal.y].map(share => Math.round(100 * share));
      animal.button.setAttribute("aria-label", `${animal.label}: ${at[0]} percent from the left, ` +
        `${at[1]} from the top, size ${Math.round(100 * animal.size)} percent`);
    }
    part("shown-least").textContent = Number(part("least").value).toFixed(2);
    part("chosen").textContent = chosen.label;
    const lines = found.map(({name, score, right}) =>
      `${name}, ${score.toFixed(2)} ${right ? "✓ right" : "✗ wrong"}`);
    part("found").replaceChildren(...lines.map(line => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
    part("number").textContent = found.length;
    part("missed").textContent = `${missed} of ${truth.length}`;
    // A screen reader hears the result when the animal rests, and not at every pixel on the way.
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      const names = found.map(({name, score}) => `${name}, ${score.toFixed(2)}`).join("; ");
      figure.querySelector(".spoken").textContent = `${names || "nothing"}. ${missed} missed.`;
    }, 500);
  }

  // Many events may come before the next picture is due: it is computed once.
  let waiting = false;
  function later() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      show();
    });
  }

  // What changes the scene

  function change(animal, {x = animal.x, y = animal.y, size = animal.size}) {
    Object.assign(animal, {x: within(x, 0, 1), y: within(y, 0, 1), size: within(size, ...SIZES)});
    later();
  }
  const actions = {
    smaller: animal => change(animal, {size: animal.size / GROW}),
    larger: animal => change(animal, {size: animal.size * GROW}),
    mirror: animal => { animal.mirrored = !animal.mirrored; later(); },
  };

  function place(event) {
    const {left, top, width, height} = stage.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  // The animal whose pixel is under the pointer, or within a finger's reach of it.
  function grabbed(event) {
    const [x, y] = place(event).map(share => Math.floor(share * SIDE));
    for (let r = 0; r <= REACH; r++)
      for (const [u, v] of [[x - r, y], [x + r, y], [x, y - r], [x, y + r]])
        if (u >= 0 && u < SIDE && owner[v * SIDE + u]) return owner[v * SIDE + u];
    return undefined;
  }

  stage.addEventListener("pointerdown", event => {
    const animal = grabbed(event);
    if (!animal || event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    animal.button.focus({preventScroll: true});
    stage.setPointerCapture(event.pointerId);
    const from = place(event), start = [animal.x, animal.y];
    const drag = event => {
      const to = place(event);
      change(animal, {x: start[0] + to[0] - from[0], y: start[1] + to[1] - from[1]});
    };
    stage.addEventListener("pointermove", drag);
    const drop = () => stage.removeEventListener("pointermove", drag);
    stage.addEventListener("lostpointercapture", drop, {once: true});
  });

  // Under a finger that holds an animal the page must not scroll. Beside the animals it may.
  stage.addEventListener("touchstart", event => {
    if (grabbed(event.changedTouches[0])) event.preventDefault();
  }, {passive: false});

  for (const animal of animals) {
    const {button, box} = animal;
    button.setAttribute("aria-description",
      "Arrow keys move it, plus and minus change its size, Enter mirrors it.");
    button.addEventListener("focus", () => { chosen = animal; later(); });
    button.addEventListener("click", () => actions.mirror(animal));
    button.addEventListener("keydown", event => {
      const arrow = ARROWS[event.key], grows = {"+": "larger", "=": "larger", "-": "smaller"};
      if (!(arrow || grows[event.key]) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // the theme may turn pages with the arrow keys
      if (arrow) change(animal, {x: animal.x + STEP * arrow[0], y: animal.y + STEP * arrow[1]});
      else actions[grows[event.key]](animal);
    });
    stage.append(button);
    const label = document.createElement("label");
    Object.assign(box, {type: "checkbox", checked: animal.there});
    box.addEventListener("change", () => {
      animal.there = box.checked;
      if (box.checked) chosen = animal;
      later();
    });
    label.append(box, ` ${animal.label}`);
    part("animals").append(label);
  }
  for (const name of ["scene", "heat"]) part(name).addEventListener("change", later);
  part("least").addEventListener("input", later);
  for (const [name, act] of Object.entries(actions))
    part(name).addEventListener("click", () => act(chosen));

  figure.setAnimals = placed => {
    animals.forEach(animal => { animal.there = animal.box.checked = false; });
    for (const {number, ...values} of placed) {
      animals[number].there = animals[number].box.checked = true;
      Object.assign(animals[number], values);
    }
    show();
  };
  show();
  figure.classList.add("live");
})();
