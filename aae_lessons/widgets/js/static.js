// Explorers on a page without a kernel: a model that only holds state, and a call of render.

/** What a widget's script expects of its model; nothing is ever sent anywhere. */
class StaticModel {
  constructor({ state, buffers }) {
    this.kernel = false;
    this.state = state;
    for (const { path, data } of buffers) {
      const owner = path.slice(0, -1).reduce((part, name) => part[name], state);
      owner[path.at(-1)] = fromBase64(whole(data));
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

/** A text of the page, or one that a script of the site has put aside for several pages. */
function whole(text) {
  return typeof text === "string" ? text : window.aaeParts[text.part];
}

function fromBase64(text) {
  const letters = atob(text);
  const result = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) result[i] = letters.charCodeAt(i);
  return new DataView(result.buffer);
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
  for (const text of styles.map(whole))
    document.head.append(Object.assign(document.createElement("style"), { textContent: text }));
  const load = (text) =>
    import(URL.createObjectURL(new Blob([whole(text)], { type: "text/javascript" })));
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

start();
