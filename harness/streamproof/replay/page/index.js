"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const filter = document.getElementById("filter");
const plan = document.getElementById("plan");
const count = document.getElementById("count");
const cases = [...document.querySelectorAll("details")];

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function copyButton(text, what) {
  const button = element("button", "", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", "Copy " + what);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1200);
  });
  return button;
}

function way(client, prefix) {
  const url = prefix + client.suffix;
  const line = client.code.replace("{url}", () => url);
  const row = element("div", "way");
  row.append(
    element("span", "", client.name),
    element("code", "url", url), copyButton(url, "URL for " + client.name),
    element("code", "line", line), copyButton(line, "code for " + client.name),
  );
  return row;
}

function fill(card) {
  const body = card.querySelector(".body");
  const wanted = plan.value.trim().replace(/^\+/, "");
  body.replaceChildren();
  for (const provider of card.dataset.providers.split(" ").filter(Boolean)) {
    const prefix = data.base + "/" + card.id + "@" + provider + (wanted && "+" + wanted);
    body.append(element("h3", "", provider));
    for (const client of data.clients[card.id.split("/")[0] + " " + provider]) body.append(way(client, prefix));
  }
}

function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cases) {
    card.hidden = !words.every((word) => card.firstElementChild.textContent.toLowerCase().includes(word));
    shown += card.hidden ? 0 : 1;
  }
  for (const group of document.querySelectorAll("section")) {
    group.hidden = ![...group.querySelectorAll("details")].some((card) => !card.hidden);
  }
  count.textContent = shown + " of " + cases.length + " cases";
}

for (const card of cases) {
  card.addEventListener("toggle", () => { if (card.open) fill(card); });
}
plan.addEventListener("input", () => cases.filter((card) => card.open).forEach(fill));
filter.addEventListener("input", show);
show();
const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (linked instanceof HTMLDetailsElement) {
  linked.open = true;
  fill(linked);
}
