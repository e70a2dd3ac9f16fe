// One case, opened: how every adapter stands on it, and for one of them what was expected, what it gave, and the wire.

const dialog = document.getElementById("detail");
const FOLD = 8; // equal lines in a row above which the inner ones are folded away
const KEPT = 2; // lines that stay at both ends of a fold
let openState = "";

/** Open, change or close the dialog, as the state says. */
async function showDetail(state) {
  const entry = CASE_BY_ID.get(state.case);
  if (!entry) {
    openState = "";
    if (dialog.open) dialog.close();
    if (state.case) document.getElementById("count").textContent = `There is no stream ${state.case.slice(0, 80)} here`;
    return;
  }
  const key = OPENED.map((name) => state[name]).join("\n");
  if (key === openState) return;
  openState = key;
  const detail = await detailOf(entry).catch(unreadable);
  if (key !== openState) return; // meanwhile something else was opened, or this one closed
  const adapter = INDEX.adapters.findIndex(({ label }) => label === state.by);
  const cell = chosenCell(entry, adapter, state);
  dialog.replaceChildren(...view(entry, detail, adapter, cell, state));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  for (const link of dialog.querySelectorAll("[aria-current]")) link.scrollIntoView({ block: "nearest", inline: "center" });
  dialog.querySelector("h2").focus({ preventScroll: true });
}

/** What stands in the place of details that could not be read. */
function unreadable(error) {
  const old = "This browser cannot unpack the details of a stream: it has no DecompressionStream, which browsers have since 2023.";
  return { problem: "DecompressionStream" in window ? `The details of this stream cannot be read: ${error}` : old };
}

dialog.addEventListener("close", () => {
  const state = readState();
  if (!state.case || dialog.open) return; // closed by the address, or opened again before this event came
  const { case: id, by } = state;
  if (history.state?.opened) history.back();
  else goTo({ ...state, case: "", by: "", cell: "" });
  setTimeout(() => focusCase(id, by), 50); // after the browser has gone back
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // the backdrop
});

/** The cell that the address names, else the worst one that the filters leave. */
function chosenCell(entry, adapter, state) {
  const named = entry.cells.find((cell) => cellName(cell) === state.cell);
  if (named || adapter < 0) return named ?? entry.cells[0];
  const left = cellsOf(entry, state);
  const rank = (cell) => ORDER.indexOf(cell.letters[adapter]);
  return [...(left.length ? left : entry.cells)].sort((a, b) => rank(a) - rank(b))[0];
}

function view(entry, detail, adapter, cell, state) {
  const said = adapter < 0 ? null : (detail.cells?.[`${cell.place}:${adapter}`] ?? null);
  const body = [strip(entry, adapter)];
  if (detail.problem) body.push(el("p", { class: "alerts", role: "alert" }, shown(detail.problem)));
  if (adapter >= 0) body.push(cellsNav(entry, adapter, cell), verdictOf(entry, adapter, cell, said, detail));
  body.push(requirements(detail, said, adapter < 0 ? "-" : cell.letters[adapter]));
  body.push(streams(detail, said, adapter, cell));
  body.push(...(detail.turns ?? []).map(turn));
  body.push(about(detail));
  return [top_(entry, adapter, state), el("div", { class: "detail-body" }, body)];
}

function go(change) {
  return (event) => {
    event.preventDefault();
    goTo({ ...readState(), ...change });
  };
}

function top_(entry, adapter) {
  const title = el("h2", { id: "detail-title", tabindex: -1 }, shown(entry.title));
  const name = el("p", { class: "crumb" }, code(entry.id), level(entry.level));
  const close = el("button", { type: "button", class: "close", onclick: () => dialog.close(), "aria-label": "Close" }, "✕");
  const copy = copyButton("Copy link", () => location.href);
  const walk = [-1, 1].map((step) => walkButton(entry, adapter, step));
  return el("header", { class: "detail-top" }, el("div", {}, title, name), el("div", { class: "tools" }, walk, copy, close));
}

/** To the neighbour in the matrix: of a failing cell the next failure of the same adapter, else the next case. */
function walkButton(entry, adapter, step) {
  const column = grid.adapters.indexOf(adapter);
  const fits = ({ standings }) => column < 0 || standings[column].failing > 0;
  const rows = grid.rows.filter((row) => row.entry === entry || fits(row));
  const to = rows[rows.findIndex((row) => row.entry === entry) + step];
  const noun = column < 0 ? "stream" : "failure";
  const words = step < 0 ? `← Previous ${noun}` : `Next ${noun} →`;
  const listed = rows.some((row) => row.entry === entry);
  return el(
    "button",
    { type: "button", class: "quiet", disabled: !to || !listed, onclick: to && go({ case: to.entry.id, cell: "" }) },
    words,
  );
}

function copyButton(words, text) {
  const button = el("button", { type: "button", class: "quiet" }, words);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here";
    }
    setTimeout(() => (button.textContent = words), 1500);
  });
  return button;
}

/** Every adapter's standing on this case; those that were not asked are counted. */
function strip(entry, adapter) {
  const all = INDEX.adapters.map(({ label }, number) => ({ label, number }));
  const asked = all.filter(({ number }) => number === adapter || entry.cells.some((cell) => isAsked(cell, number)));
  const links = asked.map(({ label, number }) => {
    const found = standing(entry.cells, number);
    const { word, glyph } = VERDICTS[found.letter];
    const props = { href: hashOf({ case: entry.id, by: label }), onclick: go({ by: label, cell: "" }) };
    if (number === adapter) props["aria-current"] = "true";
    const mark = el("span", { class: `chip v-${word}`, "aria-hidden": "true" }, glyph);
    return el("li", {}, el("a", props, mark, el("span", { class: "label" }, shown(label)), el("span", { class: "unseen" }, `, ${spoken(found)}`)));
  });
  const rest = all.length - asked.length;
  const others = rest ? el("li", { class: "rest" }, `${rest} ${rest === 1 ? "does" : "do"} not speak it`) : null;
  return el("nav", { class: "strip", "aria-label": "Adapters on this stream" }, el("ul", {}, links, others));
}

/** The cells of the case, for one adapter. */
function cellsNav(entry, adapter, chosen) {
  if (entry.cells.length < 2) return null;
  const links = entry.cells.map((cell) => {
    const { word, glyph } = VERDICTS[cell.letters[adapter]];
    const name = cellName(cell);
    const props = { href: hashOf({ case: entry.id, by: INDEX.adapters[adapter].label, cell: name }), onclick: go({ cell: name }) };
    if (cell === chosen) props["aria-current"] = "true";
    const mark = el("span", { class: `chip v-${word}`, "aria-hidden": "true" }, glyph);
    return el("li", {}, el("a", props, mark, shown(name), el("span", { class: "unseen" }, `, ${word.replaceAll("_", " ")}`)));
  });
  return el("nav", { class: "strip of-cells", "aria-label": "Cells of this stream: provider and wire plan" }, el("ul", {}, links));
}

function verdictOf(entry, adapter, cell, said, detail) {
  const verdict = VERDICTS[cell.letters[adapter]];
  const [message, findings, text, milliseconds, , checked, known] = said ?? ["", [], -2, 0, [], 0, []];
  const failing = findings.filter((finding) => FAILING_WORDS.has(finding[2]));
  const sums = [];
  if (failing.length) sums.push(`${failing.length} of ${count(checked, "check")} ${failing.length === 1 ? "does" : "do"} not hold`);
  if (milliseconds) sums.push(`${milliseconds.toLocaleString("en")} ms`);
  if (text === -1 && verdict.word !== "unsupported" && verdict.word !== "not_run") sums.push("it gave no completion");
  const head = el("p", { class: "verdict" }, el("span", { class: `chip v-${verdict.word}`, "aria-hidden": "true" }, verdict.glyph));
  const name = verdict.word.replaceAll("_", " ");
  head.append(shown(INDEX.adapters[adapter].label), el("b", {}, name), el("span", {}, verdict.says), el("span", { class: "sums" }, sums.join(" · ")));
  const command = again(entry, cell, adapter);
  const line = el("div", { class: "again" }, el("span", {}, "Again"), code(command), copyButton("Copy", () => command));
  const words = message ? el("pre", { class: "message data" }, shown(message)) : null;
  const listed = known.map(([id, reason, upstream]) => el("li", {}, "known: ", el("b", {}, shown(id)), " ", shown(reason), " ", code(upstream)));
  const notes = listed.length ? el("ul", { class: "known" }, listed) : null;
  return el("section", { class: `outcome o-${verdict.word}`, "aria-label": "Verdict" }, head, words, notes, cell.letters[adapter] === "-" ? null : line);
}

const FAILING_WORDS = new Set(["hang", "crash", "wrong", "lossy", "harness"]);

/** What must hold: first what does not, with expected and got; what holds is folded away. */
function requirements(detail, said, letter) {
  const sources = new Map((detail.requirements ?? []).map((item) => [item[0], item]));
  const findings = said?.[1] ?? [];
  const told = findings.map((finding) => findingRow(finding, sources.get(finding[0])));
  const named = new Set(findings.map((finding) => finding[0]));
  const others = [...sources.values()].filter(([id]) => !named.has(id));
  const parts = [];
  if (told.length) {
    const heads = ["Check", "Expected", "Got", "Decided by"].map((word) => el("th", { scope: "col" }, word));
    parts.push(el("table", { class: "findings" }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, told)));
  }
  if (others.length) {
    const checked = letter !== "-" && !(said && !said[5]);
    const words = checked ? `${count(others.length, "requirement")} that ${others.length === 1 ? "holds" : "hold"}` : count(others.length, "requirement");
    const list = others.map(([id, must, path, value, source]) =>
      el("li", {}, el("b", {}, shown(id)), level(must), code(`${path} ${value}`), el("small", {}, sourced(source))),
    );
    parts.push(el("details", { open: letter === "-" }, el("summary", {}, words), el("ul", { class: "held" }, list)));
  }
  return parts.length ? el("section", { class: "checks" }, el("h3", {}, "Checks"), parts) : null;
}

function findingRow([id, must, verdict, path, expected, got, place, reading], known) {
  const { glyph } = VERDICTS[BY_WORD[verdict]] ?? VERDICTS.p;
  const [, op, value] = /^(equals|contains|one_of|json_equals) ([^]*)$/.exec(expected) ?? [null, "", expected];
  const [left, right] = op === "equals" && !reading ? marked(value, got) : [[shown(value)], [shown(got)]];
  const name = el("td", {}, el("span", { class: `chip v-${verdict}`, title: verdict }, glyph), el("b", {}, shown(id)), level(must));
  const where = path || known?.[2];
  if (where) name.append(code(where));
  if (reading) name.append(el("div", { class: "reading" }, "holds in the reading ", el("b", {}, shown(reading))));
  if (known) name.append(el("small", { title: known[4] }, sourced(known[4])));
  const number = /^event (\d+)/.exec(place);
  const link = number
    ? el("button", { type: "button", class: "quiet jump", onclick: () => jumpTo(number[1]) }, shown(place))
    : el("span", {}, shown(place));
  const word = op ? el("span", { class: "op" }, `${op} `) : null;
  const cells = [el("td", { "data-head": "Expected" }, word, el("code", { class: "data" }, left)), el("td", { "data-head": "Got" }, el("code", { class: "data" }, right))];
  return el("tr", { class: `f-${verdict}` }, name, cells, el("td", { "data-head": "Decided by" }, link));
}

function jumpTo(number) {
  const event = dialog.querySelector(`[data-event="${number}"]`);
  if (!event) return;
  event.open = true;
  event.scrollIntoView({ block: "center" });
  event.querySelector("summary").focus({ preventScroll: true });
  event.classList.remove("flash");
  requestAnimationFrame(() => event.classList.add("flash"));
}

/** A further interaction of the case: what is asked next, its wire, and what must come out of it. */
function turn(detail, number) {
  const asked = el("p", { class: "where" }, "asked next ", code(detail.asked ?? ""));
  const title = `Turn ${number + 2}`;
  return el("section", { class: "turn", "aria-label": title }, el("h3", {}, title), asked, streams(detail, null, -1, null));
}

/** The wire, event by event, beside what must come out of it and what came. */
function streams(detail, said, adapter, cell) {
  const parts = [];
  if (detail.events) parts.push(wire(detail, said));
  if (detail.expected || (said && said[2] >= 0)) parts.push(comparison(detail, said, adapter, cell));
  return parts.length ? el("div", { class: "streams" }, parts) : null;
}

function wire(detail, said) {
  const deciding = new Map();
  for (const [id, , verdict, , , , place] of said?.[1] ?? []) {
    const number = /^event (\d+)/.exec(place)?.[1];
    if (number && FAILING_WORDS.has(verdict)) deciding.set(number, [...(deciding.get(number) ?? []), [id, verdict]]);
  }
  const items = detail.events.map(([number, name, payload, gists]) => {
    const causes = deciding.get(String(number)) ?? [];
    const flags = causes.map(([id, verdict]) => el("span", { class: `decides v-${verdict}` }, "decides ", shown(id)));
    const head = el("summary", {}, el("span", { class: "number" }, number === null ? "" : String(number)), el("b", {}, shown(name)), flags);
    if (payload) head.append(el("code", { class: "data payload" }, shown(payload)));
    for (const gist of gists) head.append(el("code", { class: "data gist" }, shown(gist)));
    const fold = el("details", { class: causes.length ? "event deciding" : "event", "data-event": number ?? "end" }, head);
    if (payload) fold.addEventListener("toggle", () => unfold(fold, payload), { once: true });
    return el("li", {}, fold);
  });
  const notes = (detail.notes ?? []).map(([event, kind, text]) => el("li", {}, `event ${event}: `, el("b", {}, shown(kind)), " ", shown(text)));
  const beside = notes.length ? [el("h4", {}, "Beside it"), el("ul", { class: "notes" }, notes)] : null;
  return el("section", { class: "wire" }, el("h3", {}, "On the wire"), el("p", { class: "where" }, code(detail.where ?? "")), el("ol", {}, items), beside);
}

function unfold(fold, payload) {
  if (fold.open && !fold.querySelector("pre")) fold.append(el("pre", { class: "data" }, shown(jsonLines(payload).join("\n"))));
}

function comparison(detail, said, adapter, cell) {
  const expected = detail.expected ? jsonLines(detail.expected) : [];
  const place = said ? said[2] : -2;
  const title = place < 0 ? "What must come out" : "Expected and got";
  const section = el("section", { class: "comparison", tabindex: 0, "aria-label": title }, el("h3", {}, title));
  if (adapter >= 0) section.append(el("p", { class: "where" }, comparisonWords(place, cell, adapter)));
  if (place < 0) {
    section.append(el("pre", { class: "data whole" }, shown(expected.join("\n"))));
    return section;
  }
  const rows = sideBySide(expected, jsonLines(detail.texts[place]));
  const heads = ["Expected", "Got"].map((word) => el("th", { scope: "col" }, word));
  const body = el("tbody");
  for (const part of folded(rows)) body.append(part);
  section.append(el("table", { class: "diff" }, el("thead", {}, el("tr", {}, heads)), body));
  return section;
}

function comparisonWords(place, cell, adapter) {
  const letter = cell.letters[adapter];
  if (/cut:|inject:/.test(cell.plan)) return "This cell’s plan changes the stream; the left side is that of the whole stream.";
  if (place >= 0) return "The whole completion; not every difference breaks a requirement.";
  if (letter === "u" || letter === "-") return "It was not asked.";
  if (place === -3) return "Nothing in it fails; what it gave is not kept in these outcomes.";
  if (place === -1) return "It gave no completion; this is the one expected.";
  return letter === "p" || letter === "q" ? "What it gave holds to every MUST." : "The completion is the one expected.";
}

/** The rows of a comparison; long runs of equal lines behind a button. */
function folded(rows) {
  const parts = [];
  for (let at = 0; at < rows.length; ) {
    let end = at;
    while (end < rows.length && (rows[end][0] === "same") === (rows[at][0] === "same")) end += 1;
    const run = rows.slice(at, end).map(diffRow);
    if (rows[at][0] === "same" && run.length > FOLD) parts.push(...run.slice(0, KEPT), foldRow(run.slice(KEPT, -KEPT)), ...run.slice(-KEPT));
    else parts.push(...run);
    at = end;
  }
  return parts;
}

function foldRow(rows) {
  const button = el("button", { type: "button", class: "quiet" }, `${rows.length} equal lines`);
  const row = el("tr", { class: "fold" }, el("td", { colspan: 2 }, button));
  button.addEventListener("click", () => row.replaceWith(...rows));
  return row;
}

const SIGNS = { same: "", changed: "≠", left: "−", right: "+" };
const SIGN_WORDS = { changed: "differs", left: "only expected", right: "only got" };

function diffRow([kind, left, right]) {
  const [a, b] = kind === "changed" ? marked(left, right) : [left, right].map((line) => (line === null ? [] : [shown(line)]));
  const sign = kind === "same" ? null : el("span", { class: "sign" }, SIGNS[kind], el("span", { class: "unseen" }, ` ${SIGN_WORDS[kind]} `));
  const cell = (nodes, signed) => el("td", { class: "data" }, signed ? sign : null, nodes);
  return el("tr", { class: kind }, cell(a, kind !== "right"), cell(b, kind === "right"));
}

function about(detail) {
  if (!detail.about?.length) return null;
  const facts = detail.about.map(([name, text]) => [el("dt", {}, name), el("dd", {}, shown(text))]);
  return el("section", { class: "about" }, el("h3", {}, "About this stream"), el("dl", {}, facts));
}
