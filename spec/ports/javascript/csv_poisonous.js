/** The list of poisonous classes of the layout csv (section 7.1). */

import { fault, readTable } from "./csv_layout.js";
import { bytesOf } from "./files.js";

const MISSING = new Set(
  [
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"],
    ["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"],
  ].flat(),
);
const TRUTHS = new Map([
  ...["True", "TRUE", "true"].map((cell) => [cell, 1]),
  ...["False", "FALSE", "false"].map((cell) => [cell, 0]),
]);
const NUMBER = /^[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\n\v\f\r]*$/;

/** The number that a cell writes, or undefined. */
function numberOf(cell) {
  const value = Number(NUMBER.exec(cell)?.[1]);
  return Math.abs(value) < 2 ** 63 ? value : undefined;
}

/** The label names whose items are poisonous (section 11.6). */
export function poisonousNames(options, items, files) {
  const { poisonous, unknown_label: unknown } = options;
  const { table, label, column, cells } = poisonous;
  const rows = readTable(bytesOf(files, table), {}, [label, column], undefined);
  const classes = new Set(items.map(({ name }) => name));
  classes.delete(unknown);
  const listed = cells === undefined ? listedByNumber(rows, options, classes) : listedByCell(rows, poisonous, classes);
  if (listed.get(unknown)) throw fault("an unknown class that is poisonous");
  return new Set([...listed.keys()].filter((name) => listed.get(name)));
}

/** A list that has each class once: label name to whether it is poisonous. */
function listedByCell(rows, { label, column, cells, edible }, classes) {
  if (cells.some((cell) => edible.includes(cell))) throw fault("a cell that is poisonous and edible");
  const listed = new Map(rows.map((row) => [row.get(label), cells.includes(row.get(column))]));
  if (listed.size < rows.length) throw fault("a label name on two rows");
  if (!rows.every((row) => [...cells, ...edible].includes(row.get(column)))) {
    throw fault("a cell that is neither poisonous nor edible");
  }
  if (![...classes].every((name) => listed.has(name))) throw fault("a label name without a row");
  return listed;
}

/** A list of numbers, which may leave classes out or have them several times. */
function listedByNumber(rows, { poisonous, label_ids: count, unknown_label: unknown }, classes) {
  const values = valuesOf(rows.map((row) => row.get(poisonous.column)));
  const listed = new Map();
  rows.forEach((row, i) => {
    const cell = row.get(poisonous.label);
    const name = count === undefined ? cell : idOf(cell, count, unknown);
    if (name === undefined) return;
    const says = values[i] === 1;
    if ((listed.get(name) ?? says) !== says) throw fault(`the label name ${name} is and is not poisonous`);
    listed.set(name, says);
  });
  if (classes.size > 0 && ![...classes].some((name) => listed.has(name))) throw fault("a list of other classes");
  return listed;
}

/** The values of a column of numbers, or of truths as 1 and 0; undefined where a cell is missing. */
function valuesOf(cells) {
  const values = cells.filter((cell) => !MISSING.has(cell));
  const areTruths = TRUTHS.has(values[0]);
  const valueOf = (cell) => (areTruths ? TRUTHS.get(cell) : numberOf(cell));
  const odd = values.find((cell) => valueOf(cell) === undefined);
  if (odd !== undefined) throw fault(`a cell ${odd} among ${areTruths ? "truths" : "numbers"}`);
  return cells.map((cell) => (MISSING.has(cell) ? undefined : valueOf(cell)));
}

/** The label name of an id that is written as a number; undefined where no class has it. */
function idOf(cell, count, unknown) {
  if (MISSING.has(cell)) return undefined;
  const value = numberOf(cell);
  if (value === undefined) throw fault(`the class ${cell}, which is no number`);
  if (unknown !== undefined && value === numberOf(unknown)) return unknown;
  return Number.isInteger(value) && value >= 0 && value < count ? String(Math.abs(value)) : undefined;
}
