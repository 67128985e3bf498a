// Adaptive Cards 1.4 as Teams shows them, close enough to judge wording, order and length. Colors come from style sheets:
// a card names them, it never brings its own.
import { el, when } from "./dom.js";

export function teamsMessage(entry) {
  return el("div", { class: "teams" },
    el("div", { class: "post" },
      el("span", { class: "avatar round", "aria-hidden": "true" }, "W"),
      el("div", { class: "post-main" },
        el("p", { class: "who" }, el("b", {}, "Workflows"), when(entry.at)),
        (entry.body.attachments || []).map((a) => a.content && card(a.content)))));
}

function card(c) {
  const byID = new Map(); // elements of this card that a button may show and hide
  const node = el("div", { class: "ac" }, content(c, byID));
  return node;
}

function content(c, byID) {
  return [(c.body || []).map((e) => element(e, byID)), c.actions && c.actions.length > 0 && actions(c.actions, byID)];
}

const views = {
  TextBlock: (e) => {
    const node = el("div", { class: textClass(e) }, markdown(e.text || ""));
    if (e.maxLines > 0) { node.classList.add("clamp"); node.style.webkitLineClamp = String(e.maxLines); }
    if (e.style === "heading") { node.setAttribute("role", "heading"); node.setAttribute("aria-level", "3"); }
    return node;
  },
  RichTextBlock: (e) => el("div", { class: "ac-text" }, (e.inlines || []).map((run) =>
    typeof run === "string" ? run : el(run.strikethrough ? "s" : "span", { class: textClass(run) + (run.italic ? " ac-italic" : "") }, run.text))),
  FactSet: (e) => el("dl", { class: "facts" }, (e.facts || []).map((f) => [el("dt", {}, markdown(f.title)), el("dd", {}, markdown(f.value))])),
  Container: (e, byID) => el("div", { class: boxClass(e) }, (e.items || []).map((i) => element(i, byID))),
  ColumnSet: (e, byID) => el("div", { class: "columns " + boxClass(e) }, (e.columns || []).map((c) => column(c, byID))),
  ActionSet: (e, byID) => actions(e.actions || [], byID),
  Image: picture,
  ImageSet: (e) => el("div", { class: "ac-actions" }, (e.images || []).map(picture)),
};

function element(e, byID) {
  const view = views[e.type];
  const node = view ? view(e, byID) : el("p", { class: "context" }, `[${e.type}] ${e.label || ""}`);
  place(node, e, byID);
  return node;
}

/** place applies what every element may have: distance, a line above, visibility. */
function place(node, e, byID) {
  if (e.spacing) node.classList.add("space-" + e.spacing.toLowerCase());
  if (e.separator) node.classList.add("separator");
  if (e.isVisible === false) node.hidden = true;
  if (e.id) byID.set(e.id, node);
}

function textClass(e) {
  const names = ["ac-text"];
  for (const name of ["size", "weight", "color", "fontType", "horizontalAlignment"]) {
    if (e[name]) names.push(`ac-${String(e[name]).toLowerCase()}`);
  }
  if (e.isSubtle) names.push("ac-subtle");
  if (e.wrap === false || (e.wrap === undefined && e.type === "TextBlock")) names.push("ac-nowrap");
  return names.join(" ").replaceAll(/[^\w -]/g, "");
}

function boxClass(e) {
  const style = String(e.style || "").toLowerCase().replaceAll(/\W/g, "");
  return `ac-box ${style ? "ac-box-" + style : ""} ${e.bleed ? "bleed" : ""}`;
}

function column(c, byID) {
  const node = el("div", { class: "column " + boxClass(c) }, (c.items || []).map((i) => element(i, byID)));
  const weight = Number(c.width);
  if (c.width === "auto") node.style.flex = "0 1 auto";
  else if (weight > 0) node.style.flex = `${weight} 1 0`;
  else if (/^\d+px$/.test(c.width || "")) node.style.flex = `0 0 ${c.width}`;
  place(node, c, byID);
  return node;
}

function picture(e) {
  return el("a", { class: "picture", to: e.url, title: "Pictures are not loaded here" }, "🖼 " + (e.altText || "picture"));
}

function actions(list, byID) {
  const row = el("div", { class: "ac-actions" });
  const below = el("div", {});
  for (const a of list) row.append(action(a, byID, below));
  return el("div", { class: "ac-action-set" }, row, below);
}

function action(a, byID, below) {
  switch (a.type) {
    case "Action.OpenUrl": return el("a", { class: "button", to: a.url, title: a.url }, a.title);
    case "Action.ShowCard": return showCard(a, byID, below);
    case "Action.ToggleVisibility": return el("button", { class: "button", type: "button", onclick: () => toggle(a, byID) }, a.title);
  }
  return el("button", { class: "button", type: "button", "aria-disabled": "true", title: `Teams would run ${a.verb || a.type}. The inbox sends nothing.` }, a.title);
}

function toggle(a, byID) {
  for (const target of a.targetElements || []) {
    const node = byID.get(typeof target === "string" ? target : target.elementId);
    if (node) node.hidden = target.isVisible === undefined ? !node.hidden : !target.isVisible;
  }
}

function showCard(a, byID, below) {
  const inner = el("div", { class: "ac-show", hidden: true }, content(a.card || {}, byID));
  below.append(inner);
  const button = el("button", { class: "button", type: "button", "aria-expanded": "false" }, a.title, " ▾");
  button.addEventListener("click", () => {
    inner.hidden = !inner.hidden;
    button.setAttribute("aria-expanded", String(!inner.hidden));
  });
  return button;
}

/** markdown reads the little that Teams knows: paragraphs, lists, bold, italics, links; a backslash takes the meaning away. */
export function markdown(text) {
  return String(text).split(/\n\s*\n/).map((paragraph) => {
    const rows = paragraph.split(/\r?\n/);
    if (rows.every((r) => /^\s*[-*] /.test(r))) return el("ul", {}, rows.map((r) => el("li", {}, inline(r.replace(/^\s*[-*] /, "")))));
    if (rows.every((r) => /^\s*\d+\. /.test(r))) return el("ol", {}, rows.map((r) => el("li", {}, inline(r.replace(/^\s*\d+\. /, "")))));
    return el("p", {}, inline(rows.join(" ")));
  });
}

const pairs = [["**", "strong"], ["__", "strong"], ["*", "em"], ["_", "em"]];
const isWord = (c) => c !== undefined && /[\p{L}\p{N}]/u.test(c);

function inline(text) {
  const nodes = [];
  let plain = "";
  const flush = () => { if (plain) nodes.push(plain); plain = ""; };
  for (let i = 0; i < text.length;) {
    if (text[i] === "\\" && /[\\`*_{}[\]()#+\-.!~>|<&]/.test(text[i + 1] || "")) { plain += text[i + 1]; i += 2; continue; }
    const found = anchor(text, i) || emphasis(text, i);
    if (!found) { plain += text[i++]; continue; }
    flush();
    nodes.push(found.node);
    i = found.end;
  }
  flush();
  return nodes;
}

function anchor(text, i) {
  const match = text[i] === "[" && text.slice(i).match(/^\[((?:[^\]\\]|\\.)+)\]\(\s*([^)\s]+)\s*\)/);
  return match ? { node: el("a", { to: match[2] }, inline(match[1])), end: i + match[0].length } : null;
}

function emphasis(text, i) {
  for (const [mark, tag] of pairs) {
    if (!text.startsWith(mark, i) || (mark[0] === "_" && isWord(text[i - 1])) || /\s/.test(text[i + mark.length] || " ")) continue;
    const end = closing(text, i + mark.length, mark);
    if (end > i + mark.length) return { node: el(tag, {}, inline(text.slice(i + mark.length, end))), end: end + mark.length };
  }
  return null;
}

function closing(text, from, mark) {
  for (let j = from; j < text.length; j++) {
    if (text[j] === "\\") { j++; continue; }
    if (text.startsWith(mark, j) && !/\s/.test(text[j - 1]) && !(mark[0] === "_" && isWord(text[j + mark.length]))) return j;
  }
  return -1;
}
