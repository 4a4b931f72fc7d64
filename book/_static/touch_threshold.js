// The slider for the IoU threshold. The page holds everything at 0.5, as a picture that
// coursetools.publish.touch_figures made; this script moves it to another threshold.
(() => {
  const figure = document.getElementById("touch-threshold");
  if (!figure) return;

  const n = Number(figure.dataset.n);
  const hits = figure.dataset.hits.split(" ").map(Number); // at 0.00, 0.01, 0.02 and so on
  const slider = figure.querySelector("input");
  const curve = figure.querySelector(".curve");
  const places = curve.querySelector("polyline").points; // one for each threshold
  const put = (name, text) => {
    figure.querySelector(`[data-show="${name}"]`).textContent = text;
  };

  function show() {
    const step = Math.round(100 * slider.value);
    const {x, y} = places[step];
    curve.querySelector("circle").setAttribute("cx", x);
    curve.querySelector("circle").setAttribute("cy", y);
    curve.querySelector(".level").setAttribute("x1", x);
    curve.querySelector(".level").setAttribute("x2", x);
    put("threshold", (step / 100).toFixed(2));
    put("share", (hits[step] / n).toFixed(3));
    put("hits", hits[step]);
    for (const picture of figure.querySelectorAll("li")) {
      // The last threshold at which it is right, as a number of hundredths; -1 if there is none
      const right = step <= Number(picture.dataset.last);
      picture.className = right ? "right" : "wrong";
      picture.querySelector("b").textContent = right ? "✓ right" : "✗ wrong";
    }
  }

  slider.addEventListener("input", show);
  figure.classList.add("live");
  show(); // a browser may have kept the slider's place from an earlier visit
})();
