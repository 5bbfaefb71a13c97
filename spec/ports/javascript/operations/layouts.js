import { poisonousNames } from "../csv_poisonous.js";
import { itemsOf } from "../layouts.js";
import { compareCodePoints } from "../order.js";

/** Text files as bytes; a file whose content does not matter is empty. */
function filesFrom(files) {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, Buffer.from(text ?? "", "utf8")]),
  );
}

function compareFound(a, b) {
  const subjects = compareCodePoints(a.subject ?? "", b.subject ?? "");
  const within = a.subject === undefined ? compareCodePoints(a.id, b.id) : a.position - b.position;
  return compareCodePoints(a.split, b.split) || subjects || within;
}

export const OPERATIONS = {
  "layout.find": ({ layout, files: given, keep_missing: keepMissing = false }) => {
    const files = filesFrom(given);
    const found = itemsOf(layout, files, keepMissing).sort(compareFound);
    const { traits = [], poisonous } = layout.options;
    return {
      items: found.map(({ name, position, missing, ...item }) =>
        name === undefined ? item : { ...item, label: name },
      ),
      missing: found
        .filter((item) => item.missing)
        .map(({ id }) => id)
        .sort(compareCodePoints),
      poisonous:
        poisonous === undefined ? [] : [...poisonousNames(layout.options, found, files)].sort(compareCodePoints),
      traits: traits.map(({ column }) => column),
    };
  },
};
