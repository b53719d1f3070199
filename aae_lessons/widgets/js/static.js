// Explorers on a page without a kernel: a model that only holds state, and a call of render.

/** What a widget's script expects of its model; nothing is ever sent anywhere. */
class StaticModel {
  constructor({ state, buffers }) {
    this.kernel = false;
    this.state = state;
    for (const { path, data } of buffers) {
      const owner = path.slice(0, -1).reduce((part, name) => part[name], state);
      owner[path.at(-1)] = whole(data);
    }
    this.listeners = new Map();
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    if (JSON.stringify(this.state[name]) === JSON.stringify(value)) return;
    this.state[name] = value;
    for (const call of [...(this.listeners.get(`change:${name}`) ?? [])]) call();
  }

  on(name, call) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(call);
  }

  off(name, call) {
    this.listeners.get(name)?.delete(call);
  }

  save_changes() {}

  send() {}
}

/** The bytes of a buffer: on the page in base64, or in a script that several pages share. */
function whole(data) {
  const bytes = data.part ? fromSevens(window.aaeParts[data.part]) : fromBase64(data);
  return new DataView(bytes.buffer);
}

/** A text of the page, or one that a script of the site has put aside (a promise). */
async function text(data) {
  if (!data.part) return data;
  const inflate = new DecompressionStream("deflate");
  return new Response(new Blob([whole(data)]).stream().pipeThrough(inflate)).text();
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Bytes that stand 7 bits a character, high bits first. */
function fromSevens(text) {
  const result = new Uint8Array((7 * text.length) >> 3);
  let [held, bits, at] = [0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    held = ((held << 7) | text.charCodeAt(i)) & 0x3fff;
    bits += 7;
    if (bits >= 8) result[at++] = held >> (bits -= 8);
  }
  return result;
}

/** Keeps two traits equal, or the second after the first: what jslink and jsdlink made. */
function link(models, { source, target, both }) {
  const follow = ([from, name], [to, other]) =>
    models[from].on(`change:${name}`, () => models[to].set(other, models[from].get(name)));
  follow(source, target);
  if (both) follow(target, source);
}

async function start() {
  const {
    scripts,
    styles,
    models: records,
    links,
  } = JSON.parse(document.getElementById("aae-widgets").textContent);
  for (const textContent of await Promise.all(styles.map(text)))
    document.head.append(Object.assign(document.createElement("style"), { textContent }));
  const load = async (script) =>
    import(URL.createObjectURL(new Blob([await text(script)], { type: "text/javascript" })));
  const modules = scripts.map(load);
  const models = Object.fromEntries(
    Object.entries(records).map(([id, record]) => [id, new StaticModel(record)]),
  );
  links.forEach((each) => link(models, each));
  for (const el of document.querySelectorAll("[data-aae-widget]")) {
    const id = el.dataset.aaeWidget;
    try {
      const { default: explorer } = await modules[records[id].script];
      await explorer.render({ model: models[id], el });
    } catch (error) {
      broken(el, error); // the page's others go on
    }
  }
}

function broken(el, error) {
  console.warn(error);
  el.replaceChildren(
    Object.assign(document.createElement("p"), {
      textContent: `This explorer could not be shown: ${error.message}`,
    }),
  );
}

// What a page can wait for, such as the theme's scripts of the landing page, loads after this.
start().finally(() => dispatchEvent(new Event("aae-alive")));
