"use strict";
// Sort a table by the column whose header is pressed: numbers as numbers, cells without a value last either way.
function sortBy(header) {
  const table = header.closest("table"), at = header.cellIndex;
  const direction = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  const sign = direction === "ascending" ? 1 : -1;
  const numeric = header.classList.contains("number");
  const order = (row) => row.cells[at].dataset.order;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const x = order(a), y = order(b);
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
    const isNumber = numeric || (!isNaN(x) && !isNaN(y));
    return sign * (isNumber ? x - y : x.localeCompare(y, "en", { numeric: true }));
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  table.tBodies[0].append(...rows);
}

async function copyTable(button) {
  const table = button.closest(".tools").nextElementSibling.querySelector("table");
  const lines = [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()).join("\t"));
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(lines.join("\n"));
  } catch {
    // A page opened from disk may be refused the clipboard: select the rows, so that one key copies them.
    getSelection().selectAllChildren(table);
    said = "Selected: press Ctrl+C";
  }
  button.textContent = said;
  setTimeout(() => { button.textContent = "Copy as TSV"; }, 2000);
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}
for (const button of document.querySelectorAll(".copy")) button.addEventListener("click", () => copyTable(button));
// A link to something inside a folded part opens it.
function unfold() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
}
addEventListener("hashchange", unfold);
unfold();
