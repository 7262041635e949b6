// The report's behaviour: theme, sorting, filtering with the state in the address, copying. The pages read without it.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- the address: #q=…&sort=…  (the part after #, so that it also works on pages opened from disk) ---

function state() {
  return new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
}

function store(changes) {
  const now = state();
  for (const [key, value] of Object.entries(changes)) value ? now.set(key, value) : now.delete(key);
  const text = now.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

// --- theme ---

function theme() {
  const button = $("#theme");
  const themes = ["auto", "light", "dark"];
  const show = () => { $("span", button).textContent = document.documentElement.dataset.theme ?? "auto"; };
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % themes.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try { localStorage.setItem("convgauge-theme", next); } catch { /* kept for this page only */ }
    show();
  });
  show();
}

// --- sorting ---

function sortable(table) {
  const heads = $$("thead th", table);
  const body = $("tbody", table);
  const first = [...body.rows];
  const stored = table.id === "matrix";
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const ratio = /^([\d,.]+)×/.exec(text); // of a layer, its interval behind it
    const number = Number((ratio ? ratio[1] : text).replaceAll(",", ""));
    return text !== "" && !Number.isNaN(number) ? number : text.toLowerCase();
  };
  const order = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
  const sort = (column, way) => {
    heads.forEach((head, index) => {
      if (index === column && way) head.setAttribute("aria-sort", way); else head.removeAttribute("aria-sort");
    });
    const turn = way === "descending" ? -1 : 1;
    const keyed = first.map((row, index) => [way ? key(row, column) : 0, index, row]);
    keyed.sort((a, b) => turn * order(a[0], b[0]) || a[1] - b[1]);
    body.append(...keyed.map(([, , row]) => row));
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const way = now === null ? "ascending" : now === "ascending" ? "descending" : "";
      sort(column, way);
      if (stored) store({ sort: way ? `${way === "descending" ? "-" : ""}${column}` : "" });
    });
  });
  const restore = () => {
    const match = /^(-?)(\d{1,4})$/.exec(state().get("sort") ?? "");
    if (match && Number(match[2]) < heads.length) sort(Number(match[2]), match[1] ? "descending" : "ascending");
    else if (heads.some((head) => head.hasAttribute("aria-sort"))) sort(-1, "");
  };
  if (stored) { restore(); addEventListener("hashchange", restore); }
}

// --- queries ---

/** Terms of a query: [{not, key, values}]. Throws an Error with a message for the reader. */
function parse(text) {
  const terms = [];
  for (const [, not, key, value, word] of text.matchAll(/(?<!\S)(-?)(?:([a-z]+):((?:"[^"]*"|[^\s"])+)|("[^"]*"|\S+))/g)) {
    const values = (value ?? word).match(/(?:"[^"]*"|[^,"])+/g)?.map((v) => v.replaceAll('"', "").toLowerCase()) ?? [];
    if (values.length) terms.push({ not: not === "-", key: key ?? "", values });
  }
  for (const { key } of terms) if (!(key in TESTS)) throw new Error(`there is no ${key}: term`);
  return terms;
}

const holds = (values, text) => values.some((value) => String(text).toLowerCase().includes(value));
const equals = (values, text) => values.includes(String(text).toLowerCase());

// What each term asks of an entry (e), a spec (s) and a result (r); the names tell which of them it looks at.
const TESTS = {
  "": { on: "es", test: (values, e, s) => holds(values, e.name) || (s !== null && holds(values, s.id)) },
  name: { on: "e", test: (values, e) => holds(values, e.name) },
  environment: { on: "e", test: (values, e) => holds(values, e.environment) },
  framework: { on: "e", test: (values, e) => equals(values, e.framework) },
  algorithm: { on: "e", test: (values, e) => holds(values, e.algorithm) },
  verdict: { on: "e", test: (values, e) => equals(values, e.verdict) },
  grade: { on: "e", test: (values, e) => equals(values, e.grade) },
  chapter: { on: "s", test: (values, e, s) => holds(values, s.chapter) },
  spec: { on: "s", test: (values, e, s) => holds(values, s.id) },
  level: { on: "s", test: (values, e, s) => equals(values, s.level) },
  profile: { on: "s", test: (values, e, s) => equals(values, s.profile) },
  is: { on: "s", test: (values, e, s) => values.includes("different") && s.different },
  only: { on: "s", test: (values, e, s) => s.only !== null && equals(values, s.only) },
  status: { on: "r", test: (values, e, s, r) => equals(values, r.status) },
  dtype: { on: "r", test: (values, e, s, r) => equals(values, r.dtype) },
  device: { on: "r", test: (values, e, s, r) => equals(values, r.device) },
};

function prepare(data) {
  const letters = new Map(Object.entries(data.letters));
  const faults = new Set(data.faults);
  const whole = (row) => (row.length === 1 ? row.repeat(data.entries.length) : row);
  const specs = data.specs.map(([id, chapter, level, profile, results]) => ({
    id,
    chapter: data.chapter[chapter],
    level: data.level[level],
    profile: data.profile[profile],
    tables: Object.entries(results).map(([table, row]) => {
      const cut = data.tables[table].lastIndexOf("@");
      return { dtype: data.tables[table].slice(0, cut), device: data.tables[table].slice(cut + 1), row: whole(row) };
    }),
  }));
  for (const spec of specs) {
    const columns = data.entries.map((_, index) => spec.tables.map((table) => table.row[index]).join("").replaceAll(".", ""));
    const met = new Set(columns.filter(Boolean).map((column) => [...new Set(column)].sort().join("")));
    const wrong = data.entries.filter((_, index) => [...columns[index]].some((letter) => faults.has(letters.get(letter))));
    spec.different = met.size > 1;
    spec.only = wrong.length === 1 ? wrong[0].name : null;
  }
  return { ...data, specs, letters };
}

/** The results that a query selects: which entries and specs have some, in which cells, and how many there are. */
function select(data, terms) {
  const passes = (term, e, s, r) => TESTS[term.key].test(term.values, e, s, r) !== term.not;
  const about = (on) => terms.filter((term) => TESTS[term.key].on === on);
  const [ofEntry, ofSpec, ofBoth, ofResult] = ["e", "s", "es", "r"].map(about);
  const selection = { entries: new Set(), specs: new Set(), cells: new Set(), results: 0 };
  const indices = [];
  data.entries.forEach((e, index) => {
    if (e.verdict === "absent" || !ofEntry.every((term) => passes(term, e))) return;
    indices.push(index);
    if (!ofSpec.length && !ofResult.length && ofBoth.every((term) => passes(term, e, null))) selection.entries.add(index);
  });
  data.specs.forEach((s, row) => {
    if (!ofSpec.every((term) => passes(term, null, s))) return;
    const tables = s.tables.map(({ dtype, device, row: letters }) => {
      const known = new Map([[".", false]]); // whether a letter of this table is asked for
      return (index) => {
        const letter = letters[index];
        if (!known.has(letter)) {
          const result = { status: data.letters.get(letter), dtype, device };
          known.set(letter, ofResult.every((term) => passes(term, null, s, result)));
        }
        return known.get(letter);
      };
    });
    for (const index of indices) {
      if (!ofBoth.every((term) => passes(term, data.entries[index], s))) continue;
      const met = tables.reduce((count, isSelected) => count + isSelected(index), 0);
      if (!met) continue;
      selection.entries.add(index);
      selection.specs.add(row);
      selection.cells.add(row * data.entries.length + index);
      selection.results += met;
    }
  });
  return selection;
}

const BATCH = 32; // rows

function filtering() {
  const table = $("#matrix");
  if (!table) return;
  const data = prepare(DATA); // of data/results.js
  const input = $("#query");
  const output = $("#found");
  const bySpec = table.dataset.rows === "specs";
  const rows = $$("tbody tr", table).map((row) => ({ row, number: Number(bySpec ? row.dataset.spec : row.dataset.entry) }));
  const columns = bySpec ? $$("thead [data-entry]", table).map((head) => ({ head, index: Number(head.dataset.entry), column: head.cellIndex })) : [];
  const many = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  // what a cell or row is now, so that only what changes is touched: a table is slow to lay out
  const states = new Map();
  const set = (element, name, on) => {
    const state = states.get(element) ?? {};
    if ((state[name] ?? false) === on) return;
    if (name === "hidden") element.hidden = on; else element.classList.toggle(name, on);
    states.set(element, { ...state, [name]: on });
  };

  const paint = ({ row, number }, selection) => {
    for (const { index, column } of columns) {
      set(row.cells[column], "hidden", !selection.entries.has(index));
      set(row.cells[column], "faint", !selection.cells.has(number * data.entries.length + index));
    }
    set(row, "hidden", false);
  };

  // the rows that fit on a screen are shown at once and the others a batch a frame: laying out cells is what takes long
  let batches = 0;
  let filtered = false;
  const show = (selection) => {
    cancelAnimationFrame(batches);
    const selected = bySpec ? selection.specs : selection.entries;
    const wanted = rows.filter(({ number }) => selected.has(number)).sort((a, b) => a.row.rowIndex - b.row.rowIndex);
    const first = new Set(wanted.splice(0, BATCH));
    for (const item of rows) if (!first.has(item)) set(item.row, "hidden", true);
    for (const { head, index } of columns) set(head, "hidden", !selection.entries.has(index));
    for (const item of first) paint(item, selection);
    const later = () => {
      batches = wanted.length ? requestAnimationFrame(more) : 0;
      if (batches) table.setAttribute("aria-busy", "true"); else table.removeAttribute("aria-busy");
    };
    const more = () => {
      for (const item of wanted.splice(0, BATCH)) paint(item, selection);
      later();
    };
    later();
  };

  const apply = (text) => {
    let terms = [];
    let complaint = "";
    try { terms = parse(text); } catch (error) { complaint = error.message; }
    const selection = select(data, terms);
    if (terms.length || filtered) show(selection); // the page comes with every row shown
    filtered ||= terms.length > 0;
    output.className = complaint ? "complaint" : "";
    if (complaint) { output.textContent = complaint; return; }
    const result = `${many(selection.results, "result")} in ${many(selection.entries.size, "implementation")} and ${many(selection.specs.size, "spec")}`;
    output.replaceChildren(terms.length ? `${result} · ` : result);
    if (terms.length) {
      const link = document.createElement("a");
      link.href = `${bySpec ? "index.html" : "specs.html"}#${new URLSearchParams({ q: text })}`;
      link.textContent = bySpec ? "by implementation" : "spec by spec";
      output.append(link);
    }
  };
  const ask = (text) => { input.value = text; apply(text); store({ q: text.trim() }); };
  input.addEventListener("input", () => ask(input.value));
  $("#search").addEventListener("submit", (event) => event.preventDefault());
  $("#quick").addEventListener("click", (event) => {
    const text = event.target.closest("[data-query]")?.dataset.query;
    if (text) ask(input.value === text ? "" : text);
  });
  const restore = () => { input.value = state().get("q") ?? ""; apply(input.value); };
  addEventListener("hashchange", restore);
  restore();
  window.convgauge = {
    timeQuery(text) {
      const started = performance.now();
      ask(text);
      table.getBoundingClientRect(); // makes the browser lay the table out now
      return performance.now() - started;
    },
  };
}

// --- every spec of one implementation, made when it is asked for ---

function make(name, kind, ...children) {
  const node = document.createElement(name);
  if (kind) node.className = kind;
  node.append(...children);
  return node;
}

/** Bars of margins, a letter each from "a" for none; the rule is the bound. */
function bars(letters, bound) {
  const shape = (kind, steps) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    if (kind) path.setAttribute("class", kind);
    path.setAttribute("d", steps);
    return path;
  };
  const figure = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  figure.setAttribute("class", "hist");
  figure.setAttribute("viewBox", "0 0 96 17");
  figure.setAttribute("aria-hidden", "true");
  const heights = [...letters].map((letter) => letter.charCodeAt(0) - 97);
  const steps = heights.map((height, index) => (height ? `M${4 * index + 2} 16v${-height}` : "")).join("");
  figure.append(shape("rule", `M${4 * bound} 0v17`), shape("", steps));
  return figure;
}

function everySpec() {
  const details = $("#each");
  if (!details) return;
  const island = $("#results");
  const index = Number(island.dataset.entry);
  const results = JSON.parse(island.textContent);
  const bound = Number(island.dataset.bound);
  const chips = (spec) => Object.entries(spec[4]).flatMap(([table, row]) => {
    const status = DATA.letters[row.length === 1 ? row : row[index]];
    return status ? [{ status, dtype: DATA.tables[table].split("@")[0] }] : [];
  });
  const shown = ({ status, dtype }) => make("span", `s ${status}`, `${DATA.symbols[status]} ${DATA.labels[status] ?? status}`, make("small", "", ` ${dtype}`));
  details.addEventListener("toggle", () => {
    if (!details.open || $("table", details)) return;
    const rows = DATA.specs.flatMap((spec, number) => {
      const [cases, margin, letters] = results[number];
      const met = chips(spec);
      if (cases === undefined || !met.length) return [];
      const worst = Math.min(...met.map(({ status }) => DATA.gravity.indexOf(status)));
      const link = make("a", "mono", spec[0]);
      link.href = `../${spec[5]}`;
      const head = make("th", "", link, make("small", "", spec[7]), make("small", "muted", `${DATA.level[spec[2]]} · ${DATA.sources[spec[6]]}`));
      head.scope = "row";
      const distinct = new Set(met.map(({ status }) => status)).size === 1 ? [shown({ status: met[0].status, dtype: met.length > 1 ? "" : met[0].dtype })] : met.map(shown);
      const status = make("td", "", ...distinct.flatMap((chip) => [chip, " "]));
      status.dataset.sort = worst;
      return [{ worst, number, row: make("tr", "", head, status, make("td", "n", cases.toLocaleString("en")), make("td", "n", margin ?? ""), make("td", "", letters ? bars(letters, bound) : "")) }];
    });
    rows.sort((a, b) => a.worst - b.worst || a.number - b.number);
    const names = [["Spec", ""], ["Status", ""], ["Cases", "n"], ["Largest margin", "n"], ["Margins", ""]];
    const heads = names.map(([text, kind]) => { const head = make("th", kind, text); head.scope = "col"; return head; });
    const table = make("table", "each", make("thead", "", make("tr", "", ...heads)), make("tbody", "", ...rows.map(({ row }) => row)));
    const box = make("div", "scroll tall", table);
    box.tabIndex = 0;
    box.role = "region";
    box.ariaLabel = "Every spec";
    sortable(table);
    details.append(box);
  });
}

// --- copying ---

function copying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const code = $("code", button.parentElement);
    let done = true;
    try { await navigator.clipboard.writeText(code.textContent); } catch {
      getSelection().selectAllChildren(code); // no clipboard on pages opened from disk in some browsers
      done = document.execCommand("copy");
    }
    button.textContent = done ? "copied" : "selected";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}

theme();
$$("table[data-sortable]").forEach(sortable);
filtering();
everySpec();
copying();
document.documentElement.dataset.ready = String(performance.now());
