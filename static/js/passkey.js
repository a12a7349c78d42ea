// Passkeys: <form data-passkey="create|get" data-passkey-options="id of a JSON element"> with the
// field `credential`. The browser asks for the passkey, its answer goes into the form.

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

function decoded(options) {
  const ids = (list) => list?.map((entry) => ({ ...entry, id: toBytes(entry.id) }));
  const found = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) {
    found.user = { ...options.user, id: toBytes(options.user.id) };
    found.excludeCredentials = ids(options.excludeCredentials);
  }
  if (options.allowCredentials) {
    found.allowCredentials = ids(options.allowCredentials);
  }
  return found;
}

function encoded(credential) {
  const { response } = credential;
  const parts = [
    "clientDataJSON",
    "attestationObject",
    "authenticatorData",
    "signature",
    "userHandle",
  ];
  const answer = {};
  for (const part of parts) {
    if (response[part]) {
      answer[part] = toText(response[part]);
    }
  }
  if (response.getTransports) {
    answer.transports = response.getTransports();
  }
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: answer,
  };
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const error = form.querySelector("[data-passkey-error]");
    error.hidden = true;
    try {
      const { publicKey } = JSON.parse(
        document.getElementById(form.dataset.passkeyOptions).textContent,
      );
      const credential = await navigator.credentials[form.dataset.passkey]({
        publicKey: decoded(publicKey),
      });
      form.elements.credential.value = JSON.stringify(encoded(credential));
      form.submit();
    } catch {
      error.hidden = false;
    }
  });
}
