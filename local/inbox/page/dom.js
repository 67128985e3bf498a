// Building blocks of the page. Text only ever enters the document as text nodes, and links of messages only lead to http,
// https and mailto: what a message says can never become markup or script.

/** el makes an element. Attributes: class, title, data-…, aria-…, on… for listeners, href for links of this page and to for
 * links of a message. */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "to") lead(node, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** lead gives a link its target if it is one that a message may have; otherwise it stays text. */
function lead(node, address) {
  let url;
  try { url = new URL(address); } catch { return; }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return;
  node.setAttribute("href", url.href);
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** when shows a time in the reader's zone; the title has it in full and in UTC. */
export function when(value) {
  const date = value instanceof Date ? value : new Date(value);
  if (isNaN(date)) return document.createTextNode(String(value));
  const today = date.toDateString() === new Date().toDateString();
  return el("time", { datetime: date.toISOString(), title: `${full.format(date)}\n${date.toISOString()}` },
    today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`);
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}

export function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many || one + "s"}`;
}

/** icon draws one of the few line icons; paths are ours, never a message's. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", icons[name] || "");
  svg.append(path);
  return svg;
}

const icons = {
  all: "M3 5h14M3 10h14M3 15h14",
  slack: "M7.5 3 6 17M14 3l-1.500 14M3.500 7.500h13.500M3 12.500h13.500",
  teams: "M4 4h12a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H9l-4 3v-3H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM7 8h6M7 11h4",
  email: "M3 5h14v10H3zM3 5.500l7 5.500 7-5.500",
  webhook: "M7 4C5 4 5.500 6 5.500 7.500S5 10 3.500 10C5 10 5.500 11 5.500 12.500S5 16 7 16M13 4c2 0 1.500 2 1.500 3.500S15 10 16.500 10C15 10 14.500 11 14.500 12.500S15 16 13 16",
  copy: "M7 7h9v10H7zM4 13V3h9",
  warning: "M10 3 2.500 16.500h15zM10 8v4M10 14.200v.1",
  file: "M5 3h7l3 3v11H5zM12 3v3h3",
};
