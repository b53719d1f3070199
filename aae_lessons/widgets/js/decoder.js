// Pictures for codes: made here where the network came along, by the kernel where it did not.

import { bytes, greys, network, run } from "./decode.js";
import { pixelsOf, send } from "./page.js";

const PATIENCE = 3000; // ms without an answer before the page says that a kernel is needed
const NEEDED =
  "These pictures are made by the kernel, and none answers: it is busy, or this page has none. Run the cell again.";

export class Decoder {
  /** `notice(text)` shows a sentence on the page; an empty one takes it away. */
  constructor(model, notice) {
    this.model = model;
    this.pixels = pixelsOf(model.get("image_shape"));
    this.notice = notice;
    this.net = model.get("network").sizes
      ? network(model.get("network"), model.get("weights"))
      : null;
    this.latest = 0;
    this.name = Math.random().toString(36).slice(2);
    this.receive = (message, buffers) => this.answer(message, buffers);
    model.on("msg:custom", this.receive);
  }

  /** Calls `show` with one picture (levels, Uint8) for each code: at once, or when they come. */
  decode(codes, show) {
    if (this.net) show(codes.map((code) => greys(run(this.net, code))));
    else if (this.waiting)
      this.next = [codes, show]; // the latest wish replaces older ones
    else this.ask(codes, show);
  }

  ask(codes, show) {
    const content = {
      kind: "decode",
      from: this.name,
      number: ++this.latest,
      codes: codes.map((c) => [...c]),
    };
    if (!send(this.model, content)) return this.notice(NEEDED);
    this.waiting = show;
    this.timer = setTimeout(() => this.notice(NEEDED), PATIENCE);
  }

  answer(message, buffers) {
    if (message.from !== this.name || message.number !== this.latest) return;
    clearTimeout(this.timer);
    this.notice(message.kind === "error" ? message.text : "");
    const show = this.waiting;
    this.waiting = null;
    if (message.kind === "pictures") {
      const all = bytes(buffers[0]);
      show(
        Array.from({ length: all.length / this.pixels }, (_, i) =>
          all.slice(i * this.pixels, (i + 1) * this.pixels),
        ),
      );
    }
    if (this.next) {
      const [codes, later] = this.next;
      this.next = null;
      this.decode(codes, later);
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.receive);
  }
}
