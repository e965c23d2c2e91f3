// The pages work without this file. With it they refresh in place, follow the reader's clock and answer a few keys.
"use strict";

const BUSY = 5000, CALM = 60000; // ms between two looks at an open page
const notice = document.getElementById("connection");
let tag = ""; // ETag of what is shown
let cost = 0; // ms that the last answer took: a page that is costly to make is asked for less often
let since = null; // when the server was last heard of, while it is away

/** Times come in the server's zone; the reader's own is kinder. */
function localise(root) {
  for (const mark of root.querySelectorAll("time[datetime]")) {
    const when = new Date(mark.dateTime);
    if (Number.isNaN(when.getTime())) continue;
    mark.title = when.toLocaleString();
    if (mark.dataset.clock) mark.textContent = clock(when);
  }
}

function clock(when) {
  const today = when.toDateString() === new Date().toDateString();
  const time = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return today ? time : `${when.toLocaleDateString()} ${time}`;
}

/** Nodes that stay: the same element, and the same id or key where there is one. */
function fits(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && key(old) === key(fresh);
}

function key(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

/** Change only what differs, so that focus, selection and open details stay where they are. */
function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  if (old.matches("input, textarea, select")) return; // what a person typed or ticked is theirs
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  let here = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    let match = here;
    while (match && !fits(match, next)) match = key(next) || key(match) ? match.nextSibling : null;
    if (!match) {
      old.insertBefore(next, here);
      continue;
    }
    while (here !== match) {
      const gone = here;
      here = here.nextSibling;
      gone.remove();
    }
    morph(match, next);
    here = match.nextSibling;
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    gone.remove();
  }
}

function say(words) {
  if (notice && notice.textContent !== words) notice.textContent = words;
  document.body.classList.toggle("stale", words !== "");
}

/** One look at the server. False: stop looking. */
async function refresh() {
  const began = performance.now();
  const headers = { Accept: "text/html" };
  if (tag) headers["If-None-Match"] = tag;
  try {
    const answer = await fetch(location.href, { headers, redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      say("You are logged out. Load this page again to log in.");
      return false;
    }
    since = null;
    if (answer.status === 200) {
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      tag = answer.headers.get("ETag") || "";
    }
    say(answer.ok || answer.status === 304 ? "" : "This page cannot be shown just now; it is tried again.");
  } catch {
    since = since || new Date();
    say(`Not connected since ${clock(since)}: what you see is from then.`);
  }
  cost = performance.now() - began;
  return true;
}

function show(page) {
  for (const id of ["frame", "banners", "live"]) {
    const old = document.getElementById(id), fresh = page.getElementById(id);
    if (id === "live" && old && !fresh) location.reload(); // what was waited for has ended: the page no longer changes
    if (!old || !fresh) continue;
    localise(fresh);
    morph(old, fresh);
  }
  document.title = page.title;
}

function keepFresh() {
  const live = document.getElementById("live");
  if (!live) return;
  const wait = live.dataset.busy ? BUSY : CALM;
  setTimeout(async () => {
    if (document.hidden || window.getSelection().toString() !== "" || await refresh()) keepFresh();
  }, Math.max(wait, cost * 20));
}

/** Whether a key is no command: part of a text or a browser's shortcut, or held down (an answer is given once). */
function typing(event) {
  return event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea");
}

/** `/` leads to the search; a button or link with data-shortcut is pressed by its key. */
document.addEventListener("keydown", (event) => {
  if (typing(event)) return;
  if (event.key === "/") {
    document.getElementById("find")?.focus();
    event.preventDefault();
    return;
  }
  const target = document.querySelector(`[data-shortcut="${CSS.escape(event.key.toLowerCase())}"]`);
  if (target) {
    event.preventDefault();
    target.click();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
  if (event.target.matches("[data-all]")) {
    for (const box of document.querySelectorAll(event.target.dataset.all)) box.checked = event.target.checked;
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.account[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && document.getElementById("live")) refresh();
});

localise(document);
keepFresh();
