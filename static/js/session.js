// Warns before a session ends: <aside data-session data-idle-at data-ends-at> with a hidden notice
// and a form that begins the pause anew. Times are seconds; without this script the text says them.

const EARLY = 5 * 60;
const now = () => Math.floor(Date.now() / 1000);

for (const box of document.querySelectorAll("[data-session]")) {
  const notice = box.querySelector("[data-session-notice]");
  const text = box.querySelector("[data-session-text]");
  const form = box.querySelector("form");
  const drift = now() - Number(box.dataset.now); // this device's clock may be wrong
  let idleAt = Number(box.dataset.idleAt);
  let endsAt = Number(box.dataset.endsAt);

  function take(answer) {
    idleAt = answer.idle_at;
    endsAt = answer.ends_at;
  }

  async function look() {
    const left = Math.min(idleAt, endsAt) - (now() - drift);
    if (left > EARLY) {
      notice.hidden = true;
      setTimeout(look, Math.min(left - EARLY, 3600) * 1000);
      return;
    }
    if (left <= 0) {
      text.textContent =
        "Ihre Sitzung ist beendet. Was Sie auf dieser Seite eingegeben haben, geht nicht verloren: Wenn Sie speichern, melden Sie sich wieder an, und Ihre Eingaben stehen wieder im Formular.";
      form.hidden = true;
      notice.hidden = false;
      return;
    }
    if (notice.hidden) {
      try {
        // Something may have happened in another tab.
        const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
        if (answer.ok && !answer.redirected) {
          take(await answer.json());
          if (Math.min(idleAt, endsAt) - (now() - drift) > EARLY) {
            setTimeout(look, 1000);
            return;
          }
        }
      } catch {
        // No connection: warn all the same.
      }
      const last = endsAt <= idleAt;
      form.hidden = last;
      text.textContent = last
        ? "Ihre Sitzung endet in wenigen Minuten. Bitte speichern Sie jetzt und melden Sie sich danach neu an."
        : "Sie haben länger nichts eingegeben. Ihre Sitzung endet in wenigen Minuten.";
      notice.hidden = false;
    }
    setTimeout(look, Math.max(left, 1) * 1000);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
      if (answer.ok && !answer.redirected) {
        take(await answer.json());
        notice.hidden = true;
        setTimeout(look, 1000);
        return;
      }
    } catch {
      // Told below.
    }
    text.textContent = "Das hat nicht geklappt. Bitte speichern Sie Ihre Eingaben.";
  });

  look();
}
