// A search field with suggestions: the ARIA combobox pattern (list autocomplete, nothing is
// selected by itself). Without this script the field is searched with its button.
//
// <div class="choose"><input data-choose="address" data-choose-as="parameter" …></div> in a form:
// a suggestion that is taken goes as `parameter` into the form, which is then sent.

const WAIT = 150;
const SHORTEST = 2;

function enhance(input) {
  const { choose: address, chooseAs: parameter } = input.dataset;
  const list = document.createElement("ul");
  const status = document.createElement("p");
  let timer;
  let request;
  let chosen;
  let active = -1;

  list.id = `${input.id}_liste`;
  list.className = "choose__list";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Vorschläge");
  status.className = "kern-sr-only";
  status.setAttribute("role", "status");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", list.id);
  input.after(list, status);

  function close() {
    clearTimeout(timer);
    request?.abort();
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function activate(index) {
    const options = list.children;
    active = (index + options.length) % options.length;
    for (const [position, option] of [...options].entries()) {
      option.setAttribute("aria-selected", String(position === active));
    }
    input.setAttribute("aria-activedescendant", options[active].id);
    options[active].scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    chosen = document.createElement("input");
    chosen.type = "hidden";
    chosen.name = parameter;
    chosen.value = option.dataset.ags;
    input.value = option.dataset.name;
    input.disabled = true; // so that the search itself is not sent
    input.form.append(chosen);
    input.form.action = input.form.action.split("#")[0]; // to the answer, not to the field
    close();
    input.form.submit();
  }

  function show({ results, more }) {
    const options = results.map(({ ags, name, note }, index) => {
      const option = document.createElement("li");
      const small = document.createElement("span");
      option.id = `${list.id}_${index}`;
      option.className = "choose__option";
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.ags = ags;
      option.dataset.name = name;
      small.className = "choose__note";
      small.textContent = note;
      option.append(name, " ", small);
      return option;
    });
    close();
    list.replaceChildren(...options);
    list.hidden = options.length === 0;
    input.setAttribute("aria-expanded", String(options.length > 0));
    if (options.length === 0) {
      status.textContent = "Kein Vorschlag";
    } else {
      const count = options.length === 1 ? "1 Vorschlag" : `${options.length} Vorschläge`;
      status.textContent = more ? `${count}, weitere bei längerer Eingabe` : count;
    }
  }

  async function ask() {
    const text = input.value.trim();
    if (text.length < SHORTEST) {
      close();
      status.textContent = "";
      return;
    }
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const answer = await fetch(`${address}?${new URLSearchParams({ q: text })}`, { signal });
      const data = answer.ok ? await answer.json() : null;
      if (data && !signal.aborted && document.activeElement === input) {
        show(data);
      }
    } catch (error) {
      if (error.name !== "AbortError") {
        close(); // no connection: the button still searches
      }
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) {
      return;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) {
        ask();
      } else if (event.key === "ArrowDown") {
        activate(active + 1);
      } else {
        activate(active < 0 ? -1 : active - 1);
      }
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      take(list.children[active]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  input.addEventListener("blur", close);
  // Without this the press would take the focus away before the click arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) {
      take(option);
    }
  });
  // Coming back with the browser's button, the form is as it was before.
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      chosen?.remove();
      input.disabled = false;
    }
  });
}

document.querySelectorAll("input[data-choose]").forEach(enhance);
