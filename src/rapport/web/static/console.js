// The console's own script: times in the viewer's words, theme, keys, dialogs, copying, the live feed, charts.
// No inline handlers anywhere: behaviour is bound by data attributes, also to what htmx brings later.
(() => {
  "use strict";

  const root = document.documentElement;
  // What this script says itself, in the page's language.
  const words = JSON.parse(document.body?.dataset.words || "{}");
  const say = (text) => words[text] || text;
  const cookie = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`; };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) cookie("rapport_tz", zone);

  // Times
  // The words are the page's; how a date is written is the viewer's region's: "26 Nov 2026", never "vor 3 Min." between English.
  const region = new Intl.Locale(navigator.language || "en").maximize().region;
  const locale = `${root.lang}-${region}`;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const formats = {
    datetime: new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }),
    date: new Intl.DateTimeFormat(locale, { dateStyle: "medium" }),
    time: new Intl.DateTimeFormat(locale, { timeStyle: "medium" }),
    full: new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" }),
  };
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  function inWords(date) {
    const seconds = (date - Date.now()) / 1000;
    if (Math.abs(seconds) < 5) return say("just now");
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size);
    return relative.format(Math.trunc(seconds / size), unit);
  }
  function showTimes(scope) {
    for (const element of scope.querySelectorAll("time[data-style]")) {
      const date = new Date(element.dateTime);
      if (Number.isNaN(date.getTime())) continue;
      const style = element.dataset.style;
      element.textContent = style === "relative" ? inWords(date) : formats[style].format(date);
      element.title = formats.full.format(date);
    }
  }
  setInterval(() => { if (!document.hidden) showTimes(document); }, 15000);

  // What scrolls sideways can be scrolled by keys, too.
  function reachScrolling() {
    for (const box of document.querySelectorAll(".table-wrap")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
    }
  }

  // Theme
  function toggleTheme() {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    cookie("rapport_theme", root.dataset.theme);
    drawCharts(document, true);
  }

  // Toast
  function toast(text) {
    document.querySelector(".toast")?.remove();
    const box = document.createElement("div");
    box.className = "toast";
    box.setAttribute("role", "status");
    box.textContent = text;
    document.body.append(box);
    setTimeout(() => box.remove(), 4000);
  }

  // Clicks
  document.addEventListener("click", async (event) => {
    const target = event.target.closest("[data-open],[data-close],[data-copy],[data-theme-toggle],[data-nav-toggle],[data-pause],[data-reveal]");
    if (target) {
      if (target.dataset.open === "palette") openPalette();
      else if (target.dataset.open) { document.getElementById(target.dataset.open)?.showModal(); event.preventDefault(); }
      if ("close" in target.dataset) target.closest("dialog")?.close();
      if ("themeToggle" in target.dataset) toggleTheme();
      if ("navToggle" in target.dataset) setNav(!root.classList.contains("nav-open"));
      if ("pause" in target.dataset) setPaused(target, target.getAttribute("aria-pressed") !== "true");
      if (target.dataset.reveal) reveal(target);
      if (target.dataset.copy !== undefined) {
        const text = target.dataset.copy || document.getElementById(target.dataset.copyFrom)?.textContent || "";
        try { await navigator.clipboard.writeText(text); toast(say("Copied")); } catch { toast(say("Your browser does not allow copying here")); }
      }
      return;
    }
    if (root.classList.contains("nav-open") && !event.target.closest(".side")) setNav(false);
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (event.target.matches("dialog")) event.target.close();
    const row = event.target.closest("tr.link");
    if (row && !event.target.closest("a,button,input,select,label,summary") && !String(getSelection())) {
      const link = row.querySelector("a[data-row]") || row.querySelector("a");
      if (!link) return;
      if (event.metaKey || event.ctrlKey) open(link.href); else link.click();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (event.target.dataset.sent || (question && !confirm(question))) { event.preventDefault(); return; }
    if ("once" in event.target.dataset) event.target.dataset.sent = "yes";
  }, true);
  function setNav(open) {
    root.classList.toggle("nav-open", open);
    document.querySelector("[data-nav-toggle]")?.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector(".side a")?.focus();
  }
  function reveal(button) {
    const field = document.getElementById(button.dataset.reveal);
    const shown = field.dataset.shown === "true";
    field.textContent = shown ? field.dataset.masked : field.dataset.value;
    field.dataset.shown = String(!shown);
    button.setAttribute("aria-pressed", String(!shown));
  }

  // Keys
  let waiting = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && !event.altKey && event.key.toLowerCase() === "k") { openPalette(); event.preventDefault(); return; }
    if (event.target.closest("#palette")) { pressInPalette(event); return; }
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const typing = event.target.closest("input,textarea,select,[contenteditable]");
    if (event.key === "Escape") {
      setNav(false);
      for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
      if (typing) event.target.blur();
      return;
    }
    if (typing || document.querySelector("dialog[open]")) return;
    if (event.key === "/") { const field = document.getElementById("search"); if (field) { field.focus(); field.select(); event.preventDefault(); } return; }
    if (event.key === "?") { document.getElementById("shortcuts")?.showModal(); return; }
    if (event.key === "g") { waiting = Date.now(); return; }
    if (Date.now() - waiting < 1500) {
      const link = document.querySelector(`.side a[data-keys="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (!event.repeat) pressHotkey(event);
    waiting = 0;
  });
  function pressHotkey(event) {
    const target = document.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input,textarea")) target.focus(); else target.click();
  }

  // Palette
  const palette = document.getElementById("palette");
  let shownFor = "", hasty = false;
  const hits = () => [...palette.querySelectorAll("a[role=option]")];
  function openPalette() {
    if (!palette || palette.open || document.querySelector("dialog[open]")) return;
    const field = palette.querySelector("input");
    field.value = "";
    hasty = false;
    palette.showModal();
    field.focus();
    htmx.trigger(field, "palette-open");
  }
  function choose(hit) {
    for (const other of hits()) other.setAttribute("aria-selected", String(other === hit));
    palette.querySelector("input").setAttribute("aria-activedescendant", hit?.id || "");
    hit?.scrollIntoView({ block: "nearest" });
  }
  function pressInPalette(event) {
    const all = hits();
    const now = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choose(all[(now + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(all[(now - 1 + all.length) % all.length]);
    else if (event.key === "Enter") { if (event.target.value === shownFor) all[Math.max(now, 0)]?.click(); else hasty = true; }
    else return;
    event.preventDefault();
  }

  // Live parts
  function setPaused(button, paused) {
    button.setAttribute("aria-pressed", String(paused));
    button.querySelector("[data-label]").textContent = say(paused ? "Resume" : "Pause");
    for (const part of document.querySelectorAll("[data-live-state]")) part.dataset.liveState = paused ? "paused" : "live";
    document.querySelector(".dot.live, .dot.paused")?.classList.toggle("live", !paused);
  }
  const paused = () => document.querySelector("[data-pause]")?.getAttribute("aria-pressed") === "true";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.closest("[data-live]") && (document.hidden || paused())) event.preventDefault();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const keep = Number(event.target.dataset.keep || 0);
    if (keep && event.target.children.length > keep) {
      while (event.target.children.length > keep) event.target.lastElementChild.remove();
      const older = document.getElementById("feed-older");
      if (older) { const link = new URL(older.href); link.searchParams.set("before", event.target.lastElementChild.dataset.seq); older.href = link; }
    }
    if (event.target.id === "palette-found") {
      shownFor = new URL(event.detail.xhr.responseURL).searchParams.get("q");
      choose(hits()[0]);
      if (hasty && shownFor === palette.querySelector("input").value) { hasty = false; hits()[0]?.click(); }
    }
    document.getElementById("feed-empty")?.toggleAttribute("hidden", Boolean(document.querySelector("#feed-rows tr")));
    const drawer = event.target.closest("dialog.drawer");
    if (drawer && !drawer.open) drawer.showModal();
  });
  document.querySelector("dialog[data-open-now]")?.showModal();
  document.addEventListener("htmx:load", (event) => { showTimes(event.target); drawCharts(event.target, false); reachScrolling(); });
  const lost = (is) => document.querySelector(".lost")?.toggleAttribute("hidden", !is);
  document.addEventListener("htmx:sendError", () => lost(true));
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 500) lost(true); });
  document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.xhr.status < 500) lost(false); });
  setInterval(async () => {
    if (document.hidden) return;
    try { lost(!(await fetch("/healthz", { cache: "no-store" })).ok); } catch { lost(true); }
  }, 5000);

  // Charts: <div data-chart='{"kind":…}'>
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  function drawCharts(scope, again) {
    if (!window.echarts) return;
    const places = [...scope.querySelectorAll("[data-chart]")];
    if (scope.matches?.("[data-chart]")) places.push(scope);
    for (const place of places) {
      const known = echarts.getInstanceByDom(place);
      if (known && !again) continue;
      known?.dispose();
      const spec = JSON.parse(place.dataset.chart);
      const chart = echarts.init(place, null, { renderer: "canvas" });
      chart.setOption(option(spec));
    }
  }
  function option(spec) {
    const palette = [colour("--accent"), colour("--green"), colour("--amber"), colour("--blue"), colour("--violet")];
    const text = { color: colour("--faint"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 };
    const moment = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
    const inPercent = (ratio) => `${(ratio * 100).toFixed(1)} %`;
    const axis = { axisLine: { lineStyle: { color: colour("--line") } }, axisTick: { show: false } };
    const marks = (spec.marks || []).map((mark) => ({ xAxis: mark.at, label: { formatter: mark.label } }));
    const markLine = { data: marks, silent: true, symbol: "none", animation: false, label: { ...text, position: "end" }, lineStyle: { color: colour("--line-strong"), type: "solid" } };
    return {
      color: palette, animation: false, textStyle: text,
      grid: { left: 8, right: spec.steps ? 24 : 12, top: spec.series.length > 1 ? 34 : 14, bottom: 4, containLabel: true },
      legend: spec.series.length > 1 ? { top: 0, left: 0, data: spec.series.filter((line) => !line.dashed).map((line) => line.name), icon: "circle", itemWidth: 8, itemHeight: 8, textStyle: text } : undefined,
      tooltip: { trigger: "axis", valueFormatter: spec.percent ? inPercent : undefined, renderMode: "richText", backgroundColor: colour("--raised"), borderColor: colour("--line"), textStyle: { color: colour("--text"), fontSize: 12 }, axisPointer: { lineStyle: { color: colour("--line-strong") } } },
      xAxis: spec.steps ? { ...axis, type: "category", data: spec.steps, boundaryGap: false, axisLabel: { ...text, hideOverlap: true } }
        : { ...axis, type: "time", axisLabel: { ...text, hideOverlap: true, formatter: (t) => moment.format(t) } },
      yAxis: { type: "value", scale: spec.percent, minInterval: spec.whole ? 1 : 0, splitLine: { lineStyle: { color: colour("--line") } }, axisLabel: spec.percent ? { ...text, formatter: (ratio) => `${Math.round(ratio * 100)} %` } : text },
      series: spec.series.map((line, number) => ({ name: line.name, type: spec.kind || "line", data: line.points, showSymbol: false, smooth: .25, color: line.tone && colour(`--${line.tone}`), lineStyle: { width: 1.8, type: line.dashed ? "dashed" : "solid" }, markLine: marks.length && !number ? markLine : undefined, areaStyle: spec.series.length === 1 ? { opacity: .1 } : undefined, barMaxWidth: 14, itemStyle: { borderRadius: [3, 3, 0, 0] } })),
    };
  }
  document.addEventListener("htmx:beforeCleanupElement", (event) => window.echarts?.getInstanceByDom(event.target)?.dispose());
  addEventListener("resize", () => { reachScrolling(); for (const place of document.querySelectorAll("[data-chart]")) window.echarts?.getInstanceByDom(place)?.resize(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(document, true));

  addEventListener("DOMContentLoaded", () => {
    // Numbers that are being counted: the page is asked for again until they are there.
    const counted = document.querySelector("[data-look-again]");
    if (counted) setTimeout(() => location.reload(), Number(counted.dataset.lookAgain));
    showTimes(document);
    reachScrolling();
    drawCharts(document, false);
    const note = document.body.dataset.toast;
    if (note) { toast(note); history.replaceState(null, "", location.pathname + location.search.replace(/([?&])done=[^&]*&?/, "$1").replace(/[?&]$/, "")); }
  });
})();
