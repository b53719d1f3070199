// Curves that grow while something runs, with lines at values worth knowing.

import { css, make, said } from "./page.js";
import { sharpCanvas } from "./plane.js";

const KEPT = 400; // points of a curve; older ones make room
const [LEFT, RIGHT, TOP, BOTTOM] = [30, 66, 16, 16];

export class Trace {
  /** series: [{name, colour: (shades) => [r, g, b]}]; levels: [{value, name}]; top: of the axis. */
  constructor({ title, series, levels, top, width = 340, height = 110 }) {
    Object.assign(this, { title, series, levels, top, width, height });
    [this.canvas, this.context] = sharpCanvas(width, height, { role: "img", "aria-label": title });
    this.node = make("figure", { className: "aae-trace" }, this.canvas);
    this.clear();
  }

  clear() {
    this.points = [];
  }

  /** values: one for each series, at an update. */
  add(update, values) {
    if (this.points.at(-1)?.update === update) return;
    this.points.push({ update, values });
    if (this.points.length > KEPT) this.points = this.points.filter((_, i) => i % 2);
  }

  y(value) {
    const share = Math.min(1, Math.max(0, value / this.highest));
    return TOP + (1 - share) * (this.height - TOP - BOTTOM);
  }

  /** The axis' upper end: `top`, or twice it and so on where the last values lie above. */
  end() {
    let highest = 0;
    for (const { values } of this.points.slice(-100))
      for (const value of values) if (Number.isFinite(value)) highest = Math.max(highest, value);
    let top = this.top;
    while (top < highest && top < 64 * this.top) top *= 2;
    return top;
  }

  draw(shades) {
    const { context, width, height, points } = this;
    this.highest = this.end();
    const [first, last] = [points[0]?.update ?? 0, points.at(-1)?.update ?? 1];
    const x = (update) =>
      LEFT + ((update - first) / Math.max(1, last - first)) * (width - LEFT - RIGHT);
    context.fillStyle = css(shades.paper);
    context.fillRect(0, 0, width, height);
    context.font = `11px ${shades.font}`;
    context.fillStyle = css(shades.ink);
    context.textAlign = "left";
    this.drawTitle(shades);
    context.textAlign = "right";
    context.fillText("0", LEFT - 4, this.y(0) + 4);
    context.fillText(String(this.highest), LEFT - 4, this.y(this.highest) + 8);
    context.fillText(`update ${Math.floor(last).toLocaleString("en")}`, width - RIGHT, height - 3);
    context.strokeStyle = css(shades.line);
    context.strokeRect(LEFT + 0.5, TOP + 0.5, width - LEFT - RIGHT, height - TOP - BOTTOM);
    this.drawLevels();
    this.series.forEach((one, i) => this.drawSeries(one, i, x, shades));
  }

  /** The title, and after it the series' names in their colours, where there are several. */
  drawTitle(shades) {
    const { context, title, series } = this;
    context.fillText(title, LEFT, 11);
    if (series.length < 2) return;
    let x = LEFT + context.measureText(`${title}: `).width;
    for (const { name, colour } of series) {
      context.fillStyle = css(colour(shades));
      context.font = `600 11px ${shades.font}`;
      context.fillText(name, x, 11);
      x += context.measureText(`${name}   `).width;
    }
    context.fillStyle = css(shades.ink);
    context.font = `11px ${shades.font}`;
  }

  drawLevels() {
    const { context, width } = this;
    context.setLineDash([2, 3]);
    context.textAlign = "left";
    for (const { value, name } of this.levels) {
      const y = this.y(value);
      context.beginPath();
      context.moveTo(LEFT, y);
      context.lineTo(width - RIGHT, y);
      context.stroke();
      context.fillText(name, width - RIGHT + 4, y + 4);
    }
    context.setLineDash([]);
  }

  drawSeries({ colour }, i, x, shades) {
    const { context } = this;
    context.strokeStyle = css(colour(shades));
    context.lineWidth = 1.6;
    context.beginPath();
    let drawing = false;
    for (const { update, values } of this.points) {
      if (!Number.isFinite(values[i])) continue;
      if (drawing) context.lineTo(x(update), this.y(values[i]));
      else context.moveTo(x(update), this.y(values[i]));
      drawing = true;
    }
    context.stroke();
    context.lineWidth = 1;
  }

  /** The last values in words. */
  said() {
    const values = this.points.at(-1)?.values ?? [];
    const one = ({ name }, i) => (Number.isFinite(values[i]) ? `${name} ${said(values[i])}` : null);
    return this.series.map(one).filter(Boolean).join(", ");
  }
}
