/** A data folder held in memory: path to bytes. */

import { Invalid } from "./invalid.js";

/** A path of the options without empty and `.` parts; the data folder itself is "". */
export function tidyPath(path) {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

export function bytesOf(files, path) {
  const place = tidyPath(path);
  if (!Object.hasOwn(files, place)) throw new Invalid("value", `no file ${path}`);
  return files[place];
}

/** A relative path without empty and `.` parts. */
export function joinPath(...pieces) {
  const whole = pieces.join("/");
  const parts = whole.split("/").filter((part) => part !== "" && part !== ".");
  if (whole.startsWith("/") || whole.includes("\\") || parts.includes("..") || parts.length === 0) {
    throw new Invalid("value", `the path ${whole}`);
  }
  return parts.join("/");
}
