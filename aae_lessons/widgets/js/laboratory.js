// The page's side of a training: a session in a worker, or where none may start in the page.

import { KERNEL_BYTES } from "./kernel_bytes.js";
import { Session } from "./session.js";
import WORKER from "./worker.js?text";

const PATIENCE = 4000; // ms for a worker to say hello

export class Laboratory {
  /** A laboratory that is ready (a promise). A content policy needs worker-src blob: for a worker. */
  static async open() {
    try {
      return await new Laboratory(workerPort()).greet();
    } catch {
      return new Laboratory(pagePort()).greet();
    }
  }

  constructor(port) {
    this.port = port;
    this.waiting = [];
    port.listen(
      (reply) => {
        const { resolve, reject } = this.waiting.shift();
        if (reply.error) reject(new Error(reply.error));
        else resolve(reply);
      },
      (error) => this.waiting.splice(0).forEach(({ reject }) => reject(error)),
    );
  }

  async greet() {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("late")), PATIENCE));
    try {
      this.builds = (await Promise.race([this.ask({ kind: "hello" }), late])).builds;
    } catch (error) {
      this.close();
      throw error;
    }
    return this;
  }

  /** The session's reply to a message (a promise); replies come in the messages' order. */
  ask(message) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.port.send(message);
    });
  }

  /** How long the session may work before it must listen again, in ms. */
  get slice() {
    return this.port.slice;
  }

  close() {
    this.port.close();
    this.waiting = [];
  }
}

function workerPort() {
  // A classic worker: from a file, browsers refuse module workers.
  const bytes = `"use strict";const KERNEL_BYTES = ${JSON.stringify(KERNEL_BYTES)};\n`;
  const url = URL.createObjectURL(new Blob([bytes, WORKER], { type: "text/javascript" }));
  const worker = new Worker(url);
  return {
    slice: 30,
    listen(reply, fail) {
      worker.onmessage = ({ data }) => reply(data);
      worker.onerror = (event) => {
        event.preventDefault();
        fail(new Error(event.message ?? "the worker failed"));
      };
    },
    send: (message) => worker.postMessage(message),
    close() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

/** In the page itself, through a channel, so that the page can paint between two messages. */
function pagePort() {
  const session = new Session();
  const { port1, port2 } = new MessageChannel();
  let answered = () => {};
  port2.onmessage = async ({ data }) => {
    let reply;
    try {
      reply = await session.answer(data);
    } catch (error) {
      reply = { error: String(error) };
    }
    setTimeout(() => answered(reply)); // after the page's own events
  };
  return {
    slice: 12,
    listen: (reply) => (answered = reply),
    send: (message) => port1.postMessage(message),
    close: () => port1.close(),
  };
}
