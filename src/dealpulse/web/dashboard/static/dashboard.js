// What a page does beyond being read. Everything here is a convenience: each page works without it.

const QUIET_MS = 400; // several events are one look
const LONGEST_MS = 10_000; // ages grow without an event

// --- live: whatever carries data-live is replaced by how the same page would look now -------------------------------

let looking = null;
let again = false;

async function look() {
  if (document.hidden) return;
  if (looking) { again = true; return; }
  looking = replaced().catch(() => told(false)).finally(() => {
    looking = null;
    if (again) { again = false; look(); }
  });
  await looking;
}

async function replaced() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "manual" });
  if (answer.type === "opaqueredirect") { location.reload(); return; }
  if (!answer.ok && answer.status !== 404) { told(false); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (now && now.innerHTML !== old.innerHTML && !inUse(old)) swap(old, now);
  }
  told(true);
}

// Nobody's half-typed number, opened detail or ticked box is taken away.
function inUse(region) {
  const at = document.activeElement;
  return region.contains(at) && at.matches("input:not([type=checkbox]), select, textarea");
}

function swap(old, now) {
  const ticked = new Set([...old.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value));
  const open = [...old.querySelectorAll("details")].map((detail) => detail.open);
  const focus = old.contains(document.activeElement) ? path(document.activeElement, old) : null;
  old.innerHTML = now.innerHTML;
  for (const box of old.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
  old.querySelectorAll("details").forEach((detail, index) => { if (index < open.length) detail.open = open[index]; });
  if (focus) follow(focus, old)?.focus();
  counted();
}

function path(element, top) {
  const steps = [];
  for (let at = element; at !== top; at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
  return steps;
}

function follow(steps, top) {
  return steps.reduce((at, step) => at?.children[step], top);
}

function told(fresh) {
  const sign = document.getElementById("live");
  sign.hidden = false;
  sign.classList.toggle("off", !fresh);
  sign.textContent = fresh ? "live" : "not reached";
}

const kinds = ["enqueued", "started", "progress", "changed", "retried", "handed_back", "crashed", "completed", "failed",
  "cancelled", "discarded", "paused", "resumed", "missed"];
let stream = null;
let soon = null;

function listen() {
  if (stream || !document.querySelector("[data-live]")) return;
  stream = new EventSource("/live");
  const heard = () => { soon ??= setTimeout(() => { soon = null; look(); }, QUIET_MS); };
  stream.onopen = () => told(true);
  stream.onerror = () => told(false);
  stream.onmessage = heard;
  for (const kind of kinds) {
    stream.addEventListener(kind, heard);
  }
}

function rest() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { rest(); return; }
  listen();
  look();
});
addEventListener("pagehide", rest);
addEventListener("pageshow", () => { if (!document.hidden) listen(); });
setInterval(look, LONGEST_MS);

// --- ticking many -----------------------------------------------------------------------------------------------------

function boxes() {
  return [...document.querySelectorAll("input[name=id][type=checkbox]")];
}

function counted() {
  const sign = document.querySelector("[data-ticked]");
  if (!sign) return;
  const number = boxes().filter((box) => box.checked).length;
  sign.textContent = number ? `${number} ticked` : "";
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("input[type=checkbox]")) counted();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// --- suggestions ------------------------------------------------------------------------------------------------------

const field = document.querySelector("[data-suggest]");
let suggested = [];
let typing = null;

field?.addEventListener("input", () => {
  const chosen = suggested.find((one) => one.label === field.value);
  if (chosen) { location.assign(chosen.address); return; }
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const answer = await fetch(`/suggest?${new URLSearchParams({ text: field.value })}`);
    suggested = answer.ok ? await answer.json() : [];
    document.getElementById("suggestions").replaceChildren(...suggested.map((one) => new Option(one.label, one.label)));
  }, 150);
});

// --- theme ------------------------------------------------------------------------------------------------------------

const root = document.documentElement;
const themes = ["auto", "light", "dark"];
const button = document.getElementById("theme");

function wear(theme) {
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  button.textContent = `Theme: ${theme}`;
}

let theme = localStorage.getItem("theme") ?? "auto";
if (!themes.includes(theme)) theme = "auto";
button.hidden = false;
button.addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  localStorage.setItem("theme", theme);
  wear(theme);
});
wear(theme);

// --- keys -------------------------------------------------------------------------------------------------------------

const places = { o: "/", j: "/jobs", d: "/dead", c: "/charts", s: "/sources", w: "/workers" };
let going = 0;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  if (event.key === "?") document.getElementById("keys").showModal();
  else if (event.key === "/") { event.preventDefault(); if (field) field.focus(); else location.assign("/jobs"); }
  else if (event.key === "r") look();
  else if (event.key === "g") going = Date.now();
  else if (Date.now() - going < 1500 && places[event.key]) location.assign(places[event.key]);
});

listen();
