// Passkeys: asks the browser to make one, or to show one, and sends what it answers with the form around the button.
(() => {
  "use strict";

  if (!window.PublicKeyCredential) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function made(options) {
    const credential = await navigator.credentials.create({ publicKey: {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    } });
    const { clientDataJSON, attestationObject } = credential.response;
    return { response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) }, credential };
  }

  async function shown(options) {
    const credential = await navigator.credentials.get({ publicKey: {
      ...options, challenge: bytes(options.challenge), allowCredentials: known(options.allowCredentials),
    } });
    const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
    const response = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) };
    if (userHandle) response.userHandle = text(userHandle);
    return { response, credential };
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    const says = form.querySelector("[data-passkey-says]");
    form.addEventListener("submit", async (event) => {
      if (form.elements.answer.value) return;
      event.preventDefault();
      says.textContent = "";
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const answer = await fetch(form.dataset.passkey, { method: "POST", body: new URLSearchParams(new FormData(form)) });
        const asked = await answer.json();
        if (!answer.ok) throw new Error([asked.detail || asked.title, asked.hint].filter(Boolean).join(": "));
        const { response, credential } = form.dataset.passkeyNew === undefined ? await shown(asked.options) : await made(asked.options);
        form.elements.token.value = asked.token;
        form.elements.answer.value = JSON.stringify({
          id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
          clientExtensionResults: {}, authenticatorAttachment: credential.authenticatorAttachment,
        });
        if (form.elements.password) form.elements.password.value = "";
        form.submit();
      } catch (error) {
        says.textContent = error.name === "NotAllowedError" ? "The passkey was not shown, or it took too long." : error.name === "InvalidStateError" ? "This device has a passkey for you already." : error.message;
        button.disabled = false;
      }
    });
  }
})();
