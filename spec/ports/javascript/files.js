/** A data folder held in memory: path to bytes. */

import { Invalid } from "./invalid.js";

export function bytesOf(files, path) {
  if (!Object.hasOwn(files, path)) throw new Invalid("value", `no file ${path}`);
  return files[path];
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
