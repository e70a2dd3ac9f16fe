// Filters, theme, and what happens when the address changes.

const form = document.getElementById("filters");
let current = {};

/** Show a state: draw the matrix when its filters differ from what is drawn, open or close a case. */
function show(state) {
  if (FILTERS.some((name) => state[name] !== current[name])) {
    fillForm(state);
    drawGrid(state);
    tellCount(state);
  }
  current = state;
  showDetail(state);
}

function tellCount(state) {
  const cells = grid.rows.reduce((sum, { entry }) => sum + cellsOf(entry, state).length, 0);
  const shownRows = grid.rows.length === CASES.length ? "All" : `${grid.rows.length.toLocaleString("en")} of`;
  const silent = grid.silent ? `; ${count(grid.silent, "adapter")} without any` : "";
  const words = grid.rows.length
    ? `${shownRows} ${count(CASES.length, "stream")}, ${count(cells * grid.adapters.length, "cell")}${silent}`
    : "No stream fits these filters";
  document.getElementById("count").textContent = words;
  const set = FILTERS.filter((name) => state[name]).length;
  form.querySelector("summary").textContent = set ? `Filters (${set})` : "Filters";
  form.querySelector("[type=reset]").hidden = !set;
}

function options(name, all, values) {
  const select = form.elements[name];
  select.append(el("option", { value: "" }, all), ...values.map((value) => el("option", { value }, shown(value))));
  select.closest("label").hidden = values.length < 2;
}

function buildForm() {
  const seen = (of) => [...new Set(CASES.flatMap(of))].filter(Boolean);
  options("protocol", "all", seen((entry) => entry.protocol));
  options("provider", "all", seen((entry) => entry.cells.map((cell) => cell.provider)).sort());
  options("level", "all", ["must", "should", "edge"].filter((word) => CASES.some((entry) => entry.level === word)));
  options("plan", "all", seen((entry) => entry.cells.map((cell) => cell.plan || "as stored")).sort());
  options("adapter", "all", INDEX.adapters.map(({ label }) => label));
  const counts = {};
  for (const entry of CASES) {
    for (const cell of entry.cells) for (const letter of cell.letters) counts[letter] = (counts[letter] ?? 0) + 1;
  }
  const letters = ORDER.filter((letter) => counts[letter]);
  form.querySelector(".verdicts").append(...letters.map((letter) => verdictBox(letter, counts[letter])));
}

/** A verdict of the legend, which filters by it. */
function verdictBox(letter, number) {
  const { word, glyph, says } = VERDICTS[letter];
  const box = el("input", { type: "checkbox", name: "verdict", value: word });
  const name = word.replaceAll("_", " ");
  return el("label", { title: says }, box, el("span", { class: `chip v-${word}`, "aria-hidden": "true" }, glyph), ` ${name} `, el("small", {}, number.toLocaleString("en")));
}

function fillForm(state) {
  for (const name of FILTERS) {
    if (name === "verdict") continue;
    if (form.elements[name] !== document.activeElement) form.elements[name].value = state[name];
  }
  const words = state.verdict.split(",");
  for (const box of form.querySelectorAll("[name=verdict]")) box.checked = words.includes(box.value);
}

function readForm() {
  const data = new FormData(form);
  const state = { ...readState(), case: "", by: "", cell: "" };
  for (const name of FILTERS) state[name] = data.getAll(name).join(",");
  goTo(state);
}

let typing = 0;
const isSearch = (event) => event.target.type === "search";
form.addEventListener("input", (event) => {
  if (!isSearch(event)) return;
  clearTimeout(typing);
  typing = setTimeout(readForm, 120);
});
form.addEventListener("change", (event) => {
  if (!isSearch(event)) readForm();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(readForm));

const theme = document.getElementById("theme");
function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}
theme.addEventListener("change", () => {
  setTheme(theme.value);
  try {
    localStorage.setItem("streamproof-theme", theme.value);
  } catch {
    // a page that was opened from a file may have no storage; the choice then lasts as long as the page
  }
});
try {
  theme.value = localStorage.getItem("streamproof-theme") ?? "";
  setTheme(theme.value);
} catch {
  // as above
}

document.querySelector("[data-skip]").addEventListener("click", (event) => {
  event.preventDefault(); // the address holds the state
  const target = document.getElementById(event.target.dataset.skip);
  target.scrollIntoView();
  target.focus({ preventScroll: true });
});
document.querySelector(".story").addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link && !link.hash.includes("case=")) document.getElementById("matrix-title").scrollIntoView({ block: "start" });
});

if (matchMedia("(max-width: 700px)").matches) document.getElementById("more").open = false;
buildForm();
addEventListener("hashchange", () => show(readState()));
addEventListener("popstate", () => show(readState()));
show(readState());
performance.mark("streamproof-shown");
