"use strict";

// Everything that comes from elsewhere is put into the page as text, never as markup.

const REFRESH_MS = 2000;
const OUTCOMES = { completed: "good", failed: "bad", bpmn_error: "warn", abandoned: "warn", active: "warn", terminated: "bad" };

const byId = (id) => document.getElementById(id);

function button(title, path) {
  const element = document.createElement("button");
  element.textContent = title;
  element.addEventListener("click", async () => {
    element.disabled = true;
    const answer = await fetch(path, { method: "POST" });
    if (!answer.ok) show("refused", "bad", [await answer.text()]);
    else await refresh();
  });
  return element;
}

function cell(value, kind) {
  const td = document.createElement("td");
  if (kind === "pill") {
    const span = document.createElement("span");
    span.className = "pill " + (OUTCOMES[value] || "");
    span.textContent = value.replace("_", " ");
    td.append(span);
  } else if (kind === "action") {
    if (value) td.append(button(...value));
  } else if (kind === "file") {
    const link = document.createElement("a");
    link.href = value.path;
    link.download = link.textContent = value.name;
    td.append(link);
  } else {
    td.textContent = value;
    if (kind) td.className = kind;
  }
  return td;
}

function fill(id, columns, rows, emptyText) {
  byId(id + "-count").textContent = rows.length ? String(rows.length) : "";
  const table = byId(id);
  if (!rows.length) {
    const td = cell(emptyText, "empty");
    const tr = document.createElement("tr");
    tr.append(td);
    table.replaceChildren(tr);
    return;
  }
  const head = document.createElement("tr");
  for (const [title] of columns) {
    const th = document.createElement("th");
    th.textContent = title;
    head.append(th);
  }
  const lines = rows.map((row) => {
    const tr = document.createElement("tr");
    for (const [, value, kind] of columns) tr.append(cell(value(row), kind));
    return tr;
  });
  table.replaceChildren(head, ...lines);
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const duration = (seconds) => (seconds < 1 ? Math.round(seconds * 1000) + " ms" : seconds.toFixed(1) + " s");

function subscription(connector) {
  if (!connector.enabled) return "off: " + connector.disabled_because;
  const s = connector.subscription;
  if (!s) return "";
  return s.mode + (s.ready ? "" : ", not reached") + (s.last_error ? ": " + s.last_error : "");
}

function pausing(connector) {
  if (!connector.subscription) return null;
  const verb = connector.subscription.mode === "paused" ? "resume" : "pause";
  return [verb, "/api/connectors/" + encodeURIComponent(connector.plugin) + "/" + verb];
}

const CONNECTORS = [
  ["Job type", (c) => c.type || "–", "key"],
  ["Name", (c) => c.name],
  ["From", (c) => c.origin],
  ["Jobs", (c) => (c.subscription ? c.subscription.active + " of " + c.subscription.max_active : "–"), "number"],
  ["Gets jobs by", subscription, "text"],
  ["", pausing, "action"],
];
const JOB = [
  ["Process", (j) => j.process_id],
  ["Element", (j) => j.element_id],
  ["Connector", (j) => j.connector],
  ["Job", (j) => j.job_key, "key"],
  ["Retries", (j) => String(j.retries), "number"],
  ["Began", (j) => clock(j.started_at), "number"],
  ["Took", (j) => duration(j.duration_seconds), "number"],
];
const RUNNING = [["", (j) => j.state, "pill"], ...JOB];
const RECENT = [["", (j) => j.outcome, "pill"], ...JOB, ["Message", (j) => j.message, "text"]];
const INCIDENTS = [
  ["Type", (i) => i.type, "key"],
  ["Process", (i) => i.process_id],
  ["Element", (i) => i.element_id],
  ["Instance", (i) => i.process_instance_key, "key"],
  ["Since", (i) => clock(i.created_at), "number"],
  ["Message", (i) => i.message, "text"],
  ["", (i) => ["resolve", "/api/incidents/" + encodeURIComponent(i.key) + "/resolve"], "action"],
];
const INSTANCES = [
  ["", (i) => i.state, "pill"],
  ["Process", (i) => i.process_id],
  ["Instance", (i) => i.key, "key"],
  ["Began", (i) => clock(i.started_at), "number"],
  ["Took", (i) => (i.ended_at ? duration(i.ended_at - i.started_at) : "–"), "number"],
  ["", (i) => i.detail, "text"],
];

const TEMPLATES = [
  ["Template", (t) => t.name],
  ["Version", (t) => String(t.version), "number"],
  ["Job type", (t) => t.job_type, "key"],
  ["", (t) => (t.served ? "" : "not served here: " + t.not_served_because), "warn"],
  ["What it does", (t) => t.description, "text"],
  ["File", (t) => ({ name: t.file, path: "/api/templates/" + encodeURIComponent(t.id) }), "file"],
];

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok && answer.status !== 503) throw new Error(path + " answered " + answer.status);
  return answer.json();
}

function show(state, kind, reasons) {
  byId("state").textContent = state;
  byId("state").className = "pill " + kind;
  byId("reasons").hidden = !reasons.length;
  byId("reasons").textContent = reasons.join("\n");
}

async function refresh() {
  const [info, health, connectors, running, recent] = await Promise.all(
    ["/api/info", "/health/ready", "/api/connectors", "/api/jobs", "/api/jobs/recent?limit=50"].map(get),
  );
  show(info.draining ? "draining" : health.status === "up" ? "ready" : "not ready", health.status === "up" ? "good" : "bad", health.reasons);
  byId("info").textContent = info.version + " · gateway " + info.gateway_address;
  fill("connectors", CONNECTORS, connectors, "No connector is installed.");
  fill("running", RUNNING, running, "No job is running.");
  fill("recent", RECENT, recent, "No job has ended yet.");
  await showTemplates(info.token_needed);
  for (const id of ["incidents", "instances"]) byId(id + "-section").hidden = !info.embedded_engine;
  if (info.embedded_engine) {
    const [incidents, instances] = await Promise.all([get("/api/incidents"), get("/api/instances?limit=50")]);
    fill("incidents", INCIDENTS, incidents, "No incident is open.");
    fill("instances", INSTANCES, instances, "No instance has been started.");
  }
}

// Templates change with an installation only: once is enough.
let templatesShown = false;

async function showTemplates(tokenNeeded) {
  if (templatesShown) return;
  fill("templates", TEMPLATES, await get("/api/templates"), "No connector has a template.");
  const token = tokenNeeded ? '-H "Authorization: Bearer $COUPLER_ADMIN__TOKEN" ' : "";
  byId("templates-line").value =
    "curl -fsS --create-dirs -o .camunda/element-templates/coupler.json " + token + location.origin + "/api/templates/all";
  templatesShown = true;
}

byId("templates-copy").addEventListener("click", async () => {
  const line = byId("templates-line");
  line.select(); // what is left where the browser lends no clipboard: without TLS, away from localhost
  await navigator.clipboard?.writeText(line.value);
});

async function run() {
  try {
    await refresh();
  } catch (error) {
    show("away", "bad", ["The runtime does not answer: " + error.message]);
  }
  setTimeout(run, REFRESH_MS);
}

run();
