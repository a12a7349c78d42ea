// Several files, one after the other, each with its progress and what became of it. Without this
// script the form sends them all at once and the page says the same.
//
// <form data-upload="largest size in bytes"> with a file input, a list and a line to say it.

const LAPSED =
  "Nicht hochgeladen: Ihre Anmeldung ist beendet. Bitte melden Sie sich in einem neuen Fenster an und wählen Sie die Datei noch einmal aus.";
const AWAY = "Nicht hochgeladen: Das Portal ist gerade nicht erreichbar. Bitte versuchen Sie es noch einmal.";

function enhance(form) {
  const input = form.querySelector("input[type=file]");
  const list = form.querySelector("[data-upload-list]");
  const said = form.querySelector("[data-upload-said]");
  const button = form.querySelector("button[type=submit]");
  let busy = false;

  function row(file) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    const bar = document.createElement("progress");
    const state = document.createElement("span");
    name.className = "uploads__name";
    name.textContent = file.name;
    state.className = "uploads__state";
    state.textContent = "wartet";
    bar.max = 100;
    bar.value = 0;
    bar.setAttribute("aria-label", `Fortschritt: ${file.name}`);
    item.append(name, bar, state);
    list.append(item);
    return {
      step(share) {
        bar.value = share;
        state.textContent = share < 100 ? `${Math.floor(share)} %` : "wird geprüft …";
      },
      end(text, good) {
        bar.remove();
        state.textContent = text;
        item.className = good ? "uploads__good" : "uploads__bad";
      },
    };
  }

  function send(file, shown) {
    const data = new FormData(form);
    data.delete(input.name);
    data.append(input.name, file);
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) {
          shown.step((100 * event.loaded) / event.total);
        }
      });
      request.addEventListener("error", () => resolve({ text: AWAY }));
      request.addEventListener("load", () => resolve(answer(request, file)));
      request.send(data);
    });
  }

  function answer(request, file) {
    let data = null;
    try {
      data = JSON.parse(request.responseText);
    } catch {
      // The sign-in page, or an error page, instead of an answer.
    }
    if (data?.errors) {
      return { errors: data.errors };
    }
    if (data?.refused?.length) {
      return { text: `Nicht angenommen: ${data.refused[0].reason}` };
    }
    if (data?.known?.length) {
      return { text: "war schon hochgeladen", good: true };
    }
    if (data?.added?.length) {
      return { text: "hochgeladen", good: true };
    }
    if (request.status === 413) {
      return { text: `Nicht angenommen: „${file.name}“ ist zu groß.` };
    }
    return { text: request.status >= 500 ? AWAY : LAPSED };
  }

  async function renew() {
    try {
      const answer = await fetch(form.action, { redirect: "manual" });
      if (!answer.ok) {
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const place of ["[data-files]", "[data-files-findings]"]) {
        const fresh = page.querySelector(place);
        if (fresh) {
          document.querySelector(place).replaceChildren(...fresh.childNodes);
        }
      }
    } catch {
      // The list is there after the next reload.
    }
  }

  form.addEventListener("submit", async (event) => {
    const files = [...input.files];
    if (busy || files.length === 0) {
      if (busy) {
        event.preventDefault();
      }
      return; // the server says what is missing
    }
    event.preventDefault();
    busy = true;
    button.setAttribute("aria-disabled", "true");
    list.replaceChildren();
    list.hidden = false;
    const rows = files.map((file) => [file, row(file)]);
    let good = 0;
    for (const [file, shown] of rows) {
      if (file.size > Number(form.dataset.upload)) {
        const limit = Math.floor(Number(form.dataset.upload) / 1024 / 1024);
        shown.end(
          `Nicht angenommen: Die Datei ist größer als ${limit} MB. Bitte verkleinern oder teilen Sie sie.`,
          false,
        );
        continue;
      }
      const { text, good: kept, errors } = await send(file, shown);
      if (errors) {
        // A field besides the files is missing: the page with its messages says so.
        busy = false;
        form.submit();
        return;
      }
      shown.end(text, Boolean(kept));
      good += kept ? 1 : 0;
    }
    said.textContent = `${good} von ${files.length} ${files.length === 1 ? "Datei" : "Dateien"} hochgeladen.`;
    input.value = "";
    busy = false;
    button.removeAttribute("aria-disabled");
    if (good) {
      await renew();
    }
  });
  addEventListener("beforeunload", (event) => {
    if (busy) {
      event.preventDefault();
    }
  });
}

document.querySelectorAll("form[data-upload]").forEach(enhance);
