/** The layout csv (section 7.1): tables of text, templates, traits, subjects and groups. */

import { bytesOf, joinPath } from "./files.js";
import { Invalid } from "./invalid.js";

const LONGEST_CELL = 131072;

export function fault(detail) {
  return new Invalid("value", detail);
}

export function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes); // drops a byte order mark
  } catch {
    throw fault("a text that is not UTF-8");
  }
}

/** A cell in double quotes that begins at `at`: {cell, end}. */
function quotedCell(text, at) {
  let cell = "";
  for (let from = at + 1; ; ) {
    const end = text.indexOf('"', from);
    if (end < 0) throw fault("a quote that is not closed");
    cell += text.slice(from, end);
    if (text[end + 1] !== '"') return { cell, end: end + 1 };
    cell += '"';
    from = end + 2;
  }
}

/** The records of a table: lists of cells. */
export function records(text, delimiter) {
  if (text.includes("\0")) throw fault("a table with a zero byte");
  const ends = (at) => at >= text.length || text[at] === "\n" || text[at] === "\r";
  // A character beyond U+FFFF is two code units.
  const parts = (at) => text.startsWith(delimiter, at);
  const found = [];
  let at = 0;
  while (at < text.length) {
    const cells = [];
    const start = at;
    for (;;) {
      let cell;
      if (text[at] === '"') {
        ({ cell, end: at } = quotedCell(text, at));
        if (!ends(at) && !parts(at)) throw fault("text after a quote");
      } else {
        const from = at;
        while (!ends(at) && !parts(at)) at += 1;
        cell = text.slice(from, at);
      }
      if ([...cell].length > LONGEST_CELL) throw fault("a cell that is too long");
      cells.push(cell);
      if (ends(at)) break;
      at += delimiter.length;
    }
    if (at > start) found.push(cells);
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
  }
  return found;
}

/** The rows of a table, each a map of column to cell. `absent`: a column that it must not have. */
export function readTable(bytes, { delimiter = ",", columns }, needed, absent) {
  const all = records(textOf(bytes), delimiter);
  const names = columns ?? all.shift() ?? [];
  if (all.length === 0) throw fault("a table without a row");
  for (const name of needed) {
    if (names.filter((other) => other === name).length !== 1) throw fault(`column ${name}`);
  }
  if (names.includes(absent)) throw fault(`a column ${absent}`);
  return all.map((cells) => {
    if (cells.length !== names.length) throw fault("a row of another number of cells");
    return new Map(names.map((name, i) => [name, cells[i]]));
  });
}

/** Text with `{column}`, `{column:name}` and `{column:stem}`, as a list of text and references. */
function parseTemplate(template) {
  return template.split(/(\{[^{}]*\})/).map((piece) => {
    if (!piece.startsWith("{")) return { text: piece };
    const found = /^\{([^:]+)(?::(name|stem))?\}$/.exec(piece);
    if (found === null) throw fault(`${piece} is no column`);
    return { column: found[1], part: found[2] };
  });
}

function referenced(template) {
  return parseTemplate(template).flatMap(({ column }) => (column === undefined ? [] : [column]));
}

function fill(template, row, change = (cell) => cell) {
  return parseTemplate(template)
    .map(({ text, column, part }) => {
      if (column === undefined) return text;
      const cell = row.get(column);
      if (cell === "") throw fault(`an empty cell of ${column}`);
      return change(partOf(cell, part));
    })
    .join("");
}

function partOf(cell, part) {
  if (part === undefined) return cell;
  const name = cell.slice(cell.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return part === "stem" && dot > 0 ? name.slice(0, dot) : name;
}

function lowerAscii(text) {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The text of a name: that of an item, a subject, a group or a cluster. */
function named(template, row) {
  const text = fill(template, row);
  if (text === "") throw fault(`${template} gives no text`);
  return text;
}

/** The columns of a table that the options name. */
export function referencedColumns(options) {
  const { path, id, subject, group, label, position, split, traits = [], frames } = options;
  const paths = typeof path === "string" ? [path] : Object.values(path);
  const templates = [...paths, id, subject, group, ...clusterTemplates(options)];
  const columns = [
    ...templates.filter((template) => template !== undefined).flatMap(referenced),
    ...[label, position, split?.column].filter((column) => column !== undefined),
    ...traits.map(({ column }) => column),
  ];
  return new Set(columns.filter((column) => column !== frames?.column));
}

function clusterTemplates({ cluster }) {
  return [cluster?.template ?? []].flat();
}

/** The cluster of a row that is in no train split: of the first template without an empty cell. */
function clusterOf(row, templates) {
  const whole = templates.find((template) => referenced(template).every((column) => row.get(column) !== ""));
  if (whole === undefined) throw fault("an empty cell of the cluster");
  return named(whole, row);
}

/** [{split, row}], tables in the order given. */
function splitRows(options, files) {
  const needed = referencedColumns(options);
  const rowsOf = (paths) =>
    [paths]
      .flat()
      .flatMap((path) => readTable(bytesOf(files, path), options, needed, options.frames?.column));
  if (options.tables !== undefined) {
    return Object.entries(options.tables).flatMap(([split, paths]) =>
      rowsOf(paths).map((row) => ({ split, row })),
    );
  }
  const { column, ...lists } = options.split;
  const splitOf = new Map();
  for (const [split, cells] of Object.entries(lists)) {
    for (const cell of cells) {
      if (splitOf.has(cell) && splitOf.get(cell) !== split) throw fault("a cell of two splits");
      splitOf.set(cell, split);
    }
  }
  const rows = rowsOf(options.table)
    .map((row) => ({ split: splitOf.get(row.get(column)), row }))
    .filter(({ split }) => split !== undefined);
  if (!Object.keys(lists).every((name) => rows.some(({ split }) => split === name))) {
    throw fault("a split to which no row belongs");
  }
  return rows;
}

/** The list of 0 and 1, or null for a row that is left out. */
function traitsOf(row, { traits, drop_incomplete: drop }) {
  const isIncomplete = ({ column, one, zero }) =>
    row.get(column) === "" && !one.includes("") && !zero.includes("");
  if (drop && traits.some(isIncomplete)) return null;
  return traits.map(({ column, one, zero }) => {
    if (one.some((cell) => zero.includes(cell))) throw fault("a cell that is 0 and 1");
    if (one.includes(row.get(column))) return 1;
    if (zero.includes(row.get(column))) return 0;
    throw fault(`a trait cell ${row.get(column)}`);
  });
}

/** {path, missing}: the path of a row's image, and whether no file has it. */
function foundPath(options, split, row, files) {
  const template = typeof options.path === "string" ? options.path : options.path[split];
  const path = joinPath(fill(template, row));
  if (Object.hasOwn(files, path)) return { path };
  if (options.path_case === "exact-then-lower") {
    const lower = joinPath(fill(template, row, lowerAscii));
    if (Object.hasOwn(files, lower)) return { path: lower };
  }
  return { path, missing: true };
}

/** The row once for each of its images, with the image's number as a cell. */
function frameRows(row, frames) {
  if (frames === undefined) return [{ row }];
  return Array.from({ length: frames.count }, (_, i) => ({
    row: new Map([...row, [frames.column, String(i + 1).padStart(frames.digits, "0")]]),
    position: i + 1,
  }));
}

/** The label name of a row, an id where the options say that labels are ids. */
function nameOf(row, { label, label_ids: count, unknown_label: unknown }) {
  const name = row.get(label);
  if (name === "") throw fault("an empty label");
  const isId = /^(?:0|[1-9][0-9]*)$/.test(name) && Number(name) < count;
  if (count !== undefined && name !== unknown && !isId) throw fault(`the label ${name}, which is no id`);
  return name;
}

function positionOf(cell) {
  if (!/^[0-9]{1,15}$/.test(cell)) throw fault("a position that is no number");
  return Number(cell);
}

/** The items of a table; one whose image has no file says so, and only a view may drop it. */
export function csv(options, files) {
  const items = [];
  for (const { split, row: tableRow } of splitRows(options, files)) {
    const traits = options.traits === undefined ? undefined : traitsOf(tableRow, options);
    if (traits === null) continue;
    for (const { row, position } of frameRows(tableRow, options.frames)) {
      const { path, missing } = foundPath(options, split, row, files);
      const item = { id: options.id === undefined ? path : named(options.id, row), path, split };
      if (missing) item.missing = true;
      if (traits !== undefined) item.traits = traits;
      else item.name = nameOf(row, options);
      if (options.group !== undefined) item.group = named(options.group, row);
      const templates = clusterTemplates(options);
      if (templates.length > 0 && split !== "train") item.cluster = clusterOf(row, templates);
      if (options.subject !== undefined) {
        item.subject = named(options.subject, row);
        const column = options.position;
        item.position = position ?? (column === undefined ? items.length : positionOf(row.get(column)));
      }
      items.push(item);
    }
  }
  checkItems(items);
  return items;
}

function checkItems(items) {
  const groupOf = new Map();
  const splitOf = new Map();
  const places = new Set();
  for (const { path, group, subject, position, split } of items) {
    const groups = groupOf.get(path) ?? new Set();
    if (groups.has(group)) throw fault(`${path} occurs twice`);
    groupOf.set(path, groups.add(group));
    if (subject === undefined) continue;
    if ((splitOf.get(subject) ?? split) !== split) throw fault(`${subject} is in two splits`);
    splitOf.set(subject, split);
    const place = JSON.stringify([subject, position]);
    if (places.has(place)) throw fault(`two images of ${subject} at one position`);
    places.add(place);
  }
}
