// Hands the page's figures to Plotly, in the colours of the theme. plotly.js is loaded once, when a chart first needs it.
"use strict";

(() => {
  const source = document.currentScript.dataset.plotly;
  // plotly.js brings the styles of maps, which no page draws and the content policy refuses; it adds them to a document
  // that has no element of this name.
  const MAP_STYLES = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
  const CONFIG = {
    responsive: true,
    displaylogo: false,
    displayModeBar: false,
    showSendToCloud: false,
    plotlyServerURL: "",
  };
  const LABEL_WIDTH = 64;
  const FEW_LABELS = 6;
  let loading = null;

  function plotly() {
    loading ??= new Promise((resolve, reject) => {
      document.head.append(Object.assign(document.createElement("meta"), { id: MAP_STYLES }));
      const script = document.createElement("script");
      script.src = source;
      script.addEventListener("load", () => resolve(window.Plotly));
      script.addEventListener("error", () => { loading = null; reject(new Error("plotly.js did not load")); });
      document.head.append(script);
    });
    return loading;
  }

  // Plotly does not know var() nor light-dark(), so an element is asked what a colour has become.
  function palette() {
    const probe = document.body.appendChild(document.createElement("i"));
    const colour = (name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const slots = Array.from({ length: 9 }, (_, slot) => colour(`--slot-${slot}`));
    const found = { slots, ink: colour("--ink"), soft: colour("--ink-soft"), line: colour("--line"), surface: colour("--surface"), hatch: colour("--hatch") };
    probe.remove();
    return found;
  }

  const seenThrough = (colour) => colour.replace("rgb(", "rgba(").replace(")", ", 0.3)");

  // The newest label always stands; of the others as many as have room.
  function thinned(axis, width) {
    const step = axis.tickvals.length > FEW_LABELS ? Math.ceil((axis.tickvals.length * LABEL_WIDTH) / width) : 1;
    const stands = (_, place) => (axis.tickvals.length - 1 - place) % step === 0;
    return { tickvals: axis.tickvals.filter(stands), ticktext: axis.ticktext.filter(stands) };
  }

  function themed(figure, width) {
    const now = palette();
    const family = getComputedStyle(document.body).fontFamily;
    const { data, layout } = structuredClone(figure);
    for (const trace of data) {
      trace.marker.color = now.slots[trace.meta.slot];
      if (trace.line) trace.line.color = now.slots[trace.meta.slot];
      if (trace.fillcolor) trace.fillcolor = seenThrough(now.slots[trace.meta.slot]);
      if (trace.marker.pattern) trace.marker.pattern.fgcolor = now.hatch;
    }
    Object.assign(layout, {
      autosize: true,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family, size: 12, color: now.soft },
      hoverlabel: { bgcolor: now.surface, bordercolor: now.line, font: { family, size: 12, color: now.ink } },
    });
    Object.assign(layout.xaxis, thinned(layout.xaxis, width));
    Object.assign(layout.xaxis, { showgrid: false, linecolor: now.line, tickcolor: now.line });
    Object.assign(layout.yaxis, { gridcolor: now.line, zerolinecolor: now.line });
    return { data, layout };
  }

  async function draw(plot) {
    const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    try {
      const Plotly = await plotly();
      if (!plot.isConnected) return;
      const { data, layout } = themed(figure, plot.clientWidth);
      await Plotly.react(plot, data, layout, CONFIG);
      plot.dataset.drawn = "yes";
    } catch (error) {
      plot.textContent = "The chart could not be drawn; its numbers stand in the table below.";
      throw error;
    }
  }

  const drawAll = (root) => root.querySelectorAll("[data-figure]").forEach(draw);
  const redraw = () => drawAll(document);

  document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    if (event.target instanceof Element && event.target.matches("[data-drawn]")) window.Plotly.purge(event.target);
  });
  document.addEventListener("themechange", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", redraw);
})();
