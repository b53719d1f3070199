// A small line chart with a cursor.

import { css, make } from "./page.js";
import { sharpCanvas, ticks } from "./plane.js";

const [LEFT, BOTTOM, TOP] = [44, 16, 18];

export class Chart {
  /**
   * title; xs and ys: the line; end: right end of the horizontal axis; level: {value, name}, a
   * dotted line; choose(share): where between 0 and `end` the pointer pressed, 0 … 1.
   */
  constructor({ title, xs, ys, end, level, width = 330, height = 100, choose }) {
    Object.assign(this, { title, xs, ys, end, level, width, height });
    [this.canvas, this.context] = sharpCanvas(width, height, { role: "img", "aria-label": title });
    const heights = level ? [...ys, level.value] : ys;
    const [low, high] = [Math.min(...heights), Math.max(...heights)];
    const room = 0.06 * (high - low || Math.abs(high) || 1);
    [this.low, this.high] = [low - room, high + room];
    this.node = make("figure", { className: "aae-chart" }, this.canvas);
    const follow = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const x = ((event.clientX - box.left) * width) / box.width;
      choose(Math.min(1, Math.max(0, (x - LEFT) / (width - LEFT - 4))));
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      follow(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && follow(event));
  }

  place(x, y) {
    return [
      LEFT + (x / this.end) * (this.width - LEFT - 4),
      TOP + ((this.high - y) / (this.high - this.low)) * (this.height - TOP - BOTTOM),
    ];
  }

  /** Everything, with the cursor at a share of the axis. */
  draw(share, shades, colour) {
    const { context, width, height } = this;
    context.fillStyle = css(shades.paper);
    context.fillRect(0, 0, width, height);
    context.font = `11px ${shades.font}`;
    context.fillStyle = css(shades.ink);
    context.textAlign = "left";
    context.fillText(this.title, LEFT, 12);
    context.textAlign = "right";
    for (const y of ticks(this.low, this.high).filter(
      (_, i, all) => all.length < 4 || i % 2 === 0,
    )) {
      context.fillText(
        String(+y.toPrecision(3)).replace("-", "−"),
        LEFT - 5,
        this.place(0, y)[1] + 4,
      );
    }
    this.line(
      css(shades.line),
      [
        [0, this.low],
        [0, this.high],
      ],
      1,
    );
    this.line(
      css(shades.line),
      [
        [0, this.low],
        [this.end, this.low],
      ],
      1,
    );
    if (this.level) {
      context.setLineDash([2, 3]);
      this.line(
        css(shades.ink),
        [
          [0, this.level.value],
          [this.end, this.level.value],
        ],
        1,
      );
      context.setLineDash([]);
      context.fillText(this.level.name, width - 6, this.place(0, this.level.value)[1] - 3);
    }
    this.line(
      css(colour),
      this.xs.map((x, i) => [x, this.ys[i]]),
      1.4,
    );
    const x = share * this.end;
    this.line(
      css(shades.ink, 0.8),
      [
        [x, this.low],
        [x, this.high],
      ],
      1.5,
    );
  }

  line(style, points, width) {
    const { context } = this;
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    points.forEach(([x, y], i) => {
      const [px, py] = this.place(x, y);
      if (i) context.lineTo(px, py);
      else context.moveTo(px, py);
    });
    context.stroke();
  }
}
