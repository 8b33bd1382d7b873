// The made-up telephone: shows what comes in, and does what its owner does.
"use strict";

(() => {
  const { number, person, user } = document.body.dataset;
  const texts = JSON.parse(document.body.dataset.texts);
  const phone = `/demo/phone/${encodeURIComponent(number)}`;
  const at = (id) => document.getElementById(id);
  const read = { messages: 0, mail: 0 };
  let entries = [];
  let seen = "";
  let keys = "";
  let ringing = "";
  let asking = "";
  let looked = 0; // entries that were there when the telephone was last on the screen

  async function ask(path, body) {
    const answer = await fetch(path, body && {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    return answer.json();
  }

  // ---- what comes in ----

  async function look() {
    try {
      const found = await ask(phone);
      at("offline").hidden = true;
      const now = JSON.stringify(found);
      if (Array.isArray(found) && now !== seen) {
        seen = now;
        entries = found;
        draw();
      }
    } catch {
      at("offline").hidden = false;
    }
  }

  function draw() {
    list("messages", entries.filter((e) => e.kind !== "mail"));
    list("mail", entries.filter((e) => e.kind === "mail"));
    jump();
    ring(entries.findLast((e) => e.kind === "call" && e.state === "waiting"));
    notify(entries.findLast((e) => e.kind === "notification" && e.state === "waiting"));
  }

  function list(id, items) {
    const pane = at(id);
    if (items.length) pane.replaceChildren(...items.toReversed().map(item));
    if (!pane.hidden) read[id] = items.length;
    const fresh = items.length - read[id];
    const badge = at(`tab-${id}`).querySelector("b");
    badge.hidden = fresh <= 0;
    badge.textContent = fresh;
  }

  // jump tells on a small screen, where the telephone is further down, that
  // something came.
  function jump() {
    const badge = document.querySelector(".jump b");
    const box = at("phone").getBoundingClientRect();
    if (box.top < innerHeight / 2 && box.bottom > innerHeight / 2) looked = entries.length;
    badge.hidden = entries.length <= looked;
    badge.textContent = entries.length - looked;
  }
  addEventListener("scroll", jump, { passive: true });

  function item(entry) {
    const box = document.createElement("article");
    box.className = entry.state === "received" || entry.state === "waiting" ? "item" : "item over";
    const time = document.createElement("time");
    time.dateTime = entry.at;
    time.textContent = new Date(entry.at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    if (entry.kind === "call") time.textContent += ` · ${texts.call}`;
    if (entry.kind === "notification") time.textContent += ` · ${texts.push}`;
    if (entry.to) time.textContent += ` · ${entry.to}`;
    if (box.className !== "item") time.textContent += ` · ${texts.over}`;
    box.append(time);
    let text = entry.text;
    if (entry.kind === "mail" || entry.kind === "notification") {
      const [subject, ...rest] = text.split("\n");
      const title = document.createElement("b");
      title.textContent = subject;
      box.append(title);
      text = rest.join("\n").trim();
    }
    const spaced = entry.code ? `${entry.code.slice(0, 3)} ${entry.code.slice(3)}` : "";
    const [before, after] = spaced ? text.split(spaced) : [text];
    box.append(...linked(before));
    if (after !== undefined) {
      const code = document.createElement("strong");
      code.textContent = spaced;
      box.append(code, after);
    }
    return box;
  }

  // linked makes the links of this very program pressable, and shows of each no
  // more than tells what it is.
  function linked(text) {
    const start = `${location.origin}/n/`;
    const [before, ...rest] = text.split(start);
    const parts = [before];
    for (const piece of rest) {
      const [token] = piece.match(/^[\w-]*/);
      const link = document.createElement("a");
      link.href = start + token;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.textContent = `${location.host}/n/${token.slice(0, 6)}…`;
      parts.push(link, piece.slice(token.length));
    }
    return parts;
  }

  // ---- a call ----

  function ring(call) {
    const box = at("ring");
    const id = call?.id || "";
    if (id === ringing) return;
    ringing = id;
    keys = "";
    box.hidden = !call;
    box.querySelector(".typed").textContent = "";
    box.querySelector(".spoken").textContent = call?.text || "";
  }

  async function act(id, action) {
    try {
      await ask(`${phone}/${encodeURIComponent(id)}`, action);
    } catch {
      at("offline").hidden = false;
    }
    look();
  }

  at("ring").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !ringing) return;
    if (button.matches(".hangup")) return act(ringing, { hangup: true });
    keys += button.value;
    at("ring").querySelector(".typed").textContent = keys;
    act(ringing, { press: button.value });
  });

  document.addEventListener("keydown", (event) => {
    if (!ringing || event.target.matches("input, select") || !/^[0-9*#]$/.test(event.key)) return;
    at("ring").querySelector(`button[value="${event.key}"]`).click();
  });

  // ---- a notification ----

  function notify(notification) {
    const box = at("push");
    const id = notification?.id || "";
    if (id === asking) return;
    asking = id;
    box.hidden = !notification;
    box.reset();
    box.querySelector(".spoken").textContent = notification?.text || "";
  }

  at("push").addEventListener("submit", (event) => {
    event.preventDefault();
    act(asking, { approve: event.target.elements.number.value });
  });
  at("push").querySelector(".deny").addEventListener("click", () => act(asking, { deny: true }));

  // ---- the app ----

  async function app() {
    const pane = at("app");
    if (pane.hidden) return;
    let shown = null;
    try {
      const answer = await fetch(`/demo/app/${encodeURIComponent(person)}`);
      if (answer.ok) shown = await answer.json();
    } catch {
      return;
    }
    pane.querySelector(".none").hidden = !!shown;
    pane.querySelector(".totp").hidden = !shown;
    if (!shown) return;
    pane.querySelector("output").textContent = `${shown.code.slice(0, 3)} ${shown.code.slice(3)}`;
    pane.querySelector("progress").value = shown.left;
    pane.querySelector("small").textContent = texts.seconds.replace("{n}", shown.left);
  }

  at("scan").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = event.target.elements.key;
    const result = event.target.querySelector(".result");
    try {
      const { ok } = await ask(`/demo/app/${encodeURIComponent(person)}`, { key: field.value });
      result.textContent = ok ? "" : texts.no_key;
      if (ok) event.target.reset();
    } catch {
      at("offline").hidden = false;
    }
    app();
  });

  // ---- tabs ----

  const tabs = [...document.querySelectorAll("[role=tab]")];

  function open(tab, focus) {
    for (const t of tabs) {
      const chosen = t === tab;
      t.setAttribute("aria-selected", chosen);
      t.tabIndex = chosen ? 0 : -1;
      at(t.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (focus) tab.focus();
    draw();
    app();
  }

  for (const tab of tabs) {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) open(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length], true);
    });
  }

  // ---- the work station, the person ----

  at("signin").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = event.target.elements.password;
    const result = event.target.querySelector(".result");
    result.className = "result";
    result.textContent = "";
    try {
      const { ok } = await ask("/demo/signin", { user, password: field.value });
      result.textContent = ok ? texts.signed_in : texts.refused;
      result.className = ok ? "result yes" : "result no";
    } catch {
      result.textContent = texts.offline;
      result.className = "result no";
    }
    field.value = "";
  });

  // The chat takes up the language that the page is given.
  const chat = document.querySelector("iframe");
  at("swap").addEventListener("click", () => sessionStorage.setItem("swapped", "yes"));
  if (sessionStorage.getItem("swapped")) {
    sessionStorage.removeItem("swapped");
    const speak = () => {
      const app = chat.contentDocument.querySelector(".app");
      if (app && app.lang !== document.documentElement.lang) app.querySelector("button.language")?.click();
    };
    if (chat.contentDocument?.querySelector(".app") && chat.contentDocument.readyState === "complete") speak();
    else chat.addEventListener("load", speak, { once: true });
  }

  at("person").addEventListener("change", (event) => event.target.form.submit());

  function tick() {
    at("clock").textContent = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    if (document.hidden) return;
    look();
    app();
  }

  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  tick();
})();
