/* One slide at a time: keys, buttons, a swipe. The address keeps the place. */

const slides = [...document.querySelectorAll(".slide")];
const place = document.getElementById("place");
let current = 0;

/* Make the text of a slide smaller until it fits. What still does not fit can be scrolled. */
function fit(slide) {
  let size = 100;
  slide.style.fontSize = "";
  while (slide.scrollHeight > slide.clientHeight && size > 55)
    slide.style.fontSize = `${(size -= 5)}%`;
}

function show(number) {
  current = Math.max(0, Math.min(slides.length - 1, number));
  slides.forEach((slide, i) => (slide.hidden = i !== current));
  place.textContent = `${current + 1} / ${slides.length}`;
  history.replaceState(null, "", `#${current + 1}`);
  fit(slides[current]);
}

const moves = {
  ArrowRight: () => current + 1,
  ArrowDown: () => current + 1,
  PageDown: () => current + 1,
  " ": () => current + 1,
  ArrowLeft: () => current - 1,
  ArrowUp: () => current - 1,
  PageUp: () => current - 1,
  Home: () => 0,
  End: () => slides.length - 1,
};

document.addEventListener("keydown", event => {
  const inside = event.target.closest("summary, button, a"); // there, space presses what it is on
  if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === " " && inside) return;
  event.preventDefault();
  show(moves[event.key]());
});
document.getElementById("back").onclick = () => show(current - 1);
document.getElementById("next").onclick = () => show(current + 1);
let start = 0;
document.addEventListener("touchstart", event => (start = event.touches[0].clientX));
document.addEventListener("touchend", event => {
  const way = event.changedTouches[0].clientX - start;
  if (Math.abs(way) > 60) show(current - Math.sign(way));
});
document.addEventListener("toggle", () => fit(slides[current]), true); // code was opened
addEventListener("resize", () => fit(slides[current]));
addEventListener("hashchange", () => show(parseInt(location.hash.slice(1)) - 1 || 0));
document.body.classList.add("one");
show(parseInt(location.hash.slice(1)) - 1 || 0);
const formulas = window.MathJax && MathJax.startup && MathJax.startup.promise;
if (formulas) formulas.then(() => fit(slides[current]));
