// The matrix. Its first rows are drawn at once, the others while the browser is idle, so that it is one real table in the
// end: it can be searched, printed, and read by a screen reader as a whole. One link at a time is in the tab order;
// arrow keys move it (the ARIA grid pattern).

const table = document.querySelector("#matrix table");
const FIRST_ROWS = 40;
const MORE_ROWS = 80;
const FEW = 4; // so many columns have room for names that lie
const grid = { rows: [], adapters: [], silent: 0, drawn: 0, row: 0, column: 0, idle: 0, body: null, state: {} };

/** Draw the matrix of a state from its first row on. */
function drawGrid(state) {
  const { adapters, rows, silent } = rowsOf(state);
  cancelIdle(grid.idle);
  Object.assign(grid, { rows, adapters, silent, drawn: 0, row: 0, column: 0, body: null, state });
  table.replaceChildren(headOf(adapters));
  table.setAttribute("aria-rowcount", rows.length + 1);
  table.setAttribute("aria-colcount", adapters.length + 1);
  table.style.setProperty("--columns", adapters.length);
  table.classList.toggle("few", adapters.length <= FEW);
  drawRows(FIRST_ROWS);
  drawWhenIdle();
  linkAt(0, 0)?.setAttribute("tabindex", "0");
}

const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(work, 16));
const cancelIdle = window.cancelIdleCallback ?? clearTimeout;

function drawWhenIdle() {
  if (grid.drawn >= grid.rows.length) {
    table.dataset.whole = "yes";
    performance.mark("streamproof-whole");
    return;
  }
  delete table.dataset.whole;
  grid.idle = whenIdle(() => {
    drawRows(MORE_ROWS);
    drawWhenIdle();
  });
}

function drawRows(number) {
  const end = Math.min(grid.drawn + number, grid.rows.length);
  for (; grid.drawn < end; grid.drawn += 1) {
    const { entry } = grid.rows[grid.drawn];
    if (grid.rows[grid.drawn - 1]?.entry.protocol !== entry.protocol) grid.body = newGroup(entry.protocol);
    grid.body.append(rowOf(grid.drawn));
  }
}

function headOf(adapters) {
  const heads = adapters.map((adapter) => {
    const { label, name } = INDEX.adapters[adapter];
    const version = label.startsWith(name) ? label.slice(name.length).trim() : "";
    const words = el("span", {}, el("b", {}, shown(name)), " ", el("small", {}, shown(version)));
    return el("th", { scope: "col", class: "adapter", title: label }, words);
  });
  return el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "case" }, "Stream"), heads));
}

/** The rows of one protocol, under a row with its name and every adapter's share of right cells. */
function newGroup(protocol) {
  const rows = grid.rows.filter(({ entry }) => entry.protocol === protocol);
  const counted = rows.filter(({ entry }) => entry.level === "must").flatMap(({ entry }) => cellsOf(entry, grid.state));
  const shares = grid.adapters.map((adapter) => {
    const verdicts = counted.filter(({ plan, sync }) => !plan && !sync).map(({ letters }) => VERDICTS[letters[adapter]]);
    const right = verdicts.filter((verdict) => verdict.right).length;
    const of = right + verdicts.filter((verdict) => verdict.fails).length;
    const share = of && !grid.state.verdict ? `${Math.floor((100 * right) / of)}%` : "";
    return el("td", { class: "share", title: of ? `${right} of ${of} cells that count are right` : "no cell counts" }, share);
  });
  const name = el("th", { scope: "rowgroup", class: "case" }, shown(protocol), " ", el("small", {}, count(rows.length, "stream")));
  const body = el("tbody", {}, el("tr", { class: "group" }, name, shares));
  table.append(body);
  return body;
}

function rowOf(number) {
  const { entry, standings } = grid.rows[number];
  const title = el("a", { href: hashOf({ case: entry.id }), tabindex: -1, "data-at": `${number},0`, title: entry.title }, shown(entry.title));
  const slug = entry.id.slice(entry.protocol.length + 1);
  const facts = el("span", { class: "slug" }, level(entry.level), shown(slug));
  const cells = standings.map((found, column) => el("td", {}, chip(entry, found, number, column)));
  const head = el("th", { scope: "row", class: "case" }, title, facts);
  return el("tr", { "aria-rowindex": number + 2 }, head, cells);
}

function level(word) {
  return word ? el("span", { class: `level ${word}` }, word) : null;
}

function chip(entry, found, number, column) {
  const { word, glyph } = VERDICTS[found.letter];
  const { label } = INDEX.adapters[grid.adapters[column]];
  const some = found.failing && found.failing < found.judged;
  return el(
    "a",
    {
      class: `chip v-${word}${found.known ? " known" : ""}`,
      href: hashOf({ case: entry.id, by: label }),
      tabindex: -1,
      "data-at": `${number},${column + 1}`,
      "aria-label": spoken(found),
      title: `${label}: ${spoken(found)}`,
    },
    glyph,
    some ? el("small", {}, `${found.failing}/${found.judged}`) : null,
  );
}

function linkAt(row, column) {
  return table.querySelector(`[data-at="${row},${column}"]`);
}

/** Move the one link that is in the tab order, drawing rows as far as needed. */
function focusAt(row, column) {
  const to = [clamp(row, grid.rows.length - 1), clamp(column, grid.adapters.length)];
  if (to[0] >= grid.drawn) drawRows(to[0] + MORE_ROWS - grid.drawn);
  linkAt(grid.row, grid.column)?.setAttribute("tabindex", "-1");
  [grid.row, grid.column] = to;
  const link = linkAt(...to);
  link?.setAttribute("tabindex", "0");
  link?.focus();
}

function clamp(number, most) {
  return Math.max(0, Math.min(number, most));
}

const MOVES = {
  ArrowUp: () => [grid.row - 1, grid.column],
  ArrowDown: () => [grid.row + 1, grid.column],
  ArrowLeft: () => [grid.row, grid.column - 1],
  ArrowRight: () => [grid.row, grid.column + 1],
  PageUp: () => [grid.row - 12, grid.column],
  PageDown: () => [grid.row + 12, grid.column],
  Home: (event) => [event.ctrlKey ? 0 : grid.row, 0],
  End: (event) => [event.ctrlKey ? grid.rows.length - 1 : grid.row, grid.adapters.length],
};

table.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  if (!move || event.altKey || event.metaKey || !event.target.dataset.at) return;
  event.preventDefault();
  focusAt(...move(event));
});

table.addEventListener("click", (event) => {
  const link = event.target.closest("[data-at]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const [row, column] = link.dataset.at.split(",").map(Number);
  focusAt(row, column);
  const by = column ? INDEX.adapters[grid.adapters[column - 1]].label : "";
  goTo({ ...readState(), case: grid.rows[row].entry.id, by, cell: "" }, { push: true });
});

/** Put the focus back on what a closed case was opened from. */
function focusCase(id, by) {
  const row = grid.rows.findIndex(({ entry }) => entry.id === id);
  const column = grid.adapters.findIndex((adapter) => INDEX.adapters[adapter].label === by) + 1;
  if (row >= 0) focusAt(row, column);
}
