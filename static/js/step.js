// A step of an application, for people with scripts: saves while somebody writes, says honestly
// what is saved, and shows the sums of the plan as the server adds them up. Whatever fails here,
// the buttons of the form still work.
//
// <form data-autosave="address" [data-unsaved]>, <… data-plan="address"> for the sums.

const QUIET = 4000; // after so much quiet what is being typed is saved
const SOON = 300; // after leaving a field
const AGAIN = [10000, 20000, 40000]; // when there was no answer
const SUMS = 350;
const OTHER = ["csrfmiddlewaretoken", "basis", "eigene", "siegel", "aktion", "partner", "suche"];

function start(form) {
  const bar = form.querySelector("[data-save-state]");
  const open = bar.querySelector("[data-save-open]");
  const said = bar.querySelector("[data-save-said]");
  const ways = bar.querySelector("[data-save-ways]");
  const settle = bar.querySelector("[data-save-settle]");
  const reload = bar.querySelector("[data-save-reload]");
  const visited = new Set();
  let saved = "unsaved" in form.dataset ? null : content();
  let busy = false;
  let timer;
  let tries = 0;
  let faults = 0;
  let disputed = false;
  let stopped = false;
  let leaving = false;

  function content() {
    const data = new FormData(form);
    // These are no content of the step: nothing of them is saved.
    for (const name of OTHER) {
      data.delete(name);
    }
    return JSON.stringify([...data]);
  }

  const isChanged = () => saved !== content();
  const isUnsaved = () => isChanged() || faults > 0 || disputed;

  function say(text, { unsaved = false, button = "", again = false } = {}) {
    bar.hidden = false;
    bar.classList.toggle("save-state--warning", Boolean(button) || again || unsaved);
    if (said.textContent !== text) {
      said.textContent = text;
    }
    settle.hidden = !button;
    settle.querySelector(".kern-label").textContent = button;
    reload.hidden = !again;
    ways.hidden = settle.hidden && reload.hidden;
    show();
  }

  function show() {
    const changed = isChanged();
    open.hidden = !changed || stopped;
    said.classList.toggle("save-state__said--old", changed && !stopped);
    if (changed) {
      bar.hidden = false;
    }
  }

  function later(wait) {
    clearTimeout(timer);
    if (!stopped) {
      timer = setTimeout(save, wait);
    }
  }

  async function save() {
    // What was put back after the session was over is saved by the person, not by itself.
    if (busy || stopped || leaving || "hold" in form.dataset) {
      return;
    }
    const sent = content();
    if (sent === saved) {
      return;
    }
    busy = true;
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        body: new FormData(form),
        redirect: "manual",
        headers: { Accept: "application/json" },
      });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        stop(
          "Speichern nicht möglich: Ihre Anmeldung ist beendet. Ihre Eingaben bleiben auf dieser Seite; bitte melden Sie sich neu an.",
          "Neu anmelden, Eingaben mitnehmen",
        );
      } else if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
        take(await answer.json(), sent);
      } else {
        fail("Das Portal antwortet gerade nicht richtig.");
      }
    } catch {
      fail("Das Portal ist gerade nicht erreichbar.");
    }
    busy = false;
    if (!stopped && !tries && isChanged()) {
      later(QUIET);
    }
  }

  function stop(text, button) {
    stopped = true;
    say(text, { button });
  }

  function fail(reason) {
    const wait = AGAIN[Math.min(tries, AGAIN.length - 1)];
    tries += 1;
    say(
      `Speichern nicht möglich. ${reason} Ihre Eingaben bleiben auf dieser Seite; bitte lassen Sie sie offen. Es wird von selbst wieder versucht.`,
      { unsaved: true },
    );
    later(wait);
  }

  function take(data, sent) {
    tries = 0;
    if (data.state === "closed") {
      stop(data.status, "Eingaben ansehen");
      return;
    }
    form.elements.basis.value = data.basis;
    form.elements.eigene.value = data.eigene;
    saved = sent;
    faults = data.errors.length;
    disputed = data.state === "conflict";
    mark(data.errors);
    const findings = document.querySelector("[data-findings]");
    if (findings && data.findings !== undefined) {
      findings.innerHTML = data.findings;
    }
    const old = (marks) => (findings ? [] : document.querySelectorAll(marks));
    // Where it comes with the sums or not at all, it belongs to the state at the opening now.
    for (const heading of old("[data-then]")) {
      heading.textContent = heading.dataset.then;
    }
    for (const line of old("[data-then-gone]")) {
      line.hidden = true;
    }
    for (const note of form.querySelectorAll(".rows__note")) {
      note.textContent = "Die Zeile ist entfernt.";
    }
    say([data.status, data.others].filter(Boolean).join(". "), {
      unsaved: faults > 0,
      button: disputed ? "Beide Fassungen ansehen" : "",
      again: Boolean(data.others) && !disputed,
    });
  }

  // --- Errors beside their field ---------------------------------------------------------------

  function mark(errors) {
    const byField = Map.groupBy
      ? Map.groupBy(errors, (error) => error.id)
      : errors.reduce((map, e) => map.set(e.id, [...(map.get(e.id) ?? []), e]), new Map());
    for (const place of form.querySelectorAll("[id^=div_id_]")) {
      const id = place.id.slice("div_".length);
      const messages = (byField.get(id) ?? []).map((error) => error.message);
      const inputs = place.querySelectorAll("input, select, textarea");
      const isHere = place.contains(document.activeElement);
      if (messages.length && (!visited.has(id) || isHere) && !place.querySelector(".kern-error")) {
        continue; // nobody is told of an error while still typing
      }
      place.querySelector(".kern-error")?.remove();
      const kind = ["kern-form-input", "kern-form-check", "kern-fieldset"].find((name) =>
        place.classList.contains(name),
      );
      if (kind) {
        place.classList.toggle(`${kind}--error`, messages.length > 0);
      }
      for (const input of inputs) {
        const others = (input.getAttribute("aria-describedby") ?? "")
          .split(" ")
          .filter((name) => name && name !== `${id}_error`);
        const described = messages.length ? [...others, `${id}_error`] : others;
        input.classList.toggle(
          "kern-form-input__input--error",
          messages.length > 0 && input.classList.contains("kern-form-input__input"),
        );
        if (described.length) {
          input.setAttribute("aria-describedby", described.join(" "));
        } else {
          input.removeAttribute("aria-describedby");
        }
        if (messages.length) {
          input.setAttribute("aria-invalid", "true");
        } else {
          input.removeAttribute("aria-invalid");
        }
      }
      if (messages.length) {
        place.append(error(id, messages));
      }
    }
  }

  function error(id, messages) {
    const box = document.createElement("div");
    const icon = document.createElement("span");
    const body = document.createElement("div");
    box.className = "kern-error";
    box.id = `${id}_error`;
    icon.className = "kern-icon kern-icon--danger";
    icon.setAttribute("aria-hidden", "true");
    body.className = "kern-body";
    for (const message of messages) {
      const line = document.createElement("span");
      const word = document.createElement("span");
      line.className = "form__error";
      word.className = "kern-sr-only";
      word.textContent = "Fehler: ";
      line.append(word, message);
      body.append(line);
    }
    box.append(icon, body);
    return box;
  }

  function visit(event) {
    const place = event.target.closest("[id^=div_id_]");
    if (place) {
      visited.add(place.id.slice("div_".length));
    }
  }

  form.addEventListener("input", () => {
    show();
    later(QUIET);
  });
  form.addEventListener("change", (event) => {
    visit(event);
    show();
    later(SOON);
  });
  form.addEventListener("focusout", (event) => {
    visit(event);
    if (isChanged()) {
      later(SOON);
    }
  });
  form.addEventListener("submit", () => {
    leaving = true;
    clearTimeout(timer);
  });
  reload.addEventListener("click", () => {
    leaving = !isChanged();
  });
  addEventListener("beforeunload", (event) => {
    if (!leaving && isUnsaved()) {
      event.preventDefault();
    }
  });
  // A link of this page waits until what was just typed is saved.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href]");
    const elsewhere =
      link && link.origin === location.origin && link.pathname !== location.pathname;
    if (!elsewhere || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey) {
      return;
    }
    if (event.shiftKey || event.altKey || link.target || !isChanged() || stopped || tries) {
      return;
    }
    event.preventDefault();
    await save();
    if (!isUnsaved()) {
      location.assign(link.href);
    }
  });
  for (const label of document.querySelectorAll("[data-saved-label]")) {
    label.textContent = label.dataset.savedLabel;
  }
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pageshow", (event) => {
    leaving = false;
    // Come back with the browser's button, a page may hold an old state under new values.
    if (event.persisted && isChanged()) {
      later(SOON);
    }
  });
  addEventListener("online", () => tries && later(SOON));
  show();
  return bar;
}

// --- Sums of the plan -----------------------------------------------------------------------------

function sums(form, place, bar) {
  const short = bar.querySelector("[data-save-plan]");
  let timer;
  let asked = 0;
  let shown = 0;
  let request;

  function tell() {
    const text = place.querySelector("[data-plan-short]")?.dataset.planShort ?? "";
    if (short.textContent !== text) {
      short.textContent = text;
    }
    bar.hidden = bar.hidden && !text;
  }

  async function ask() {
    request?.abort();
    request = new AbortController();
    asked += 1;
    const number = asked;
    try {
      const answer = await fetch(place.dataset.plan, {
        method: "POST",
        body: new FormData(form),
        redirect: "manual",
        signal: request.signal,
      });
      const html = answer.ok ? await answer.text() : "";
      // A late answer never takes the place of a newer one.
      if (html && number > shown) {
        shown = number;
        place.innerHTML = html;
        tell();
      }
    } catch {
      // Without an answer the sums stay as they were; saving says that there is no connection.
    }
  }

  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, () => {
      clearTimeout(timer);
      timer = setTimeout(ask, SUMS);
    });
  }
  tell();
}

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const bar = start(form);
  const place = document.querySelector("[data-plan]");
  if (place) {
    sums(form, place, bar);
  }
}

// --- Who is here ----------------------------------------------------------------------------------

const BEAT = 45000;

function stay(line) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  let submits = false;

  function body(more = {}) {
    const data = new FormData();
    for (const [name, value] of Object.entries({ csrfmiddlewaretoken: token, ...more })) {
      data.set(name, value);
    }
    return data;
  }

  async function beat() {
    if (document.visibilityState !== "visible") {
      return;
    }
    try {
      const answer = await fetch(line.dataset.presence, {
        method: "POST",
        body: body(),
        redirect: "manual",
      });
      const { text } = answer.ok ? await answer.json() : { text: line.textContent };
      if (line.textContent !== text) {
        line.textContent = text;
      }
    } catch {
      // A courtesy: without an answer the line stays as it is.
    }
  }

  setTimeout(beat, 2000);
  setInterval(beat, BEAT);
  document.addEventListener("visibilitychange", beat);
  document.addEventListener("submit", () => {
    submits = true;
  });
  addEventListener("pagehide", () => {
    if (!submits) {
      navigator.sendBeacon(line.dataset.presence, body({ weg: "1" }));
    }
  });
  addEventListener("pageshow", (event) => event.persisted && beat());
}

document.querySelectorAll("[data-presence]").forEach(stay);
