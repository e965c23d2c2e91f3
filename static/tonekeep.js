// The pages work without this file. With it they refresh in place and show times in the reader's own zone.
"use strict";

const REFRESH_AFTER = 5000; // ms
let tookLast = 0;

/** Times come in the server's zone; the reader's own is kinder. */
function localise(root) {
  for (const mark of root.querySelectorAll("time[datetime]")) {
    const when = new Date(mark.dateTime);
    if (!Number.isNaN(when.getTime())) mark.title = when.toLocaleString();
  }
}

/** Somebody is typing, has opened a detail or stands on a button: do not pull the page from under them. */
function inUse(live) {
  const at = document.activeElement;
  return document.hidden || (at && live.contains(at) && at.matches("input, select, textarea, button, summary"))
    || live.querySelector("details[open]") !== null || window.getSelection().toString() !== "";
}

async function refresh(live) {
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (answer.ok && fresh && !inUse(live)) {
      live.replaceChildren(...fresh.childNodes);
      localise(live);
    }
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale"); // the server is away; the next round may find it again
  }
  tookLast = performance.now() - began;
}

function keepFresh() {
  const live = document.getElementById("live");
  if (!live) return;
  // A page that is costly to make (a million rows) is asked for less often.
  setTimeout(async () => {
    if (!inUse(live)) await refresh(live);
    keepFresh();
  }, Math.max(REFRESH_AFTER, tookLast * 20));
}

localise(document);
keepFresh();
