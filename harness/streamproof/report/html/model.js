// The data of the page (its form is described in data.py), and what it adds up to for one place of the matrix.

/** Verdicts by letter, in the order in which one of several cells stands for all of them: worst first. */
const VERDICTS = {
  h: { word: "hang", glyph: "H", says: "no answer within the time limit", fails: true },
  c: { word: "crash", glyph: "C", says: "an exception that is none of the library’s own errors", fails: true },
  w: { word: "wrong", glyph: "W", says: "contradicts the wire", fails: true },
  l: { word: "lossy", glyph: "L", says: "what the wire said is absent, or only in raw metadata", fails: true },
  x: { word: "harness", glyph: "!", says: "streamproof’s own fault" },
  n: { word: "not_offered", glyph: "○", says: "the library has no such field", right: true },
  q: { word: "warned", glyph: "✓", says: "every MUST holds, a SHOULD does not", passes: true, right: true },
  p: { word: "pass", glyph: "✓", says: "every MUST and SHOULD holds", passes: true, right: true },
  u: { word: "unsupported", glyph: "–", says: "the library does not speak this protocol" },
  "-": { word: "not_run", glyph: "", says: "not run" },
};
const ORDER = Object.keys(VERDICTS);
const BY_WORD = Object.fromEntries(ORDER.map((letter) => [VERDICTS[letter].word, letter]));

const INDEX = JSON.parse(document.getElementById("index").textContent);
const CASES = INDEX.cases.map(([id, title, level, cells], number) => ({
  id,
  title: title || id,
  level,
  number,
  protocol: id.split("/")[0],
  words: `${title}\n${id}`.toLowerCase(),
  cells: cells.map(([provider, plan, sync, letters], place) => ({
    place,
    letters: letters.toLowerCase(),
    told: letters, // a capital is a failure that expectations list
    sync: Boolean(sync),
    provider: INDEX.providers[provider],
    plan: INDEX.plans[plan],
  })),
}));
const CASE_BY_ID = new Map(CASES.map((entry) => [entry.id, entry]));

/** The name of a cell within its case, as in a cell id: `openai+split:byte+sync`. */
function cellName(cell) {
  return [cell.provider, cell.plan, cell.sync ? "sync" : ""].filter(Boolean).join("+");
}

/** Whether a cell fails as expectations say. */
function isKnown(cell, adapter) {
  return cell.told[adapter] !== cell.letters[adapter];
}

/**
 * What some cells come to for one adapter: the letter that stands for them, how many fail, how many could fail, and
 * whether all failures are known.
 */
function standing(cells, adapter) {
  let worst = ORDER.length - 1;
  let failing = 0;
  let judged = 0;
  let known = 0;
  for (const cell of cells) {
    const letter = cell.letters[adapter];
    worst = Math.min(worst, ORDER.indexOf(letter));
    failing += VERDICTS[letter].fails ? 1 : 0;
    judged += VERDICTS[letter].fails || VERDICTS[letter].passes ? 1 : 0;
    known += isKnown(cell, adapter) ? 1 : 0;
  }
  return { letter: ORDER[worst], failing, judged, known: failing > 0 && known === failing };
}

/** A standing in words. */
function spoken({ letter, failing, judged, known }) {
  const word = (known ? "known: " : "") + VERDICTS[letter].word.replaceAll("_", " ");
  return failing && judged > 1 ? `${word}, ${failing} of ${judged} cells fail` : word;
}

const unpacked = new Map();

/** What the page knows of a case. Its block is unpacked once, when the first of its cases is opened. */
async function detailOf(entry) {
  const number = Math.floor(entry.number / INDEX.per_block);
  if (!unpacked.has(number)) unpacked.set(number, linesOf(number));
  return JSON.parse((await unpacked.get(number))[entry.number % INDEX.per_block]);
}

/** The lines of a block of details; rejects where it cannot be read. */
async function linesOf(number) {
  const text = atob(document.getElementById(`details-${number}`).textContent);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return (await new Response(stream).text()).split("\n");
}

/** One line for a shell that runs a cell again. */
function again(entry, cell, adapter) {
  const words = [INDEX.adapters[adapter].run, quoted(entry.id)];
  if (cell.provider) words.push("--provider", quoted(cell.provider));
  if (cell.plan) words.push("--plan", quoted(cell.plan));
  if (cell.sync) words.push("--sync");
  return [...words, INDEX.adapters[adapter].option].join(" ").trim();
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
