// The small network of the page "A network to touch", in plain JavaScript: it pastes a scene,
// computes the maps of the network, and reads them out. touch_network.js shows the result.
//
// benchmarks/network_to_touch.py trained the network and wrote what this file reads:
// network_to_touch/weights.js. A test compares the maps with those of PyTorch.
const networkToTouch = (() => {
  const {side: SIDE, cell: CELL, classes: CLASSES, layers: LAYERS, numbers} = window.touchWeights;
  const GRID = SIDE / CELL, CELLS = GRID * GRID;
  const SOLID = 128; // where alpha is at least this is the animal; its shadow is fainter
  const SEEN = 0.3; // an animal of which less can be seen counts as hidden

  // The weights: 16-bit floats, which JavaScript does not know yet everywhere

  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024)
                            : 2 ** -14 * fraction / 1024);
  }

  const bytes = Uint8Array.from(atob(numbers), letter => letter.charCodeAt(0));
  const weights = Float32Array.from(new Uint16Array(bytes.buffer), half);
  let read = 0;
  for (const layer of LAYERS) {
    const {inputs, outputs, kernel, groups} = layer;
    const size = outputs * (inputs / groups) * kernel ** 2;
    layer.weights = weights.subarray(read, read + size);
    layer.bias = weights.subarray(read + size, read + size + outputs);
    read += size + outputs;
  }

  // The layers. A map is {data, side}: one channel after the other, each row by row.

  // With a rim of zeros, the loops of a convolution need not ask where the map ends.
  function padded({data, side}, rim) {
    if (!rim) return {data, side};
    const wide = side + 2 * rim, channels = data.length / side ** 2;
    const larger = new Float32Array(channels * wide ** 2);
    for (let row = 0; row < channels * side; row++) {
      const channel = Math.floor(row / side), y = row % side + rim;
      larger.set(data.subarray(row * side, (row + 1) * side), (channel * wide + y) * wide + rim);
    }
    return {data: larger, side: wide};
  }

  // Each number of the next map is a sum over taps: pixels in some channels, each with a weight.
  // Four taps at a time take half as long as one. A kernel of one pixel takes the map for one row.
  function convolve(map, {inputs, outputs, kernel, stride, groups, weights, bias}) {
    const {data: from, side: wide} = padded(map, kernel >> 1), side = map.side / stride;
    const area = side * side, data = new Float32Array(outputs * area), each = inputs / groups;
    const [rows, length] = kernel === 1 ? [1, area] : [side, side];
    const taps = each * kernel * kernel, offsets = [0, 0, 0, 0];
    for (let t = 0; t < taps; t++) {
      const c = Math.floor(t / kernel ** 2), ky = Math.floor(t / kernel) % kernel;
      offsets[t] = (c * wide + ky) * wide + t % kernel;
    }
    for (let o = 0; o < outputs; o++) {
      data.fill(bias[o], o * area, (o + 1) * area);
      const first = Math.floor(o * groups / outputs) * each * wide * wide;
      for (let t = 0; t < taps; t += 4) {
        const [a, b, c, d] = [0, 1, 2, 3].map(n => first + (offsets[t + n] ?? 0));
        const [p, q, r, s] = [0, 1, 2, 3].map(n => t + n < taps ? weights[o * taps + t + n] : 0);
        for (let y = 0; y < rows; y++) {
          const begin = o * area + y * side, row = y * stride * wide;
          for (let x = 0; x < length; x++) {
            const i = row + x * stride;
            data[begin + x] += p * from[a + i] + q * from[b + i] + r * from[c + i] + s * from[d + i];
          }
        }
      }
    }
    return {data, side};
  }

  const sigmoid = x => 1 / (1 + Math.exp(-x));

  // Return the maps for a picture, RGBA as a canvas gives it: for each class the score of each
  // cell, then where in its cell a middle is (x, y), then the logarithms of width and height.
  function maps(pixels) {
    const data = new Float32Array(3 * SIDE * SIDE);
    for (let i = 0; i < SIDE * SIDE; i++)
      for (let c = 0; c < 3; c++) data[c * SIDE * SIDE + i] = pixels[4 * i + c] / 127.5 - 1;
    let map = {data, side: SIDE}, before;
    for (const layer of LAYERS) {
      const next = convolve(map, layer);
      if (layer.relu) next.data.forEach((x, i) => { if (x < 0) next.data[i] = 0; });
      if (layer.adds) next.data.forEach((x, i) => { next.data[i] = x + before.data[i]; });
      [before, map] = [map, next];
    }
    for (let i = 0; i < CLASSES.length * CELLS; i++) map.data[i] = sigmoid(map.data[i]);
    return map.data;
  }

  // Return what is found, the surest first: a cell whose score none of its neighbors exceeds.
  function peaks(found, threshold) {
    const at = (channel, x, y) =>
      x < 0 || y < 0 || x >= GRID || y >= GRID ? 0 : found[channel * CELLS + y * GRID + x];
    const near = [-1, 0, 1], best = [];
    CLASSES.forEach((name, channel) => {
      for (let cell = 0; cell < CELLS; cell++) {
        const x = cell % GRID, y = Math.floor(cell / GRID), score = at(channel, x, y);
        const highest = Math.max(...near.flatMap(u => near.map(v => at(channel, x + u, y + v))));
        if (score < threshold || score < highest) continue;
        const [dx, dy, wide, high] = [0, 1, 2, 3].map(i => at(CLASSES.length + i, x, y));
        const middle = [(x + dx) * CELL, (y + dy) * CELL];
        const [w, h] = [wide, high].map(size => Math.exp(size) * SIDE);
        const box = [middle[0] - w / 2, middle[1] - h / 2, middle[0] + w / 2, middle[1] + h / 2];
        best.push({name, score, middle, box: box.map(edge => Math.min(Math.max(edge, 0), SIDE))});
      }
    });
    return best.sort((a, b) => b.score - a.score);
  }

  // The scene

  function canvas() {
    const element = document.createElement("canvas");
    element.width = element.height = SIDE;
    const context = element.getContext("2d", {willReadFrequently: true});
    context.imageSmoothingQuality = "high";
    return context;
  }
  const picture = canvas(), stencil = canvas();

  // Return where a cut-out is, in pixels of the picture: whole ones, as in training.
  function place({image, x, y, size}) {
    const zoom = size * SIDE / Math.max(image.width, image.height);
    const [w, h] = [image.width, image.height].map(length => Math.max(1, Math.round(zoom * length)));
    return [Math.round(x * SIDE - w / 2), Math.round(y * SIDE - h / 2), w, h];
  }

  function paste(context, animal) {
    const [x, y, w, h] = place(animal);
    context.save();
    context.translate(animal.mirrored ? x + w : x, y);
    context.scale(animal.mirrored ? -1 : 1, 1);
    context.drawImage(animal.image, 0, 0, w, h);
    context.restore();
  }

  // Return the picture of a backdrop with animals, from back to front, as {pixels, owner, boxes}:
  // RGBA, the number of the animal that each pixel shows (or -1), and of each animal the box of
  // what can be seen, or undefined.
  function compose(backdrop, animals) {
    picture.drawImage(backdrop, 0, 0, SIDE, SIDE);
    const owner = new Int8Array(SIDE * SIDE).fill(-1), whole = [];
    animals.forEach((animal, number) => {
      paste(picture, animal);
      stencil.clearRect(0, 0, SIDE, SIDE);
      paste(stencil, animal);
      const {data} = stencil.getImageData(0, 0, SIDE, SIDE);
      const solid = owner.map((_, i) => data[4 * i + 3] >= SOLID);
      solid.forEach((mine, i) => { if (mine) owner[i] = number; });
      whole[number] = solid.reduce((sum, mine) => sum + mine, 0);
    });
    const boxes = animals.map(() => [SIDE, SIDE, 0, 0]), seen = animals.map(() => 0);
    owner.forEach((number, i) => {
      if (number < 0) return;
      const x = i % SIDE, y = Math.floor(i / SIDE), [left, top, right, bottom] = boxes[number];
      boxes[number] = [Math.min(left, x), Math.min(top, y),
                       Math.max(right, x + 1), Math.max(bottom, y + 1)];
      seen[number]++;
    });
    animals.forEach((_, i) => { if (!seen[i] || seen[i] < SEEN * whole[i]) boxes[i] = undefined; });
    return {pixels: picture.getImageData(0, 0, SIDE, SIDE).data, owner, boxes};
  }

  return {SIDE, CELL, GRID, CLASSES, maps, peaks, place, paste, compose};
})();
