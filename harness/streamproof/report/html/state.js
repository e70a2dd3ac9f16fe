// What is shown stands in the address, so that any view can be linked to:
//   #protocol=openai_chat&verdict=wrong,crash&q=usage        filters
//   #case=openai_chat/text&by=litellm 1.109.1&cell=openai    a case, opened; by: an adapter's label; cell: one of its cells

const FILTERS = ["q", "protocol", "provider", "level", "plan", "adapter", "verdict"];
const OPENED = ["case", "by", "cell"];

/** The state that the address holds; every key is a string, "" for not set. */
function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries([...FILTERS, ...OPENED].map((name) => [name, given.get(name) ?? ""]));
}

/** The address of a state, as the part from "#" on. */
function hashOf(state) {
  const set = [...FILTERS, ...OPENED].filter((name) => state[name]).map((name) => [name, state[name]]);
  return `#${new URLSearchParams(set).toString().replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}

/** Make a state the current one, as a new entry of the history or in the place of the current one. */
function goTo(state, { push = false } = {}) {
  const opened = push ? { opened: true } : history.state;
  history[push ? "pushState" : "replaceState"](opened, "", hashOf(state));
  show(readState());
}

/** The cells of a case that the filters leave. */
function cellsOf(entry, state) {
  if (!state.provider && !state.plan) return entry.cells;
  return entry.cells.filter(
    (cell) =>
      (!state.provider || cell.provider === state.provider) && (!state.plan || (cell.plan || "as stored") === state.plan),
  );
}

/** The numbers of the adapters that are shown. */
function adaptersOf(state) {
  const all = INDEX.adapters.map((_, number) => number);
  const chosen = all.filter((number) => INDEX.adapters[number].label === state.adapter);
  return chosen.length ? chosen : all;
}

/**
 * The cases that the filters leave, each with the standing of every adapter that is shown. silent: how many adapters are
 * left out because none of these cells asks anything of them.
 */
function rowsOf(state) {
  const chosen = adaptersOf(state);
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(state.verdict.split(",").map((word) => BY_WORD[word]));
  const found = [];
  for (const entry of CASES) {
    if (state.protocol && entry.protocol !== state.protocol) continue;
    if (state.level && entry.level !== state.level) continue;
    if (!words.every((word) => entry.words.includes(word))) continue;
    const cells = cellsOf(entry, state);
    if (!cells.length) continue;
    if (state.verdict && !holdsOneOf(wanted, cells, chosen)) continue;
    found.push({ entry, cells });
  }
  const asked = chosen.filter((adapter) => found.some(({ cells }) => cells.some((cell) => isAsked(cell, adapter) || wanted.has(cell.letters[adapter]))));
  const adapters = asked.length && found.length < CASES.length ? asked : chosen;
  const rows = found.map(({ entry, cells }) => ({ entry, standings: adapters.map((adapter) => standing(cells, adapter)) }));
  return { adapters, rows, silent: chosen.length - adapters.length };
}

function isAsked(cell, adapter) {
  return cell.letters[adapter] !== "u" && cell.letters[adapter] !== "-";
}

function holdsOneOf(wanted, cells, adapters) {
  return cells.some((cell) => adapters.some((adapter) => wanted.has(cell.letters[adapter])));
}
