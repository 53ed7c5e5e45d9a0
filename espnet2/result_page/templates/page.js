"use strict";
// Sorting, filtering, one player at a time, a cursor over its spectrogram.

const tools = document.getElementById("tools");
const cards = document.getElementById("cards");

function valueOf(row, place) {
  const value = row.cells[place].dataset.value;
  if (value === undefined) return null;
  return row.cells[place].classList.contains("number") ? Number(value) : value;
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function sortBy(heading) {
  const table = heading.closest("table");
  const first = heading.classList.contains("number") ? "descending" : "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const order = heading.getAttribute("aria-sort") === first ? second : first;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((one, other) => {
    const [a, b] = [one, other].map((row) => valueOf(row, heading.cellIndex));
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * compare(a, b);
  });
  table.tBodies[0].append(...rows);
  if (table.id === "table-utterances") cards.append(...rows.map(cardOf));
}

function cardOf(row) {
  return document.getElementById(row.querySelector("a").hash.slice(1));
}

function filter() {
  const words = document.getElementById("filter").value.toLowerCase().split(/\s+/);
  const kind = document.getElementById("kind").value;
  const set = document.getElementById("set").value;
  const rows = [...document.querySelectorAll("#table-utterances tbody tr")];
  let shown = 0;
  for (const row of rows) {
    const card = cardOf(row);
    const text = card.textContent.toLowerCase();
    const fits =
      words.every((word) => text.includes(word)) &&
      (!kind || card.dataset.kind === kind) &&
      (!set || card.dataset.set === set);
    row.hidden = card.hidden = !fits;
    if (fits) shown += 1;
    else for (const player of card.querySelectorAll("audio")) player.pause();
  }
  const status = document.getElementById("status");
  status.textContent = `${shown} of ${rows.length} utterances`;
}

function moveCursor(player) {
  const cursor = player.closest("figure").querySelector(".cursor");
  cursor.hidden = player.currentTime === 0;
  cursor.style.left = `${(100 * player.currentTime) / (player.duration || 1)}%`;
  if (!player.paused) requestAnimationFrame(() => moveCursor(player));
}

for (const button of document.querySelectorAll("button.sort")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}
const players = [...document.querySelectorAll("audio")];
for (const player of players) {
  player.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.pause();
    moveCursor(player);
  });
  for (const name of ["seeked", "ended"]) {
    player.addEventListener(name, () => moveCursor(player));
  }
}
if (tools) {
  tools.hidden = false;
  tools.addEventListener("input", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
