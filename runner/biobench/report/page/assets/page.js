"use strict";

/* Sorting, the check of scores, and what a site loads by need. */

const biobench = (() => {
  /** By key: the promise of its value, and what fulfils it. */
  const wanted = new Map();

  /** The value that a file of the site hands to `receive`; a page from a file may fetch nothing else. */
  function load(address, key) {
    if (!wanted.has(key)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => {
        entry.resolve = resolve;
        const script = document.createElement("script");
        script.src = address;
        script.onerror = () => reject(new Error(`${address} cannot be read`));
        document.head.append(script);
      });
      wanted.set(key, entry);
    }
    return wanted.get(key).promise;
  }

  function receive(key, value) {
    wanted.get(key)?.resolve(value);
  }

  /** The text of gzip bytes in base64. */
  async function unpack(base64) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  /* Sorting */

  function valueOf(row, column, kind) {
    const cell = row.cells[column];
    const text = cell?.dataset.value ?? cell?.textContent.trim() ?? "";
    if (kind !== "number") return text;
    const number = Number.parseFloat(text.replaceAll(",", ""));
    return Number.isNaN(number) ? null : number;
  }

  function compare(a, b) {
    return typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
  }

  /** Rows by a column; cells without a value come last in both directions. */
  function sort(head) {
    const table = head.closest("table");
    const kind = head.dataset.sort;
    const before = head.getAttribute("aria-sort");
    const descending = before === null ? kind === "number" : before === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [row, valueOf(row, head.cellIndex, kind)]);
    rows.sort(([, a], [, b]) => {
      const missing = (a === null || a === "") - (b === null || b === "");
      return missing || (descending ? compare(b, a) : compare(a, b)) || 0;
    });
    body.append(...rows.map(([row]) => row));
  }

  function makeSortable(root) {
    for (const head of root.querySelectorAll("table.sortable thead th[data-sort]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(head));
      head.append(button);
    }
  }

  /* The check of a score */

  const checked = document.getElementById("check-data");
  const given = checked === null ? null : JSON.parse(checked.textContent);

  function makeChecks() {
    for (const cell of document.querySelectorAll("[data-check]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "score";
      button.textContent = cell.textContent;
      button.title = "Compute it again from the predictions";
      button.addEventListener("click", () => check(cell.dataset.check, button));
      cell.replaceChildren(button);
    }
    for (const hint of document.querySelectorAll(".script")) hint.hidden = false;
    const asked = /^#check-(.+)$/.exec(decodeURIComponent(location.hash));
    if (asked === null) return;
    for (const cell of document.querySelectorAll("[data-check]")) {
      if (cell.dataset.check === asked[1]) cell.querySelector("button").click();
    }
  }

  async function rowsOf(task) {
    for (const block of document.querySelectorAll("script[data-rows]")) {
      if (block.dataset.rows === task) return JSON.parse(await unpack(JSON.parse(block.textContent)));
    }
    return JSON.parse(await unpack((await load(`${given.site.data}${task}.js`, task)).rows));
  }

  /** The scores of the other models and the stated rank among them, null on a page of one result. */
  async function scoresOf(task) {
    if (given.site === null) return null;
    const scores = (await load(given.site.scores, "scores"))[given.site.group][task];
    const [, , rank] = scores.find(([key]) => key === given.site.key);
    // A score that was stated for this model is no rival of the one that is computed here.
    return { others: scores.filter(([key]) => key !== given.site.key).map(([, score]) => score), rank };
  }

  function inWorker(values) {
    const source = `const specification = (${biobenchSpecification})();
      onmessage = ({ data }) => postMessage((${biobenchCheck})(specification, data));`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(address);
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(values);
    }).finally(() => {
      worker.terminate();
      URL.revokeObjectURL(address);
    });
  }

  async function check(task, button) {
    const place = document.getElementById(`check-${task}`);
    place.className = "check";
    place.textContent = `Computing ${task} again from its predictions...`;
    try {
      const [rows, scores] = await Promise.all([rowsOf(task), scoresOf(task)]);
      show(place, button, await inWorker({ document: given.document, task, rows, suite: given.suite, scores }));
    } catch (error) {
      place.className = "check differs";
      place.textContent = `\u2717 ${task} could not be computed again: ${error.message}`;
    }
    place.focus();
  }

  function show(place, button, stages) {
    const first = stages.find(({ holds }) => !holds);
    const verdict = first === undefined ? "holds" : "differs";
    const head = document.createElement("p");
    head.className = first === undefined ? "good" : "bad";
    head.textContent =
      first === undefined
        ? "\u2713 Computed again in this browser from the predictions: every stage is the same."
        : `\u2717 The first stage that differs: ${first.stage}.`;
    const list = document.createElement("ul");
    for (const { stage, holds, text } of stages) {
      const item = document.createElement("li");
      item.textContent = `${holds ? "\u2713" : "\u2717"} ${stage}: ${text}`;
      list.append(item);
    }
    place.className = `check ${verdict}`;
    place.replaceChildren(head, list);
    button.className = `score ${verdict}`;
    button.textContent = `${first === undefined ? "\u2713" : "\u2717"} ${button.textContent.replace(/^[\u2713\u2717] /, "")}`;
  }

  /* Details of a task, which a site loads when they come near the screen */

  function loadByNeed() {
    const places = document.querySelectorAll(".by-need");
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          observer.unobserve(target);
          fill(target);
        }
      },
      { rootMargin: "400px" },
    );
    for (const place of places) observer.observe(place);
  }

  async function fill(place) {
    const { task } = place.dataset;
    try {
      // The text was escaped where it was made, and the page's policy lets no script of it run.
      place.innerHTML = await unpack((await load(`${given.site.data}${task}.js`, task)).detail);
      makeSortable(place);
    } catch (error) {
      place.textContent = `What it gets wrong cannot be shown: ${error.message}`;
    }
  }

  makeSortable(document);
  if (given !== null) makeChecks();
  loadByNeed();
  return { load, receive, unpack, sort, makeSortable };
})();
