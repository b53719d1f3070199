// CostDiscrepancyExplorer: what each pair of cost and discrepancy makes of the same data.

import { inflate } from "./decode.js";
import { listen, make, onTheme, page, Picture, pixelsOf, put, ramp, theme } from "./page.js";

const ROWS = ["test images", "reconstructed", "samples"];

function render({ model, el }) {
  const [costs, discrepancies] = [model.get("costs"), model.get("discrepancies")];
  const runs = model.get("runs");
  const count = model.get("columns");
  const find = (cost, discrepancy) =>
    runs.findIndex((run) => run.cost === cost && run.discrepancy === discrepancy);
  const shape = model.get("image_shape");
  const pixels = pixelsOf(shape);
  let [levels, table] = [null, null];

  const cells = costs.map((cost) => discrepancies.map((discrepancy) => cell(cost, discrepancy)));
  const menu = make(
    "table",
    { className: "aae-choices", role: "radiogroup", "aria-label": "cost and discrepancy" },
    make(
      "tr",
      {},
      make("th", {}, "cost c \\ discrepancy D"),
      ...discrepancies.map((d) => make("th", { scope: "col" }, d)),
    ),
    ...costs.map((cost, i) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, cost),
        ...cells[i].map((c) => make("td", {}, c.node)),
      ),
    ),
  );
  const rows = ROWS.map((name) => {
    const pictures = Array.from(
      { length: count },
      (_, i) => new Picture(shape, 36, `${name}, ${i + 1}`),
    );
    return {
      pictures,
      node: make(
        "div",
        { className: "aae-path" },
        make("p", {}, name),
        make("div", { className: "aae-row" }, ...pictures.map((p) => p.canvas)),
      ),
    };
  });
  const numbers = make("p", { className: "aae-small" });
  const { root, say } = page(model, el, "aae-costs", make("div", { className: "aae-scroll" }, menu), ...rows.map((r) => r.node), numbers);

  function cell(cost, discrepancy) {
    const run = runs[find(cost, discrepancy)];
    const node = make(
      "button",
      {
        type: "button",
        role: "radio",
        disabled: !run,
        "aria-label": `${cost} with ${discrepancy}`,
      },
      run ? run.headline : "no run",
    );
    node.addEventListener("click", () => put(model, { cost, discrepancy }));
    node.addEventListener("keydown", (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
        event.key
      ];
      if (!move) return;
      event.preventDefault();
      step(costs.indexOf(cost), discrepancies.indexOf(discrepancy), move);
    });
    return { node, cost, discrepancy };
  }

  /** On to the next cell in that direction that has a run. */
  function step(i, j, [down, right]) {
    const [height, width] = [costs.length, discrepancies.length];
    for (let n = 1; n <= height * width; n++) {
      const next =
        cells[(i + n * down + n * height) % height][(j + n * right + n * width) % width];
      if (next.node.disabled) continue;
      put(model, { cost: next.cost, discrepancy: next.discrepancy });
      next.node.focus();
      return;
    }
  }

  function show() {
    const chosen = find(model.get("cost"), model.get("discrepancy"));
    for (const { node, cost, discrepancy } of cells.flat()) {
      const mine = cost === model.get("cost") && discrepancy === model.get("discrepancy");
      node.setAttribute("aria-checked", mine);
      node.tabIndex = mine ? 0 : -1;
    }
    const words = chosen < 0 ? "no run was made with this pair" : runs[chosen].words;
    numbers.textContent = words;
    say(`${model.get("cost")} with ${model.get("discrepancy")}: ${words}`);
    if (!levels || chosen < 0) return;
    const from = [0, 1 + 2 * chosen, 2 + 2 * chosen]; // the test images, then two rows a run
    rows.forEach(({ pictures }, r) => {
      pictures.forEach((picture, i) => {
        const first = (from[r] * count + i) * pixels;
        picture.show(levels.subarray(first, first + pixels), table);
      });
    });
  }

  const stop = onTheme(root, () => {
    table = ramp(theme(root));
    rows.flatMap((r) => r.pictures).forEach((picture) => picture.redraw(table));
  });
  show();
  inflate(model.get("pictures")).then((result) => {
    levels = result;
    show();
  });
  const off = listen(model, { "change:cost": show, "change:discrepancy": show });
  return () => {
    off();
    stop();
  };
}

export default { render };
