// What every explorer's page is made of: elements, theme, pictures, words.

/** A new element: properties (or attributes, where the name has a dash or is a role), children. */
export function make(tag, properties = {}, ...children) {
  const result = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") result.setAttribute(name, value);
    else result[name] = value;
  }
  result.append(...children);
  return result;
}

/** A title that no other explorer of the page has: landmarks are distinguished by their names. */
function nameOf(title) {
  const taken = new Set(
    [...document.querySelectorAll(".aae[aria-label]")].map((e) => e.getAttribute("aria-label")),
  );
  let name = title;
  for (let number = 2; taken.has(name); number++) name = `${title} ${number}`;
  return name;
}

/** The explorer's root, with its caption below; JupyterLab's own shortcuts stay out of it. */
export function page(model, el, name, ...children) {
  const caption = make("p", { className: "aae-caption" }, model.get("caption"));
  const notice = make("p", { className: "aae-notice", role: "status", hidden: true });
  const words = make("p", { className: "aae-words", "aria-live": "polite" });
  const root = make(
    el.closest(".reveal") ? "div" : "section", // to reveal.js a section is a slide
    {
      role: "region",
      className: `aae ${name}`,
      "aria-label": nameOf(model.get("title")),
      "data-lm-suppress-shortcuts": "true",
    },
    ...children,
    words,
    notice,
    caption,
  );
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.replaceChildren(root);
  let timer = 0;
  return {
    root,
    /** Says it in words, for those who listen: not more than four times a second. */
    say(text) {
      clearTimeout(timer);
      timer = setTimeout(() => (words.textContent = text), words.textContent ? 250 : 0);
    },
    notice(text) {
      notice.textContent = text;
      notice.hidden = !text;
    },
  };
}

/** Colours of the theme that the element is in now. */
export function theme(root) {
  const style = getComputedStyle(root);
  const value = (name, otherwise) => rgb(style.getPropertyValue(name).trim() || otherwise);
  const paper = value("--aae-paper", "#fff"); // there is no style before it is in the document
  const [ink, line] = [value("--aae-ink", "#222"), value("--aae-line", "#999")];
  const dark = luminance(paper) < luminance(ink);
  return { paper, ink, line, dark, font: style.fontFamily };
}

const READ = new Map(); // colours; reading a canvas takes as long as drawing a plane

/** Any CSS colour as [red, green, blue]. */
function rgb(colour) {
  if (!READ.has(colour)) READ.set(colour, readColour(colour));
  return READ.get(colour);
}

function readColour(colour) {
  const context = make("canvas", { width: 1, height: 1 }).getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

export function luminance([r, g, b]) {
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

export function css([r, g, b], alpha = 1) {
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/** Between two colours: `share` 0 … 1. */
export function mix(a, b, share) {
  return a.map((value, i) => Math.round(value + share * (b[i] - value)));
}

/** A class's colour on this paper: black turns white on a dark one. */
export function classColour(colours, label, shades) {
  const hex = colours[label % colours.length];
  const colour = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return shades.dark && luminance(colour) < 0.2 ? [235, 235, 235] : colour;
}

/** Calls `draw(shades)` now, once the page holds `root`, and when the theme may have changed. */
export function onTheme(root, draw) {
  const redraw = () => {
    const shades = theme(root);
    root.style.colorScheme = shades.dark ? "dark" : "light"; // of boxes and sliders
    draw(shades);
  };
  redraw();
  let left = root.isConnected ? 0 : 600; // frames to wait for that
  const wait = () => {
    if (root.isConnected) redraw();
    else if (left-- > 0) requestAnimationFrame(wait);
  };
  if (left) requestAnimationFrame(wait);
  const media = matchMedia("(prefers-color-scheme: dark)");
  const soon = () => requestAnimationFrame(redraw);
  const observer = new MutationObserver(soon);
  observer.observe(document.body, { attributes: true });
  observer.observe(document.documentElement, { attributes: true });
  media.addEventListener("change", soon);
  return () => {
    left = 0;
    observer.disconnect();
    media.removeEventListener("change", soon);
  };
}

/** How many numbers an image of a shape [C, H, W] has. */
export const pixelsOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** A picture of a shape [C, H, W]: a grey one as ink on the theme's paper, RGB in its colours. */
export class Picture {
  /** size: CSS pixels of its longer side. */
  constructor([channels, height, width], size, label, className = "") {
    this.canvas = make("canvas", {
      width,
      height,
      className: `aae-picture ${className}`,
      role: "img",
      "aria-label": label,
    });
    const scale = size / Math.max(height, width);
    this.canvas.style.width = `${scale * width}px`;
    this.canvas.style.height = `${scale * height}px`;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.coloured = channels === 3;
  }

  /** Levels 0 … 255, (C·H·W,); `ramp` is what grey ones look like. */
  show(levels, ramp) {
    this.levels = levels;
    const { pixels } = this;
    const count = pixels.length;
    for (let i = 0; i < count; i++) {
      pixels[i] = this.coloured
        ? packed(levels[i], levels[count + i], levels[2 * count + i])
        : ramp[levels[i]];
    }
    this.context.putImageData(this.image, 0, 0);
  }

  redraw(ramp) {
    if (this.levels) this.show(this.levels, ramp);
  }
}

/** A colour as ImageData wants it: one number. */
const packed = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** The colour of each grey level, from paper (0) to ink (255), as ImageData wants it. */
export function ramp({ paper, ink }) {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    table[i] = packed(...mix(paper, ink, i / 255));
  }
  return table;
}

/** A number as it is said: a real minus sign, two digits after the point. */
export function said(value, digits = 2) {
  return value.toFixed(digits).replace("-", "−");
}

/** A labelled checkbox for a boolean trait. */
export function checkbox(model, name, text) {
  const box = make("input", { type: "checkbox", checked: model.get(name) });
  box.addEventListener("change", () => put(model, { [name]: box.checked }));
  model.on(`change:${name}`, () => (box.checked = model.get(name)));
  return make("label", { className: "aae-check" }, box, text);
}

/** A labelled slider; `show(value)` makes the words beside it. */
export function slider({ label, min, max, step, value, show = said, change }) {
  const input = make("input", { type: "range", min, max, step, "aria-label": label });
  const output = make("output", {}, show(value));
  input.value = value;
  input.addEventListener("input", () => {
    output.textContent = show(+input.value);
    change(+input.value);
  });
  const set = (to) => {
    input.value = to;
    output.textContent = show(to);
  };
  return {
    row: make("label", { className: "aae-slider" }, make("span", {}, label), input, output),
    input,
    set,
  };
}

/** Sets traits and sends them to the kernel, if there is one. */
export function put(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  try {
    model.save_changes();
  } catch {
    // the kernel is gone: what the browser can do by itself goes on
  }
}

/** Sends a message to the kernel; false where there is none to take it. */
export function send(model, content) {
  if (model.kernel === false) return false;
  try {
    model.send(content);
    return true;
  } catch {
    return false;
  }
}

/** Several listeners at once; returns how to take them off again. */
export function listen(model, listeners) {
  for (const [name, call] of Object.entries(listeners)) model.on(name, call);
  return () => {
    for (const [name, call] of Object.entries(listeners)) model.off(name, call);
  };
}
