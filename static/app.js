// Keys, menus, theme, copying, clicks on rows. Every action is also a link, a form or a button of the page.
"use strict";

(() => {
  const say = (words) => { document.getElementById("announce").textContent = words; };
  const openMenus = () => [...document.querySelectorAll("details.menu[open]")];

  // A key follows the link or presses the button that bears it in data-key.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    const menus = openMenus();
    if (event.key === "Escape" && menus.length) {
      menus.forEach((menu) => { menu.open = false; });
      menus[0].querySelector("summary").focus();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (target) {
      event.preventDefault();
      target.click();
    }
  });

  document.addEventListener("click", (event) => {
    openMenus().filter((menu) => !menu.contains(event.target)).forEach((menu) => { menu.open = false; });
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
    const copier = event.target.closest("[data-copies]");
    if (copier) copy(copier);
    const row = event.target.closest("tbody tr");
    const link = row && row.querySelector("a.row");
    if (link && !event.target.closest("a") && !String(getSelection())) link.click();
  });

  async function copy(button) {
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      say("Copied");
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    } catch {
      // Without https a browser has no clipboard: select the words, so that one key copies them.
      getSelection().selectAllChildren(source);
      say("Selected; press Control C to copy");
    }
  }

  function markTheme() {
    document.querySelectorAll("[data-theme-form] button").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.value === document.documentElement.dataset.theme));
    });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-theme-form]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    document.documentElement.dataset.theme = event.submitter.value;
    markTheme();
    document.dispatchEvent(new Event("themechange"));
    fetch(form.action, { method: "POST", body: new FormData(form, event.submitter), redirect: "manual" });
  });
  markTheme();

  document.addEventListener("htmx:load", markTheme);
  document.addEventListener("htmx:afterSettle", () => say(document.title));
  // A page of the history that is an error now, or no longer ours, is shown by the browser itself.
  document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());
  document.addEventListener("htmx:sendError", () => say("The server did not answer."));
})();
