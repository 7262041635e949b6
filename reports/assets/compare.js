// Differences of two run files, read in the browser. The rules are those of convgauge.report.diff.
"use strict";

const FAULTS = new Set(["failed", "errored", "crashed", "timed_out", "xpassed", "vacuous"]);
const STRICTNESS_FAULTS = new Set(["answered_invalid"]);
const OLDER_VERDICTS = { "conformant with declines": "partial", nonconformant: "wrong" }; // of schemas 1 and 2
const KINDS = { broke: "Broke", fixed: "Fixed", changed: "Changed otherwise", appeared: "Appeared", vanished: "Vanished", slower: "Slower", faster: "Faster" };

async function readRun(file) {
  let text;
  if (file.name.endsWith(".gz")) text = await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).text();
  else text = await file.text();
  const lines = text.split("\n");
  lines.pop(); // what follows the last newline: nothing, or a line that was cut off
  const records = lines.map((line, index) => {
    try { return JSON.parse(line); } catch { throw new Error(`${file.name}, line ${index + 1} does not read`); }
  });
  if (records[0]?.type !== "header") throw new Error(`${file.name} is not a run: it does not begin with a header`);
  const schema = records[0].schema;
  if (![1, 2, 3, 4].includes(schema)) throw new Error(`${file.name}: schema ${schema}, and this page reads schemas 1 to 4`);
  for (const record of records) if (record.status === "mistrusted") record.status = "vacuous"; // its name in schema 1
  for (const verdict of Object.values(records.at(-1).verdicts ?? {})) verdict.verdict = OLDER_VERDICTS[verdict.verdict] ?? verdict.verdict;
  return { name: file.name, header: records[0], records, footer: records.at(-1).type === "footer" ? records.at(-1) : null };
}

function indexed(run, type, fields) {
  const records = new Map();
  for (const record of run.records) {
    if (record.type === type) records.set(JSON.stringify(fields.map((field) => record[field] ?? "")), record);
  }
  return records;
}

function kindOf(was, now) {
  const pair = new Set([was, now]);
  if (pair.has("failed") && pair.has("answered_invalid")) return "changed"; // older versions failed an answered invalid call
  for (const worse of [FAULTS, STRICTNESS_FAULTS]) {
    if (worse.has(now) !== worse.has(was)) return worse.has(now) ? "broke" : "fixed";
  }
  if (pair.has("passed") && (pair.has("refused") || pair.has("declined"))) return was === "passed" ? "broke" : "fixed";
  return "changed";
}

function percent(value, digits = 1) {
  if (value === 0 || value === 100) return `coverage ${value}\u00a0%`;
  return `coverage ${digits === 1 ? Math.min(Math.max(value, 0.1), 99.9).toFixed(1) : value.toFixed(digits)}\u00a0%`;
}

function coverageChange(what, was, now, isSameSuite) {
  const [a, b] = [was.coverage, now.coverage];
  if (a == null || b == null || Math.abs(b - a) <= (isSameSuite ? 0 : 1)) return [];
  const digits = percent(a) === percent(b) ? 3 : 1;
  return [{ kind: b < a ? "broke" : "fixed", what, was: percent(a, digits), now: percent(b, digits) }];
}

function strictnessChange(what, was, now) {
  const [a, b] = [was.is_strict, now.is_strict];
  if (a == null || b == null || a === b) return [];
  return [{ kind: b ? "fixed" : "broke", what, was: a ? "strict" : "not strict", now: b ? "strict" : "not strict" }];
}

function causeChanges(old, now) {
  if (![old, now].every((run) => run.footer && run.header.schema >= 4)) return []; // older runs have no causes
  const causes = (run) => {
    const own = run.records.filter((record) => record.type === "cause");
    return new Map(own.map((cause) => [JSON.stringify([cause.implementation, cause.mechanism || cause.sentence]), cause]));
  };
  const where = ({ region }) => (!region ? "everywhere" : /^(wherever|for) /.test(region) ? region : `wherever ${region}`);
  const judged = (run, cause) => run.records.some((record) => record.type === "spec" && record.implementation === cause.implementation && cause.specs.includes(record.spec));
  const changes = [];
  const add = (kind, cause, was, is) => changes.push({ kind, what: `${cause.implementation}: ${cause.sentence}`, was, now: is });
  const [before, after] = [causes(old), causes(now)];
  for (const [key, cause] of after) {
    const was = before.get(key);
    if (!was) add(judged(old, cause) ? "broke" : "appeared", cause, "not a cause", where(cause));
    else if (was.region !== cause.region) add("changed", cause, where(was), where(cause));
  }
  for (const [key, cause] of before) {
    if (!after.has(key)) add(judged(now, cause) ? "fixed" : "vanished", cause, where(cause), "not a cause");
  }
  return changes;
}

function differences(old, now) {
  const changes = [];
  const isSameSuite = ["suite", "seed", "profile", "tier", "selection"].every((field) => old.header[field] === now.header[field]);
  for (const [name, after] of Object.entries(now.footer?.verdicts ?? {})) {
    const before = Object.hasOwn(old.footer?.verdicts ?? {}, name) ? old.footer.verdicts[name] : null;
    if (!before) continue;
    changes.push(...coverageChange(name, before, after, isSameSuite), ...strictnessChange(name, before, after));
    for (const [order, field] of [[["conformant", "complete", "partial", "unjudged", "wrong"], "verdict"], [["A", "B", "C", "F", ""], "grade"]]) {
      if (before[field] === after[field]) continue;
      const [a, b] = [order.indexOf(before[field]), order.indexOf(after[field])];
      if (a < 0 || b < 0) continue;
      const kind = after[field] === "" ? "changed" : b > a ? "broke" : "fixed";
      changes.push({ kind, what: name, was: before[field] || "ungraded", now: after[field] || "ungraded" });
    }
  }
  changes.push(...causeChanges(old, now));
  const specs = ["implementation", "spec", "dtype", "device"];
  const [before, after] = [indexed(old, "spec", specs), indexed(now, "spec", specs)];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key)?.status, after.get(key)?.status];
    if (was === is) continue;
    const kind = is === undefined ? "vanished" : was === undefined ? "appeared" : kindOf(was, is);
    changes.push({ kind, what: JSON.parse(key).filter(Boolean).join(" "), was: was ?? "not in the old run", now: is ?? "not in the new run" });
  }
  const timed = ["implementation", "problem", "layers", "threads", "operands", "baseline"];
  const [slow, fast] = [indexed(old, "timing", timed), indexed(now, "timing", timed)];
  for (const [key, b] of fast) {
    const a = slow.get(key);
    if (!a || [a.low, a.high, b.low, b.high].some((value) => value == null)) continue;
    const slack = 1 + Math.max(a.noise ?? 0, b.noise ?? 0);
    const kind = b.low > a.high * slack ? "slower" : b.high * slack < a.low ? "faster" : "";
    if (kind) changes.push({ kind, what: `${b.implementation} on ${b.layer || b.problem} (÷ ${b.baseline})`, was: `${a.ratio?.toPrecision(3)}×`, now: `${b.ratio?.toPrecision(3)}×` });
  }
  const common = [...after.keys()].some((key) => before.has(key)) || [...fast.keys()].some((key) => slow.has(key));
  return { changes, common };
}

function element(name, text, ...children) {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  node.append(...children);
  return node;
}

function show(old, now) {
  const output = document.querySelector("#changes");
  const { changes, common } = differences(old, now);
  const parts = [];
  for (const run of [old, now]) {
    if (!run.footer) parts.push(element("p", `${run.name} is incomplete: what it lacks is shown as vanished or appeared.`));
  }
  if (!common) parts.push(element("p", "Nothing in common: no result is in both runs."));
  else if (!changes.length) parts.push(element("p", "No change."));
  for (const part of parts) part.className = "notice";
  for (const [kind, heading] of Object.entries(KINDS)) {
    const these = changes.filter((change) => change.kind === kind);
    if (!these.length) continue;
    const rows = these.map((change) => element("tr", "", element("th", change.what), element("td", change.was), element("td", change.now)));
    for (const row of rows) row.firstChild.scope = "row";
    const heads = ["What", "Was", "Is"].map((text) => { const node = element("th", text); node.scope = "col"; return node; });
    const box = element("div", "", element("table", "", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...rows)));
    box.className = "scroll";
    box.tabIndex = 0;
    box.role = "region";
    box.ariaLabel = heading;
    parts.push(element("h2", `${heading} (${these.length.toLocaleString("en")})`), box);
  }
  output.replaceChildren(...parts);
}

const chosen = { old: null, new: null };

async function take(which, file) {
  const output = document.querySelector("#changes");
  try { chosen[which] = await readRun(file); } catch (error) {
    chosen[which] = null;
    const note = element("p", error.message);
    note.className = "notice warn";
    output.replaceChildren(note);
    return;
  }
  const { header, footer } = chosen[which];
  document.querySelector(`#${which}-name`).textContent = `${file.name}, ${header.started || "undated"}${footer ? "" : ", incomplete"}`;
  if (chosen.old && chosen.new) show(chosen.old, chosen.new);
}

for (const which of ["old", "new"]) {
  document.querySelector(`#${which}`).addEventListener("change", (event) => { if (event.target.files[0]) take(which, event.target.files[0]); });
}
const drop = document.querySelector("#drop");
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.toggle("over", name === "dragover"); });
}
drop.addEventListener("drop", async (event) => {
  const files = [...event.dataTransfer.files].slice(0, 2);
  if (files.length === 1) { await take(chosen.old ? "new" : "old", files[0]); return; }
  if (files.length < 2) return;
  await take("old", files[0]);
  await take("new", files[1]);
  if (chosen.old && chosen.new && chosen.old.header.started > chosen.new.header.started) {
    await take("old", files[1]);
    await take("new", files[0]);
  }
});
