// The worker: a session that answers the page's messages in their order.

import { Session } from "./session.js";

const session = new Session();
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last
    .then(() => session.answer(data))
    .then((reply) => self.postMessage(reply))
    .catch((error) => self.postMessage({ error: String(error) }));
};
