// A plane to move over: what lies in it, and a cross that pointer and arrow keys move.

import { classColour, css, make, mix, theme } from "./page.js";

const MARGIN = 26; // px left of and below the plane, for the numbers
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const STEPS = 80; // arrow keys for the whole width; with shift, an eighth of that

// How far each marker reaches, and its corners on a circle of radius 1 (turned so that 0 is up).
const star = (points, inner) =>
  Array.from({ length: 2 * points }, (_, i) => [i / (2 * points), i % 2 ? inner : 1]);
const polygon = (corners, turn = 0) =>
  Array.from({ length: corners }, (_, i) => [(i + turn) / corners, 1]);
const CORNERS = {
  s: polygon(4, 0.5),
  D: polygon(4),
  "^": polygon(3),
  v: polygon(3, 1.5),
  "<": polygon(3, 2.25),
  ">": polygon(3, 0.75),
  h: polygon(6),
  X: star(4, 0.35).map(([turn, r]) => [turn + 0.125, r]),
  "*": star(5, 0.4),
};

/** Adds one marker's outline to the path. */
export function marker(context, kind, x, y, radius) {
  if (kind === "o") {
    context.moveTo(x + 0.8 * radius, y);
    context.arc(x, y, 0.8 * radius, 0, 2 * Math.PI);
    return;
  }
  CORNERS[kind].forEach(([turn, share], i) => {
    const angle = 2 * Math.PI * turn;
    const [px, py] = [x + share * radius * Math.sin(angle), y - share * radius * Math.cos(angle)];
    if (i) context.lineTo(px, py);
    else context.moveTo(px, py);
  });
  context.closePath();
}

/** A canvas as sharp as the screen, so many CSS pixels wide and high; narrower where it must. */
export function sharpCanvas(width, height, properties) {
  const scale = Math.max(1, Math.min(3, window.devicePixelRatio || 1));
  const canvas = make("canvas", { width: width * scale, height: height * scale, ...properties });
  canvas.style.width = `${width}px`;
  canvas.style.maxWidth = "100%";
  canvas.style.aspectRatio = `${width} / ${height}`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return [canvas, context];
}

export class Plane {
  /**
   * extent: [left, right, bottom, top] of what is shown. draw(plane, context, shades): what lies
   * under the cross. move(x, y): called for every wish to move; the owner answers with `cross`.
   * names: of the two axes.
   */
  constructor({ size, label, extent, draw, move, names = ["z₁", "z₂"] }) {
    Object.assign(this, { size, extent, paint: draw, move, names });
    this.width = size + MARGIN;
    [this.canvas, this.context] = sharpCanvas(this.width, this.width, {
      role: "img",
      "aria-label": label,
    });
    const over = { className: "aae-cross", tabIndex: 0, role: "application", "aria-label": label };
    [this.over, this.top] = sharpCanvas(this.width, this.width, over);
    this.over.setAttribute("aria-roledescription", "plane");
    this.node = make("div", { className: "aae-plane" }, this.canvas, this.over);
    this.canvas.setAttribute("aria-hidden", "true");
    this.follow();
  }

  place(x, y) {
    const [left, right, bottom, top] = this.extent;
    return [
      MARGIN + ((x - left) / (right - left)) * this.size,
      ((top - y) / (top - bottom)) * this.size,
    ];
  }

  at(event) {
    const box = this.over.getBoundingClientRect();
    const scale = this.width / box.width;
    return this.inside(
      this.extent[0] +
        (((event.clientX - box.left) * scale - MARGIN) / this.size) *
          (this.extent[1] - this.extent[0]),
      this.extent[3] -
        (((event.clientY - box.top) * scale) / this.size) * (this.extent[3] - this.extent[2]),
    );
  }

  inside(x, y) {
    const [left, right, bottom, top] = this.extent;
    return [Math.min(right, Math.max(left, x)), Math.min(top, Math.max(bottom, y))];
  }

  follow() {
    const { over } = this;
    over.addEventListener("pointerdown", (event) => {
      over.setPointerCapture(event.pointerId);
      over.focus({ preventScroll: true });
      this.held = true;
      this.move(...this.at(event), event);
      event.preventDefault();
    });
    let free = 0; // when there is time for a raw update again
    const drag = (event) => {
      const [x, y] = this.at(event);
      if (this.held && (x !== this.last?.[0] || y !== this.last[1])) this.move(x, y, event);
    };
    over.addEventListener("pointermove", drag);
    // A browser keeps pointermove for its next frame, up to 17 ms. Raw updates come at once: 250 a
    // second at most are followed, and fewer where they would take more than half of the time.
    over.addEventListener("pointerrawupdate", (event) => {
      const start = performance.now();
      if (!this.held || start < free) return;
      drag(event);
      free = Math.max(start + 4, 2 * performance.now() - start);
    });
    for (const end of ["pointerup", "pointercancel"])
      over.addEventListener(end, () => (this.held = false));
    over.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const [left, right, bottom, top] = this.extent;
    if (event.key === "Home") this.move(...this.inside(0, 0), event);
    else if (KEYS[event.key] && this.last) {
      const step = ((right - left) / STEPS) * (event.shiftKey ? 8 : 1);
      const [dx, dy] = KEYS[event.key];
      this.move(
        ...this.inside(
          this.last[0] + dx * step,
          this.last[1] + (dy * step * (top - bottom)) / (right - left),
        ),
        event,
      );
    } else return;
    event.preventDefault();
  }

  /** Puts the cross at (x, y); only the upper canvas is drawn. */
  cross(x, y) {
    this.last = [x, y];
    const { top: context, width, size } = this;
    const [px, py] = this.place(x, y);
    const shades = this.shades ?? theme(this.node);
    context.clearRect(0, 0, width, width);
    const stroke = (style, width, path) => {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      path();
      context.stroke();
    };
    const lines = [
      [MARGIN, py, px - 7, py],
      [px + 7, py, MARGIN + size, py],
      [px, 0, px, py - 7],
      [px, py + 7, px, size],
    ];
    stroke(css(shades.ink, 0.45), 1, () =>
      lines.forEach(([a, b, c, d]) => {
        context.moveTo(a, b);
        context.lineTo(c, d);
      }),
    );
    stroke(css(shades.paper, 0.9), 5, () => context.arc(px, py, 7, 0, 2 * Math.PI));
    stroke(css(shades.ink), 2, () => context.arc(px, py, 7, 0, 2 * Math.PI));
  }

  /** Draws everything again, in the colours of the present theme. */
  draw() {
    this.shades = theme(this.node);
    const { context, size, width } = this;
    context.fillStyle = css(this.shades.paper);
    context.fillRect(0, 0, width, width);
    context.save();
    context.beginPath();
    context.rect(MARGIN, 0, size, size);
    context.clip();
    this.paint(this, context, this.shades);
    context.restore();
    this.axes();
    if (this.last) this.cross(...this.last);
  }

  axes() {
    const { context, size, shades } = this;
    const [left, right, bottom, top] = this.extent;
    context.strokeStyle = css(shades.line);
    context.lineWidth = 1;
    context.strokeRect(MARGIN + 0.5, 0.5, size - 1, size - 1);
    context.fillStyle = css(shades.ink);
    context.font = `11px ${shades.font}`;
    context.textAlign = "center";
    for (const x of ticks(left, right))
      context.fillText(tickText(x), this.place(x, 0)[0], size + 15);
    context.textAlign = "right";
    for (const y of ticks(bottom, top))
      context.fillText(tickText(y), MARGIN - 5, this.place(0, y)[1] + 4);
    context.font = `italic 12px ${shades.font}`;
    context.fillText(this.names[0], MARGIN + size, size + 15);
    context.fillText(this.names[1], MARGIN - 5, 11);
  }
}

const tickText = (value) => String(+value.toPrecision(3)).replace("-", "−");

/** Round numbers strictly inside an interval, about five of them. */
export function ticks(low, high) {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const edge = 0.03 * (high - low);
  const result = [];
  for (let t = Math.ceil(low / step) * step; t <= high; t += step) {
    if (t > low + edge && t < high - edge) result.push(Math.abs(t) < step / 1e6 ? 0 : t);
  }
  return result;
}

export const NO_LABEL = 255;

/** How a class is called. */
export const nameOfClass = (k) => (k === NO_LABEL ? "no label" : String(k));

/** Colour and marker of a class, another pair for each of a hundred classes; of codes without. */
function markOf(k, { colours, markers }, shades) {
  if (k === NO_LABEL) return [shades.line, markers[0]];
  const [one, tens] = [k % colours.length, Math.floor(k / colours.length)];
  return [classColour(colours, one, shades), markers[(one + tens) % markers.length]];
}

/** Codes by class: colour and marker. codes: (2n,), labels: (n,) or null, one marker for all. */
export function drawPoints(
  plane,
  context,
  shades,
  codes,
  labels,
  style,
  alpha = 0.75,
  radius = 3.4,
) {
  for (const k of labels ? classesIn(labels) : [0]) {
    const [colour, shape] = markOf(k, style, shades);
    context.beginPath();
    for (let i = 0; 2 * i < codes.length; i++) {
      if (labels && labels[i] !== k) continue;
      const [x, y] = plane.place(codes[2 * i], codes[2 * i + 1]);
      marker(context, shape, x, y, radius);
    }
    context.fillStyle = css(colour, alpha);
    context.fill();
  }
}

/** Lines of equal density: [{mass, lines: [[x, y, x, y, …], …]}, …], outer ones paler. */
export function drawContours(plane, context, shades, contours) {
  contours.forEach(({ lines }, i) => {
    context.strokeStyle = css(mix(shades.ink, shades.paper, 0.35 + 0.15 * i), 0.9);
    context.lineWidth = 1.2;
    context.beginPath();
    for (const line of lines) {
      for (let j = 0; j < line.length; j += 2) {
        const [x, y] = plane.place(line[j], line[j + 1]);
        if (j) context.lineTo(x, y);
        else context.moveTo(x, y);
      }
    }
    context.stroke();
  });
}

export const PRIOR_SIDE = [38, 110, 190];
export const CODE_SIDE = [214, 110, 20];

/** Colours of the opinions 0 … 255 on this paper, as ImageData wants them. */
function opinionColours(paper) {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const side = value > 127.5 ? PRIOR_SIDE : CODE_SIDE;
    const [r, g, b] = mix(paper, side, (0.9 * Math.abs(value - 127.5)) / 127.5);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

/** What a plane draws opinions with, kept from one picture to the next. */
function opinionSheet(plane, side, paper) {
  if (plane.sheet?.side !== side) {
    const canvas = make("canvas", { width: side, height: side });
    const image = canvas.getContext("2d").createImageData(side, side);
    plane.sheet = { side, canvas, image, pixels: new Uint32Array(image.data.buffer) };
  }
  if (plane.sheet.paper !== String(paper))
    Object.assign(plane.sheet, { paper: String(paper), colours: opinionColours(paper) });
  return plane.sheet;
}

/** The discriminator's opinion on a square grid, row by row from the top: 0 code … 255 prior. */
export function drawOpinion(plane, context, shades, opinion) {
  const sheet = opinionSheet(plane, Math.sqrt(opinion.length), shades.paper);
  const { canvas, image, pixels, colours } = sheet;
  for (let i = 0; i < opinion.length; i++) pixels[i] = colours[Math.round(opinion[i])];
  canvas.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(canvas, MARGIN, 0, plane.size, plane.size);
}

/** The classes that occur, in order. */
const classesIn = (labels) => [...new Set(labels)].sort((a, b) => a - b);

/** What the markers mean: one item for each class that occurs. */
export function legend(labels, style, shades) {
  const items = classesIn(labels).map((k) => {
    const [colour, shape] = markOf(k, style, shades);
    const [canvas, context] = sharpCanvas(14, 14, { "aria-hidden": "true" });
    context.beginPath();
    marker(context, shape, 7, 7, 5.5);
    context.fillStyle = css(colour);
    context.fill();
    return make("span", {}, canvas, style.names?.[k] ?? nameOfClass(k));
  });
  return make("div", { className: "aae-legend", role: "note", "aria-label": "classes" }, ...items);
}
