// Helps with typing a new password: counts, warns, shows it for a moment. What
// is typed stays in its field until it is sent to where the form goes.
"use strict";

(() => {
  const live = document.getElementById("live");
  document.documentElement.classList.add("js");
  const shownFor = 10000;

  function make(tag, name, parent) {
    const element = document.createElement(tag);
    element.className = name;
    parent.append(element);
    return element;
  }

  function count(text) {
    return [...text.normalize("NFC")].length;
  }

  function start() {
    const form = document.getElementById("page");
    kiosk.page("over" in document.getElementById("entry").dataset);
    if (!form) return;
    const { password, confirm, current } = form.elements;
    const secret = [password, confirm, current].filter(Boolean);
    if (password) meter(form, password);
    if (password) rules(form, password, confirm);
    caps(form, secret);
    const hide = secret.length ? show(form, secret) : () => {};
    form.addEventListener("submit", (event) => {
      hide();
      if (password && !fit(form, password, confirm)) event.preventDefault();
      else form.querySelector(".primary").disabled = true;
    });
    if (!password) return; // a new one is typed elsewhere
    for (const field of [password, confirm]) {
      field.addEventListener("input", () => field.setCustomValidity(""));
    }
    confirm.addEventListener("change", () => {
      document.getElementById("blank").toggleAttribute("data-later", !blank(password.value));
    });
  }

  function blank(text) {
    return text !== text.trim();
  }

  // fit asks what can be asked before anything is sent: a page that was sent is
  // used up, and its word with it.
  function fit(form, password, confirm) {
    const least = +password.dataset.least;
    const box = document.getElementById("blank");
    const meant = box.querySelector("input");
    if (count(password.value) < least) {
      const counter = form.querySelector(".counter");
      counter.className = "counter short";
      live.textContent = counter.textContent;
      password.focus();
      return false;
    }
    if (password.value !== confirm.value) {
      confirm.setCustomValidity(form.dataset.twice);
      confirm.reportValidity();
      return false;
    }
    if (blank(password.value) && !meant.checked) {
      box.removeAttribute("data-later");
      meant.focus();
      return false;
    }
    return true;
  }

  function meter(form, password) {
    const row = make("div", "meter", password.parentElement);
    const bar = make("progress", "bar", row);
    const counter = make("span", "counter", row);
    counter.id = "counter";
    bar.max = +password.dataset.least;
    bar.setAttribute("aria-hidden", "true");
    password.setAttribute("aria-describedby", `${password.getAttribute("aria-describedby") || ""} counter`.trim());
    const update = () => {
      const n = count(password.value);
      bar.value = Math.min(n, bar.max);
      const say = n >= bar.max ? form.dataset.enough : form.dataset.counter;
      counter.textContent = say.replace("{n}", n).replace("{min}", bar.max);
      counter.className = n >= bar.max ? "counter enough" : "counter";
    };
    password.addEventListener("input", update);
    update();
  }

  // rules ticks every rule that what is typed keeps. The length, the ends and
  // whether both are the same are seen here; for the others the list of words is
  // where the form goes, and is asked there when the typing pauses.
  function rules(form, password, confirm) {
    const say = form.dataset;
    const least = +password.dataset.least;
    const list = make("ul", "rules", form);
    const later = make("p", "hint", form);
    later.textContent = say.ruleLater;
    later.hidden = true;
    document.getElementById("blank").after(list, later);
    let judged = { text: "", flaws: [] };
    const without = (...flaws) => () => password.value !== "" && judged.text === password.value &&
      !["long", ...flaws].some((flaw) => judged.flaws.includes(flaw));
    const rule = (text, kept) => {
      const row = make("li", "", list);
      row.textContent = text.replace("{min}", least);
      const done = make("span", "unseen", row);
      return { row, look: () => {
        const is = kept();
        row.className = is ? "kept" : "";
        done.textContent = is ? ` ${say.ruleDone}` : "";
      } };
    };
    const complexity = rule(say.ruleComplexity, without("complexity", "short"));
    complexity.row.hidden = true; // until a directory asks for it
    const all = [
      rule(say.ruleLength, () => count(password.value) >= least),
      rule(say.ruleCommon, without("common", "short")),
      rule(say.rulePersonal, without("personal")),
      rule(say.ruleBreached, without("breached", "exposed", "short")),
      rule(say.ruleCharacter, without("character")),
      complexity,
      rule(say.ruleEnds, () => password.value !== "" && !blank(password.value)),
      rule(say.ruleSame, () => password.value !== "" && password.value === confirm.value),
    ];
    const update = () => { for (const { look } of all) look(); };
    const ask = judge(form, password, (text, flaws) => {
      later.hidden = flaws !== null;
      if (flaws === null || !password.isConnected) return;
      judged = { text, flaws };
      if (flaws.includes("complexity")) complexity.row.hidden = false;
      update();
    });
    for (const field of [password, confirm]) field.addEventListener("input", update);
    password.addEventListener("input", ask);
    update();
  }

  const pause = 350;
  const padded = 4096;

  // judge gives what asks which rules are broken by what is typed, once the typing
  // pauses, and tells the answer, or null for none. All questions are of one
  // length, so that who watches the line does not see how long a password grows.
  function judge(form, password, tell) {
    let timer = 0;
    let asked = new AbortController();
    const ask = async () => {
      const text = password.value;
      asked = new AbortController();
      let body = new URLSearchParams({ password: text }).toString();
      body += `&pad=${"x".repeat(Math.max(0, padded - body.length))}`;
      try {
        const answer = await fetch(`${form.action}/rules`, {
          method: "POST", body, signal: asked.signal, headers: { "Content-Type": "application/x-www-form-urlencoded" },
        });
        if (!answer.ok) throw new Error();
        tell(text, (await answer.json()).flaws);
      } catch (error) {
        if (error.name !== "AbortError") tell(text, null);
      }
    };
    form.addEventListener("submit", () => { clearTimeout(timer); asked.abort(); });
    return () => {
      clearTimeout(timer);
      asked.abort();
      if (password.value) timer = setTimeout(ask, pause);
    };
  }

  function caps(form, fields) {
    for (const field of fields) {
      const row = field.parentElement.querySelector(".meter") || make("div", "meter", field.parentElement);
      const warning = make("span", "caps", row);
      const look = (event) => {
        if (!event.getModifierState) return;
        const on = event.getModifierState("CapsLock");
        if (on && !warning.textContent) live.textContent = form.dataset.caps;
        warning.textContent = on ? form.dataset.caps : "";
      };
      for (const kind of ["keydown", "keyup", "pointerdown"]) field.addEventListener(kind, look);
      field.addEventListener("blur", () => { warning.textContent = ""; });
    }
  }

  function show(form, fields) {
    const button = make("button", "quiet show", fields.at(-1).parentElement);
    button.type = "button";
    let timer = 0;
    const set = (visible) => {
      clearTimeout(timer);
      for (const field of fields) field.type = visible ? "text" : "password";
      button.textContent = visible ? form.dataset.hide : form.dataset.show;
      if (visible) timer = setTimeout(() => set(false), shownFor);
    };
    button.addEventListener("click", () => set(fields[0].type === "password"));
    document.addEventListener("visibilitychange", () => { if (document.hidden) set(false); });
    set(false);
    return () => set(false);
  }

  // While the change is under way the page looks for what came of it.
  async function follow() {
    const page = document.getElementById("entry");
    if (!("passing" in page.dataset)) return;
    await new Promise((wait) => { setTimeout(wait, 1200); });
    try {
      const answer = await fetch(location.href);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("entry");
      if (!next) return location.reload();
      if (next.dataset.mark !== page.dataset.mark) {
        next.classList.add("new");
        page.replaceWith(document.adoptNode(next));
        document.getElementById("heading").focus();
        live.textContent = document.getElementById("lead").textContent;
        start();
      }
    } catch {
      // out of reach for a moment: the next look tells
    }
    follow();
  }

  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  start();
  follow();
})();
