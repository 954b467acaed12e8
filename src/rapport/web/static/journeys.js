// The journeys' editor: changes the text of a journey and has the server draw it, word it and judge it.
// The text is the one truth: undo is a list of texts. Without this script the text is written by hand.
(() => {
  "use strict";

  const form = document.getElementById("journey-form");
  const text = document.getElementById("f-body"), tried = document.getElementById("tried");
  const drawer = document.getElementById("step-drawer"), drawerBody = document.getElementById("step-body");
  const palette = document.getElementById("put-in");
  const says = JSON.parse(form.dataset.says);
  const ENTRY = "$entry", COPY = "rapport-journey-copy";
  const past = [], future = [];
  let chosen = ENTRY, now = text.value, place = null, asked = 0, inHand = null;

  const copyOf = (value) => JSON.parse(JSON.stringify(value));
  function read() { try { const found = JSON.parse(now); return found && typeof found === "object" && found.nodes ? found : null; } catch { return null; } }

  // The ways out of a step: their places in its JSON.
  function waysOf(node) {
    const many = Array.isArray(node.ways) ? node.ways.map((_, number) => `ways.${number}.next`) : [];
    if (node.kind === "branch") return [...many, "otherwise"];
    if (node.kind === "split") return many;
    if (node.kind === "exit" || node.kind === "goal") return [];
    if (["fact", "segment", "ask"].includes(node.kind)) return ["next", "otherwise"];
    return node.kind === "send" && node.failed ? ["next", "failed"] : ["next"];
  }
  const at = (value, path) => path.split(".").reduce((found, step) => found?.[step], value);
  function put(value, path, what) {
    const steps = path.split("."), last = steps.pop();
    let inside = value;
    steps.forEach((step, number) => { inside = inside[step] ??= /^\d+$/.test(steps[number + 1] ?? last) ? [] : {}; });
    inside[last] = what;
  }
  const holder = (graph, name) => (name === ENTRY ? graph : graph.nodes[name]);
  function leadingTo(graph, name) {
    const found = graph.start === name ? [[ENTRY, "start"]] : [];
    for (const [one, node] of Object.entries(graph.nodes)) for (const path of waysOf(node)) if (at(node, path) === name) found.push([one, path]);
    return found;
  }
  function reached(graph) {
    const found = new Set(), waiting = [graph.start];
    while (waiting.length) {
      const name = waiting.pop();
      if (found.has(name) || !graph.nodes[name]) continue;
      found.add(name);
      waiting.push(...waysOf(graph.nodes[name]).map((path) => at(graph.nodes[name], path)));
    }
    return found;
  }
  function freeName(graph, wanted) {
    const base = wanted.replace(/_\d+$/, "");
    for (let number = 1; ; number++) { const name = number > 1 ? `${base}_${number}` : base; if (!graph.nodes[name]) return name; }
  }

  // Change, undo, redo
  function commit(graph, then) { take(JSON.stringify(graph, null, 2), then); }
  function take(written, then) {
    if (written === now) return;
    past.push([now, chosen]); future.length = 0;
    if (past.length > 200) past.shift();
    show(written, then);
  }
  function show(written, then) {
    now = written; text.value = written;
    if (then) chosen = then;
    draw();
  }
  function back(from, to) {
    const found = from.pop();
    if (found) { to.push([now, chosen]); show(found[0], found[1]); }
  }
  async function ask(path, more) {
    const fields = new URLSearchParams(new FormData(form));
    for (const [name, value] of Object.entries(more || {})) fields.set(name, value);
    const answer = await fetch(path, { method: "POST", body: fields, headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  }
  async function draw(path) {
    const number = ++asked, held = tried.contains(document.activeElement) || document.activeElement === document.body;
    try {
      const html = await ask(path || "/console/journeys-try");
      if (number !== asked) return;
      const flow = tried.querySelector(".flow"), left = flow?.scrollLeft, top = flow?.scrollTop;
      tried.innerHTML = html;
      const drawn = tried.querySelector(".flow");
      if (drawn && flow) { drawn.scrollLeft = left; drawn.scrollTop = top; }
      mark(held);
    } catch { tell(says.failed); }
  }
  const stepOf = (name) => tried.querySelector(`[data-step="${CSS.escape(name)}"]`);
  function mark(focus) {
    if (!stepOf(chosen)) chosen = ENTRY;
    for (const one of tried.querySelectorAll("[data-step]")) one.classList.toggle("chosen", one.dataset.step === chosen);
    if (focus) stepOf(chosen)?.focus();
    const graph = read(), isEntry = chosen === ENTRY, kind = graph?.nodes[chosen]?.kind;
    const can = { undo: past.length, redo: future.length, edit: graph, up: graph && !isEntry, down: graph && !isEntry, copy: graph && !isEntry, remove: graph && !isEntry, paste: graph && copied() && kind !== "exit" && kind !== "goal", dry: graph };
    for (const button of form.querySelectorAll("[data-do]")) button.disabled = !can[button.dataset.do];
    for (const radio of form.querySelectorAll("[data-inside]")) radio.checked = (graph?.inside || "finish") === radio.value;
  }
  function tell(words) {
    document.querySelector(".toast")?.remove();
    const box = document.createElement("div");
    box.className = "toast"; box.setAttribute("role", "status"); box.textContent = words;
    (document.querySelector("dialog[open]") || document.body).append(box);
    setTimeout(() => box.remove(), 4000);
  }

  // What can be done to steps
  function putIn(node, source, path) {
    const graph = read(), was = at(holder(graph, source), path), added = copyOf(node);
    const name = freeName(graph, String(node.kind));
    for (const way of waysOf(added)) put(added, way, was);
    put(holder(graph, source), path, name);
    graph.nodes[name] = added;
    if (!waysOf(added).length) prune(graph, reached(read()));
    commit(graph, name);
    return name;
  }
  function prune(graph, before) {
    const after = reached(graph);
    for (const name of Object.keys(graph.nodes)) if (before.has(name) && !after.has(name)) delete graph.nodes[name];
  }
  function without(graph, name) {
    const node = graph.nodes[name], before = reached(graph), into = leadingTo(graph, name);
    let next = waysOf(node).map((path) => at(node, path)).find((target) => target && target !== name);
    if (!next) next = Object.keys(graph.nodes).find((one) => one !== name && ["exit", "goal"].includes(graph.nodes[one].kind) && before.has(one));
    if (!next && into.length) return null;
    for (const [source, path] of into) put(holder(graph, source), path, next);
    delete graph.nodes[name];
    prune(graph, before);
    return next || ENTRY;
  }
  function remove() {
    const graph = read();
    if (!graph?.nodes[chosen]) return false;
    const above = leadingTo(graph, chosen)[0]?.[0], next = without(graph, chosen);
    if (next === null || !Object.keys(graph.nodes).length) { tell(says.stays); return false; }
    commit(graph, above || next);
    return true;
  }
  const copied = () => { try { return JSON.parse(sessionStorage.getItem(COPY)); } catch { return null; } };
  function copy() {
    const node = read()?.nodes[chosen];
    if (!node) return false;
    sessionStorage.setItem(COPY, JSON.stringify(node));
    tell(says.copied); mark(false);
    return true;
  }
  function paste(source, path) {
    const node = copied(), graph = read();
    if (!node || !graph) return;
    const from = source || chosen, way = path || (from === ENTRY ? "start" : waysOf(graph.nodes[from])[0]);
    if (way) putIn(node, from, way);
  }
  function move(down) {
    const graph = read(), node = graph?.nodes[chosen];
    if (!node) return;
    if (!waysOf(node).length) return;
    const first = waysOf(node)[0], target = at(node, first), before = leadingTo(graph, chosen);
    if (down) {
      const below = graph.nodes[target];
      if (!below || !waysOf(below).length || target === chosen) return;
      const way = waysOf(below)[0], after = at(below, way);
      for (const [source, path] of before) put(holder(graph, source), path, target);
      for (const path of waysOf(node)) if (at(node, path) === target) put(node, path, after);
      put(below, way, chosen);
    } else {
      const [above, path] = before[0] || [];
      if (!above || above === ENTRY) return;
      for (const [source, way] of leadingTo(graph, above)) if (source !== chosen) put(holder(graph, source), way, chosen);
      put(graph.nodes[above], path, target);
      for (const way of waysOf(node)) if (at(node, way) === target) put(node, way, above);
    }
    commit(graph, chosen);
  }

  // Drawer
  async function edit(name) {
    if (!read()) return;
    chosen = name; mark(false);
    try { drawerBody.innerHTML = await ask("/console/journeys-step", { step: name }); } catch { tell(says.failed); return; }
    offer();
    drawer.showModal();
    drawerBody.querySelector("form input:not([type=hidden]), form select, form textarea")?.focus();
  }
  function offer() {
    for (const part of drawerBody.querySelectorAll("[data-when]")) {
      const [name, value] = part.dataset.when.split("=");
      part.hidden = drawerBody.querySelector(`[name="${name}"]`).value !== value;
    }
  }
  function valued(field) {
    const written = field.value.trim();
    if (field.dataset.type === "yes") return field.checked ? true : undefined;
    if (field.dataset.type === "json") return JSON.parse(field.value);
    if (field.dataset.type === "lines") { const lines = written.split("\n").map((one) => one.trim()).filter(Boolean); return lines.length ? lines : undefined; }
    if (written === "") return undefined;
    if (field.dataset.type === "number") return Number.isFinite(Number(written)) ? Number(written) : written;
    if (field.dataset.type === "value") {
      if (/^-?(0|[1-9]\d{0,14})(\.\d+)?$/.test(written)) return Number(written);
      if (written === "true" || written === "false") return written === "true";
    }
    return written;
  }
  function filled(fields, before) {
    const made = copyOf(before);
    for (const field of fields) delete made[field.name.split(".")[0]];
    for (const field of fields) {
      if (field.closest("[hidden]")) continue;
      if (field.dataset.type === "list") { if (field.checked) put(made, field.name, [...(at(made, field.name) || []), field.value]); continue; }
      const value = valued(field);
      if (value !== undefined) put(made, field.name, value);
    }
    const found = tidy(made, before);
    if (found.fallback?.[0] === "nothing") found.fallback = [];  // said to go nowhere else; left out it is as the shop has it
    return found;
  }
  // Rows that were taken out leave no holes, a condition without a property is none, a fact without a name is none.
  function tidy(value, before) {
    if (Array.isArray(value)) return value.filter((one) => one !== undefined && one !== null).map((one) => tidy(one)).filter((one) => !(one && one.op && !one.property));
    if (!value || typeof value !== "object") return value;
    for (const [name, inside] of Object.entries(value)) {
      if (before && (name === "nodes" || name === "data")) continue;
      const found = tidy(inside);
      if (["happened", "goal", "until"].includes(name) && !found?.fact) delete value[name];
      else if (Array.isArray(found) && !found.length) delete value[name];
      else value[name] = found;
    }
    return value;
  }
  function done(stepForm) {
    const graph = read(), name = stepForm.dataset.of, fields = [...stepForm.elements].filter((one) => one.name && one.name !== "$name");
    drawer.close();
    if (!graph) return;
    if (name === ENTRY) { const made = filled(fields, graph); commit({ ...made, nodes: graph.nodes }, ENTRY); return; }
    graph.nodes[name] = filled(fields, graph.nodes[name]);
    const wanted = stepForm.elements.$name.value.trim();
    if (wanted && wanted !== name && !graph.nodes[wanted] && /^[a-z][a-z0-9_-]{0,39}$/.test(wanted)) {
      for (const [source, path] of leadingTo(graph, name)) put(holder(graph, source), path, wanted);
      for (const node of Object.values(graph.nodes)) for (const way of node.ways || []) if (way.decision === name) way.decision = wanted;
      graph.nodes = Object.fromEntries(Object.entries(graph.nodes).map(([one, node]) => [one === name ? wanted : one, node]));
      commit(graph, wanted);
    } else commit(graph, name);
  }
  drawerBody.addEventListener("submit", (event) => { event.preventDefault(); done(event.target); });
  drawerBody.addEventListener("change", offer);
  drawerBody.addEventListener("click", (event) => {
    const more = event.target.closest("[data-more]"), drop = event.target.closest("[data-drop-row]");
    if (drop) drop.closest("[data-row]").remove();
    if (more) {
      const rows = more.closest("fieldset, form").querySelector("[data-rows]");
      const numbers = [...rows.querySelectorAll("[name]")].map((one) => Number(one.name.slice(more.dataset.prefix.length + 1).split(".")[0])).filter(Number.isFinite);
      const html = document.getElementById(more.dataset.more).innerHTML.replaceAll("__P__", `${more.dataset.prefix}.${Math.max(-1, ...numbers) + 1}`);
      rows.insertAdjacentHTML("beforeend", html);
      rows.lastElementChild.querySelector("input, select").focus();
    }
  });
  drawer.addEventListener("close", () => { inHand = null; stepOf(chosen)?.focus(); });

  // Palette
  function choose(source, path) {
    if (!read()) return;
    place = [source, path];
    palette.querySelector("[data-paste]").hidden = !copied();
    palette.showModal();
  }
  palette.addEventListener("click", (event) => {
    const kind = event.target.closest("[data-kind]"), pasted = event.target.closest("[data-paste]");
    if (!kind && !pasted) return;
    palette.close();
    if (pasted) { paste(...place); return; }
    inHand = putIn({ kind: kind.dataset.kind, ...JSON.parse(kind.dataset.new) }, ...place);
    if (!["exit", "goal"].includes(kind.dataset.kind)) edit(inHand);
  });
  palette.addEventListener("close", () => { if (!drawer.open) stepOf(chosen)?.focus(); });

  // Clicks and keys
  const deeds = { undo: () => back(past, future), redo: () => back(future, past), edit: () => edit(chosen), up: () => move(false), down: () => move(true), copy, paste: () => paste(), remove, dry: () => draw("/console/journeys-dry-run") };
  form.addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]"), add = event.target.closest("[data-add]"), deed = event.target.closest("[data-do]");
    if (step) { event.preventDefault(); edit(step.dataset.step); }
    if (add) { event.preventDefault(); choose(add.dataset.add, add.dataset.path); }
    if (deed) deeds[deed.dataset.do]();
  });
  form.addEventListener("focusin", (event) => {
    const step = event.target.closest("[data-step]");
    if (step) { chosen = step.dataset.step; mark(false); }
  });
  function nearest(key) {
    const here = stepOf(chosen), x = Number(here.dataset.x), y = Number(here.dataset.y), upright = key === "ArrowUp" || key === "ArrowDown";
    const sign = key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1;
    let best = null, least = Infinity;
    for (const one of tried.querySelectorAll("[data-step]")) {
      const dx = Number(one.dataset.x) - x, dy = Number(one.dataset.y) - y, along = (upright ? dy : dx) * sign, aside = Math.abs(upright ? dx : dy);
      if (along < 1) continue;
      const far = along + aside * (upright ? .4 : 4);
      if (far < least) { least = far; best = one; }
    }
    return best;
  }
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.target.closest("input,textarea,select")) return;
    const held = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    let did = true;
    if (held && key === "z") deeds[event.shiftKey ? "redo" : "undo"]();
    else if (held && key === "y") deeds.redo();
    else if (!event.target.closest(".flow, .tools")) return;
    else if (held && key === "c") copy();
    else if (held && key === "x") { if (copy()) remove(); }
    else if (held && key === "v") paste();
    else if (event.altKey && (key === "arrowup" || key === "arrowdown")) move(key === "arrowdown");
    else if (!event.target.closest(".flow") || held) return;
    else if (event.key.startsWith("Arrow")) { const next = nearest(event.key); next?.focus(); next?.scrollIntoView({ block: "nearest", inline: "nearest" }); }
    else if ((key === "enter" || key === " ") && event.target.closest("[data-step],[data-add]")) event.target.closest("[data-step],[data-add]").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    else if (key === "delete" || key === "backspace") remove();
    else if (key === "+" || key === "insert") { const graph = read(), node = graph?.nodes[chosen]; const way = chosen === ENTRY ? "start" : node && waysOf(node)[0]; if (way) choose(chosen, way); }
    else did = false;
    if (did) event.preventDefault();
  });
  let typing = 0;
  text.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => take(text.value), 350); });
  form.addEventListener("change", (event) => {
    if (!event.target.matches("[data-inside]")) return;
    const graph = read();
    if (graph) commit({ ...graph, inside: event.target.value });
  });
  let leaving = false;
  form.addEventListener("submit", () => { leaving = true; });
  addEventListener("beforeunload", (event) => { if (past.length && !leaving) event.preventDefault(); });

  for (const one of form.querySelectorAll(".scripted")) one.hidden = false;
  form.querySelector(".text-form").open = false;
  mark(false);
})();
