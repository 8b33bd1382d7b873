// Makes the chat page smoother: forms are sent and pages come without loading
// anew. Everything works without it too; when the stream of pages cannot be
// had, the browser's own way is taken again.
"use strict";

(() => {
  const root = document.getElementById("chat");
  const live = document.getElementById("live");
  const toast = document.getElementById("offline");
  const app = () => root.firstElementChild;
  let stream = null;
  let listening = false;
  let patience = 0;

  // ---- showing a page ----

  function show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const next = template.content.firstElementChild;
    const before = app();
    if (!next || next.dataset.mark === before.dataset.mark) return;
    const same = next.dataset.token === before.dataset.token;
    const active = document.activeElement;
    const focus = root.contains(active) && active.matches("input[name]") ? active : null;
    keep(before, next, same);
    const heard = before.querySelector("audio");
    const player = next.querySelector("audio");
    const goesOn = heard && player && heard.getAttribute("src") === player.getAttribute("src");
    const playing = goesOn && !heard.paused; // moving it stops it
    if (goesOn) player.replaceWith(heard);
    if (!same) next.classList.add("new");
    root.replaceChildren(next);
    if (playing) heard.play().catch(() => {}); // its button is there
    document.documentElement.lang = next.lang;
    document.title = next.dataset.title;
    toast.hidden = true;
    arrive(next, same, focus, heard ? null : player);
    follow();
  }

  // keep carries over what the person typed and did not send yet.
  function keep(before, next, same) {
    for (const field of before.querySelectorAll("input[name]:not([type=hidden])")) {
      const mayStay = same || field.name === "text" ||
        (before.dataset.page === next.dataset.page && "keep" in field.dataset);
      const twin = next.querySelector(`form.${field.form.className || "none"} input[name="${field.name}"]`) ||
        next.querySelector(`#page input[name="${field.name}"]`);
      if (mayStay && twin && field.type !== "checkbox" && !field.dataset.sent) twin.value = field.value;
    }
  }

  // arrive tells who does not see the page that it is new, and puts the cursor
  // where it is of use. A page that comes into a window that somebody is not in
  // takes no cursor away from another.
  function arrive(next, same, focus, player) {
    const notes = [...next.querySelectorAll(".note")].map((n) => n.textContent.trim()).join(" ");
    const lead = same ? "" : next.querySelector("#lead p")?.textContent || "";
    live.textContent = "";
    setTimeout(() => { live.textContent = `${notes} ${lead}`.trim(); }, 100);
    if (!same) window.scrollTo(0, 0);
    if (!document.hasFocus()) return;
    const field = player || next.querySelector("[aria-invalid=true]") ||
      (same && focus ? next.querySelector(`input[name="${focus.name}"]`) : null);
    if (field) {
      field.focus();
      if (same && focus && field.name === focus.name && field.type === "text" && focus.selectionStart !== null) {
        field.setSelectionRange(focus.selectionStart, focus.selectionEnd);
      }
      return;
    }
    next.querySelector("#heading")?.focus({ preventScroll: same });
  }

  // follow keeps the stream open as long as something can come.
  function follow() {
    const over = "over" in app().dataset;
    kiosk.page(over);
    if (over) {
      stream?.close();
      stream = null;
      listening = false;
    } else if (!stream) {
      listen();
    }
  }

  // ---- the stream of pages ----

  function listen() {
    const url = new URL(app().dataset.events, location.href);
    url.searchParams.set("after", app().dataset.mark);
    const mine = new EventSource(url);
    stream = mine;
    mine.addEventListener("open", () => {
      listening = true;
      patience = 0;
      toast.hidden = true;
    });
    mine.addEventListener("page", (event) => show(event.data));
    mine.addEventListener("left", (event) => {
      const left = document.getElementById("left");
      if (left && event.data) left.textContent = event.data;
    });
    mine.addEventListener("error", () => {
      listening = false;
      if (stream !== mine) return;
      patience += 1;
      if (patience > 2) say(app().dataset.offline);
      if (mine.readyState !== EventSource.CLOSED) return; // it tries again by itself
      stream = null;
      setTimeout(() => { if (!stream) listen(); }, Math.min(30000, 1000 * 2 ** patience));
    });
  }

  function say(text) {
    toast.textContent = text;
    toast.hidden = false;
  }

  // ---- sending ----

  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form, button));
    const page = app();
    if (page.getAttribute("aria-busy") === "true") return;
    page.setAttribute("aria-busy", "true");
    for (const field of form.querySelectorAll("input")) field.dataset.sent = "yes";
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!answer.ok) return refused(page, form, await answer.text());
      if (form.matches(".say")) form.reset();
      if (!listening) {
        if (stream || "over" in page.dataset) setTimeout(() => reload(page), 700);
        else reload(page);
      }
      setTimeout(() => reload(page), 4000); // nothing came: look oneself
    } catch {
      refused(page, form, page.dataset.offline);
    }
  }

  function refused(page, form, text) {
    page.removeAttribute("aria-busy");
    for (const field of form.querySelectorAll("input")) delete field.dataset.sent;
    say(text);
    setTimeout(() => { toast.hidden = true; }, 8000);
  }

  function reload(page) {
    if (app() === page && page.getAttribute("aria-busy") === "true") location.reload();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("#page, form.say")) return;
    event.preventDefault();
    if (form.matches(".say") && form.elements.text.value.trim() === "") return;
    send(form, event.submitter);
  });

  // A code is taken at its last digit.
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset.digits) return;
    if (field.value.replace(/\D/g, "").length >= +field.dataset.digits && !/[^\d\s]/.test(field.value)) {
      field.form.requestSubmit();
    }
  });

  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  follow();
})();
