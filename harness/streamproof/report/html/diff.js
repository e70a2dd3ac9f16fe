// Differences between what must come out and what came out.

const DIFF_AREA = 4_000_000; // cells of the table of the longest common subsequence; above it lines are paired by place

/** Lines of two texts side by side: [kind, left, right]; kind is "same", "changed", "left" (only there) or "right". */
function sideBySide(left, right) {
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const same = (from, to) => left.slice(from, to).map((line) => ["same", line, line]);
  const middle = aligned(left.slice(start, left.length - end), right.slice(start, right.length - end));
  return [...same(0, start), ...middle, ...same(left.length - end, left.length)];
}

function aligned(left, right) {
  const pairs = left.length * right.length > DIFF_AREA ? [] : commonLines(left, right);
  const rows = [];
  let i = 0;
  let j = 0;
  for (const [x, y] of [...pairs, [left.length, right.length]]) {
    rows.push(...paired(left.slice(i, x), right.slice(j, y)));
    if (x < left.length) rows.push(["same", left[x], right[y]]);
    i = x + 1;
    j = y + 1;
  }
  return rows;
}

/** Lines between two common ones: a line pairs with the next one of the same key or bracket; the others stand alone. */
function paired(left, right) {
  const rows = [];
  let j = 0;
  for (const line of left) {
    const partner = right.findIndex((other, at) => at >= j && keyOf(other) === keyOf(line));
    if (partner < 0) {
      rows.push(["left", line, null]);
      continue;
    }
    for (; j < partner; j += 1) rows.push(["right", null, right[j]]);
    rows.push(["changed", line, right[j]]);
    j += 1;
  }
  for (; j < right.length; j += 1) rows.push(["right", null, right[j]]);
  return rows;
}

function keyOf(line) {
  return line.match(/^\s*(?:"(?:[^"\\]|\\.)*":|[{}[\]])?/)[0];
}

/** Index pairs of a longest common subsequence. */
function commonLines(left, right) {
  const width = right.length + 1;
  const table = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      table[at] = left[i] === right[j] ? table[at + width + 1] + 1 : Math.max(table[at + width], table[at + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const at = i * width + j;
    if (left[i] === right[j]) pairs.push([i++, j++]);
    else if (table[at + width] >= table[at + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

/** Two texts as nodes, what differs in a <mark>; of a number, the whole of it. */
function marked(left, right) {
  let start = 0;
  const most = Math.min(left.length, right.length);
  while (start < most && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < most - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  while (start > 0 && isDigit(left[start - 1])) start -= 1;
  while (end > 0 && isDigit(left.at(-end))) end -= 1;
  return [left, right].map((text) => {
    const middle = text.slice(start, text.length - end);
    const nodes = [shown(text.slice(0, start)), middle ? el("mark", {}, shown(middle)) : null];
    return [...nodes, shown(text.slice(text.length - end))].filter(Boolean);
  });
}

function isDigit(character) {
  return character >= "0" && character <= "9";
}
