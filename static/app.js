// Keys, menus, theme, copying, clicks on rows, news. Every action is also a link, a form or a button of the page.
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
    if (event.target.closest("[data-print]")) print();
    const row = event.target.closest("tbody tr");
    const link = row && row.querySelector("a.row");
    if (link && !event.target.closest("a") && !String(getSelection())) link.click();
  });

  // One box checks all boxes of a name; without scripts it is hidden.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset.checks;
    if (name) document.querySelectorAll(`input[name="${name}"]`).forEach((box) => { box.checked = event.target.checked; });
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

  // The page's #poll asks for news: often while there are some, seldom while there are none, never while nobody looks.
  const FASTEST_MS = 2000;
  let wait = FASTEST_MS;
  let timer = 0;
  const poll = () => document.getElementById("poll");
  const isPaused = () => document.querySelector("[data-pauses][aria-pressed='true']") !== null;
  function ask() {
    if (poll() && !document.hidden && !isPaused()) htmx.trigger(poll(), "poll");
  }
  function askLater(changed) {
    clearTimeout(timer);
    if (!poll()) return;
    wait = changed ? FASTEST_MS : Math.min(wait * 1.5, poll().dataset.slowest * 1000);
    timer = setTimeout(ask, wait);
  }
  function askNow() {
    clearTimeout(timer);
    wait = FASTEST_MS;
    ask();
  }
  document.addEventListener("visibilitychange", askNow);
  window.addEventListener("focus", askNow);
  document.addEventListener("htmx:load", (event) => {
    event.detail.elt.querySelectorAll("[data-pauses], [data-checks]").forEach((control) => { control.hidden = false; });
    if (event.detail.elt.querySelector("#poll")) askLater(true);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    // News of a page that was left, and errors, are no news.
    const { requestConfig, xhr } = event.detail;
    if (requestConfig.elt.id === "poll") event.detail.shouldSwap &&= xhr.status === 200 && requestConfig.elt.isConnected;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.requestConfig.elt.id === "poll") askLater(event.detail.xhr.status === 200);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pauses]");
    if (!button) return;
    button.setAttribute("aria-pressed", String(!isPaused()));
    button.textContent = isPaused() ? "Go on" : "Pause";
    askNow();
  });

  document.addEventListener("htmx:load", markTheme);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "main") say(document.title);
  });
  // A page of the history that is an error now, or no longer ours, is shown by the browser itself.
  document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());
  document.addEventListener("htmx:sendError", () => say("The server did not answer."));
})();
