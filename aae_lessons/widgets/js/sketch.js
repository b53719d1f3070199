// A square to draw in, by pointer, finger or keyboard: strokes from -1 to 1 on both axes.

import { css, mix } from "./page.js";
import { sharpCanvas } from "./plane.js";

const PEN_STEP = 0.04;
const NEAR = 0.012; // a stroke's next point is at least so far from its last
const PEN_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const inSquare = (value) => Math.min(1, Math.max(-1, value));

export class Sketch {
  /**
   * strokes(), brush(): the drawing as it is. add(stroke): somebody drew one. blocked(): whether
   * none may. over(sketch, context, shades): what is painted on top. say(words): for listeners.
   */
  constructor({ size, label, strokes, brush, add, blocked, over, say }) {
    Object.assign(this, { size, strokes, brush, add, blocked, over, say });
    [this.canvas, this.context] = sharpCanvas(size, size, {
      className: "aae-paint",
      tabIndex: 0,
      role: "application",
      "aria-label": `${label}: arrow keys move the pen, space puts it down and lifts it`,
    });
    [this.stroke, this.pen, this.down] = [null, null, false];
    this.followPointer();
    this.followKeys();
  }

  place(x, y) {
    return [((x + 1) / 2) * this.size, ((1 - y) / 2) * this.size];
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      inSquare((2 * (event.clientX - box.left)) / box.width - 1),
      inSquare(1 - (2 * (event.clientY - box.top)) / box.height),
    ];
  }

  begin(x, y) {
    if (!this.blocked()) this.stroke = [+x.toFixed(3), +y.toFixed(3)];
    this.draw();
  }

  extend(x, y) {
    const { stroke } = this;
    if (!stroke || Math.hypot(x - stroke.at(-2), y - stroke.at(-1)) < NEAR) return;
    stroke.push(+x.toFixed(3), +y.toFixed(3));
    this.draw();
  }

  end() {
    if (!this.stroke) return;
    const done = this.stroke;
    this.stroke = null;
    this.add(done);
  }

  followPointer() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pen = null;
      this.begin(...this.at(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.extend(...this.at(each));
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => this.end());
  }

  followKeys() {
    const { canvas } = this;
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) this.pen ??= [0, 0];
      this.draw();
    });
    canvas.addEventListener("blur", () => {
      if (this.down) this.end();
      [this.pen, this.down] = [null, false];
      this.draw();
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    this.pen ??= [0, 0];
    if (event.key === " ") {
      this.down = !this.down;
      if (this.down) this.begin(...this.pen);
      else this.end();
    } else if (PEN_KEYS[event.key]) {
      const reach = PEN_STEP * (event.shiftKey ? 4 : 1);
      this.pen = this.pen.map((value, i) => inSquare(value + reach * PEN_KEYS[event.key][i]));
      if (this.down) this.extend(...this.pen);
    } else return;
    event.preventDefault();
    const [right, up] = this.pen.map((value) => Math.round(100 * value));
    this.say(`pen ${this.down ? "down" : "up"}, ${right} right, ${up} up`);
    this.draw();
  }

  draw(shades = this.shades) {
    if (!shades) return;
    this.shades = shades;
    const { context, size, stroke } = this;
    const strokes = stroke ? [...this.strokes(), stroke] : this.strokes();
    context.fillStyle = css(shades.paper);
    context.fillRect(0, 0, size, size);
    this.ink(strokes);
    this.over(this, context, shades);
    if (!strokes.length) this.hint();
    if (this.pen) this.cross();
  }

  ink(strokes) {
    const { context, size, shades } = this;
    context.strokeStyle = css(mix(shades.paper, shades.ink, 0.28));
    context.lineWidth = (this.brush() * size) / 2;
    context.lineCap = context.lineJoin = "round";
    for (const each of strokes) {
      context.beginPath();
      context.moveTo(...this.place(each[0], each[1]));
      const ends = each.length > 2 ? each : [...each, each[0] + 1e-3, each[1]]; // a dot
      for (let i = 2; i < ends.length; i += 2)
        context.lineTo(...this.place(ends[i], ends[i + 1]));
      context.stroke();
    }
  }

  hint() {
    const { context, size, shades } = this;
    context.fillStyle = css(shades.ink, 0.7);
    context.font = `15px ${shades.font}`;
    context.textAlign = "center";
    context.fillText("draw here", size / 2, size / 2);
  }

  cross() {
    const { context, shades } = this;
    const [x, y] = this.place(...this.pen);
    context.strokeStyle = css(shades.ink);
    context.lineWidth = this.down ? 3 : 1;
    context.beginPath();
    context.moveTo(x - 8, y);
    context.lineTo(x + 8, y);
    context.moveTo(x, y - 8);
    context.lineTo(x, y + 8);
    context.stroke();
  }
}

/** A stroke's numbers as the kernel takes them: three digits after the point. */
export const rounded = (strokes) => strokes.map((stroke) => stroke.map((v) => +v.toFixed(3)));
