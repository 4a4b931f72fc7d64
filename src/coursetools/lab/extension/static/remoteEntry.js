/* What the lessons need in JupyterLab beyond jupyterlab-myst. It is one small file, written by hand
   in the form in which JupyterLab loads extensions, so nothing has to be built.

   - A link to a heading of another page scrolls to that heading: jupyterlab-myst opens the page and
     stays at its top. So every term and every citation leads to its entry.
   - A link to a page to touch opens the file in which its figures work.
   - The answers of a quiz look like something that opens. */
"use strict";

const STYLE = `
.myst details:is(.option, :not([class])) {
  border: 1px solid var(--jp-border-color2);
  border-radius: 4px;
  margin: 0.4em 0;
  padding: 0 0.8em;
}
.myst details:is(.option, :not([class])) > summary {
  cursor: pointer;
  padding: 0.4em 0;
}
.myst details:is(.option, :not([class])) > summary::before {
  content: "▸";
  display: inline-block;
  width: 1.2em;
}
.myst details:is(.option, :not([class]))[open] > summary::before {
  content: "▾";
}
.myst details:is(.option, :not([class])) > summary:hover {
  color: var(--jp-content-link-color);
}
.jp-RenderedMySTMarkdown .course-entry {
  background: var(--jp-warn-color3);
  scroll-margin-top: 1em;
}
`;
const PATIENCE = 10000; // milliseconds until a page must have been rendered
const PAGE = ".jp-RenderedMySTMarkdown"; // a page of the book, as JupyterLab shows it
const TOUCH = /\/(figures|network)_to_touch\.md$/;

/** Bring the heading `id` of a page that is shown, or will be, to the top; mark it. */
function reveal(id, until = Date.now() + PATIENCE) {
  const places = document.querySelectorAll(`${PAGE} #${CSS.escape(id)}`);
  const shown = [...places].find(place => place.offsetParent !== null);
  if (shown) {
    document.querySelectorAll(".course-entry").forEach(e => e.classList.remove("course-entry"));
    shown.classList.add("course-entry");
    shown.scrollIntoView();
  } else if (Date.now() < until) {
    setTimeout(reveal, 100, id, until);
  }
}

function activate(app) {
  document.head.appendChild(document.createElement("style")).textContent = STYLE;
  document.addEventListener("click", event => {
    const link = event.target.closest?.(".myst a[href]");
    if (!link) return;
    const page = decodeURIComponent(link.pathname.split("/files/")[1] ?? "");
    const within = link.getAttribute("href").startsWith("#") && link.closest(PAGE);
    if (TOUCH.test(page)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      const path = page.replace(/md$/, "html");
      app.commands.execute("docmanager:open", { path, factory: "HTML Viewer" });
    } else if (link.hash.length > 1 && (page.endsWith(".md") || within)) {
      if (within) event.preventDefault();
      reveal(decodeURIComponent(link.hash.slice(1)));
    }
  }, true);
}

(globalThis._JUPYTERLAB ??= {})["where-is-it"] = {
  init() {},
  get: async () => () => ({
    __esModule: true,
    default: [{ id: "where-is-it:lessons", autoStart: true, activate }],
  }),
};
