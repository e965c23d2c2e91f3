// Ten seconds of a recording without leaving the page. Without this file its link leads to where the recording is.
"use strict";

/** The player is made when somebody asks for it: before, nothing of the page speaks to another host. */
function listen(link) {
  const open = document.querySelector(".cands iframe");
  const isSame = open?.closest("li") === link.closest("li");
  open?.remove();
  if (isSame) return; // pressed once more: it falls silent
  const player = document.createElement("iframe");
  player.src = link.dataset.player;
  player.title = link.textContent.trim();
  player.allow = "autoplay; encrypted-media";
  player.referrerPolicy = "strict-origin"; // YouTube plays for nobody without it
  link.closest("li").append(player);
}

/** P goes from one recording to the next. */
function listenToNext() {
  const links = [...document.querySelectorAll("[data-listen]")];
  const open = document.querySelector(".cands iframe")?.closest("li");
  const at = links.findIndex((link) => link.closest("li") === open);
  const next = links[(at + 1) % links.length];
  if (next) listen(next);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-listen]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    listen(link);
  } else if (event.target.closest("[data-next-player]")) {
    listenToNext();
  }
});

const nextPlayer = document.querySelector("[data-next-player]");
if (nextPlayer && document.querySelector("[data-listen]")) nextPlayer.hidden = false;
