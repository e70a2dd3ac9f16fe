// Building elements, and showing text of streams and adapters. All such text ends up in text nodes, never in markup.

/** An element. props: attributes; `class`, `on<event>` and booleans as one expects. Children: nodes, strings, null. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

// Control characters but tab and line feed, marks that are invisible or turn the reading order round, lone surrogates.
const HIDDEN =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufdd0-\ufdef\ufff9-\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text as nodes: what cannot be seen stands there as an escape, set off from the text around it. */
function shown(text) {
  const fragment = document.createDocumentFragment();
  let at = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (found.index > at) fragment.append(text.slice(at, found.index));
    fragment.append(el("span", { class: "escape" }, escapeOf(found[0])));
    at = found.index + found[0].length;
  }
  if (at < text.length) fragment.append(text.slice(at));
  return fragment;
}

function escapeOf(character) {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Monospaced text of a stream, kept apart from the reading direction around it. */
function code(text) {
  return el("code", { class: "data" }, shown(text));
}

/** A source of the suite: its addresses on the web are links. */
function sourced(text) {
  const parts = text.split(/(https:\/\/[^\s;,()<>"]+)/);
  return parts.map((part, at) => (at % 2 ? el("a", { href: part, rel: "noreferrer", target: "_blank" }, shown(part)) : shown(part)));
}

/**
 * JSON text, indented, as lines. Works on the text itself: numbers keep their spelling and a text that was shortened is
 * indented as far as it goes.
 */
function jsonLines(text) {
  const lines = [];
  let line = "";
  let depth = 0;
  const flush = () => {
    if (line.trim()) lines.push(line);
    line = "  ".repeat(depth);
  };
  const tokens = text.match(/"(?:[^"\\]|\\[^])*"?|\{\}|\[\]|[{}[\],:]|[^"{}[\],:]+/g) ?? [];
  for (const token of tokens) {
    if (token === "{" || token === "[") {
      line += token;
      depth += 1;
      flush();
    } else if (token === "}" || token === "]") {
      depth = Math.max(depth - 1, 0);
      flush();
      line += token;
    } else if (token === ",") {
      line += token;
      flush();
    } else line += token === ":" ? ": " : token;
  }
  flush();
  return lines;
}

/** "1 cell", "2 cells". */
function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
