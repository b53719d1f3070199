// What the course adds to the theme: definitions beside their words, and menus over pictures.

/** The definition of a glossary's word, while the pointer or the focus is on it. */
function definitions() {
  let box = null;
  const hide = () => {
    box?.remove();
    box = null;
  };
  const show = ({ currentTarget: link }) => {
    hide();
    box = document.createElement("div");
    box.id = "aae-definition";
    box.setAttribute("role", "tooltip");
    box.textContent = link.dataset.definition;
    document.body.append(box);
    link.setAttribute("aria-describedby", box.id);
    const at = link.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 16);
    box.style.left = `${scrollX + Math.max(8, left)}px`;
    box.style.top = `${scrollY + at.bottom + 6}px`;
  };
  for (const link of document.querySelectorAll("a.aae-term")) {
    link.dataset.definition = link.title;
    link.removeAttribute("title");
    link.addEventListener("mouseenter", show);
    link.addEventListener("focus", show);
    link.addEventListener("mouseleave", hide);
    link.addEventListener("blur", hide);
  }
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

/** Menus over pictures: what figure_menus is in a notebook, without Python. */
function menus(root, number) {
  const { menus: rows, slider, caption, pictures } = JSON.parse(
    root.querySelector("script").textContent,
  );
  const chosen = rows.map(([, options, first]) => options.indexOf(first));
  const image = document.createElement("img");
  const show = () => {
    const place = rows.reduce((sum, [, options], i) => sum * options.length + chosen[i], 0);
    image.src = root.dataset.aaeMenus + pictures[place];
    image.alt = rows.map(([label, options], i) => `${label} ${options[chosen[i]]}`).join(", ");
  };
  const controls = rows.map(([name, options], i) => {
    const label = document.createElement("label");
    const control = document.createElement(slider ? "input" : "select");
    const output = document.createElement("output");
    if (slider) Object.assign(control, { type: "range", min: 0, max: options.length - 1 });
    else control.append(...options.map((text, k) => new Option(text, k)));
    control.value = chosen[i];
    const name_ = options[chosen[i]];
    output.textContent = slider ? name_ : "";
    control.addEventListener("input", () => {
      chosen[i] = +control.value;
      output.textContent = slider ? options[chosen[i]] : "";
      control.setAttribute("aria-valuetext", options[chosen[i]]);
      show();
    });
    control.id = `aae-menus-${number}-${i}`;
    control.setAttribute("aria-valuetext", name_);
    label.htmlFor = control.id;
    label.append(name, control, output);
    return label;
  });
  const words = document.createElement("p");
  words.textContent = caption;
  root.append(...controls, image, words);
  show();
}

/** Where the theme's label contradicts the words in an element, or there are no words. */
function names() {
  for (const part of document.querySelectorAll("summary[aria-label]"))
    if (part.textContent.trim()) part.removeAttribute("aria-label");
  for (const part of document.querySelectorAll("summary"))
    if (!part.textContent.trim()) part.setAttribute("aria-label", "Pages of this part");
  for (const head of document.querySelectorAll("th"))
    if (!head.textContent.trim()) head.replaceWith(document.createElement("td"));
}

/** What answers one prediction opens with one click: its first part shows the others. */
function predictions() {
  const groups = new Map();
  for (const part of document.querySelectorAll("[class*=prediction-]")) {
    const name = part.className.match(/prediction-\d+/)[0];
    const fold = part.matches("details") ? part : part.querySelector("details.below-input");
    if (fold) groups.set(name, [...(groups.get(name) ?? []), { part, fold }]);
  }
  for (const [first, ...others] of groups.values()) {
    const follow = () => {
      for (const { part, fold } of others) {
        fold.open = first.fold.open;
        const bare = part === fold || part.querySelector("details.above-input");
        part.classList.toggle("aae-waits", bare && !fold.open); // nothing but bars to see
      }
    };
    others.forEach(({ fold }) => fold.classList.add("aae-follows"));
    first.fold.addEventListener("toggle", follow);
    follow();
  }
}

/** What scrolls in itself can be reached by the keyboard. */
function scrollable() {
  const wide = "pre, .bd-article table, div.math, .katex-display, .cell_output .output";
  for (const part of document.querySelectorAll(wide)) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  }
}

function start() {
  names();
  definitions();
  predictions();
  for (const link of document.querySelectorAll(".btn-download-source-button")) link.download = "";
  document.querySelectorAll("[data-aae-menus]").forEach(menus);
}

// The landing page loads this script when it is complete.
if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
if (document.readyState === "complete") scrollable();
else addEventListener("load", scrollable);
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open = true; // paper can't be clicked
});
