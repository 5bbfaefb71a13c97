/** A data folder held in memory: path to bytes. */

import { Invalid } from "./invalid.js";

export function bytesOf(files, path) {
  if (!Object.hasOwn(files, path)) throw new Invalid("value", `no file ${path}`);
  return files[path];
}

/** A relative path without empty and `.` parts. */
export function joinPath(...pieces) {
  const parts = pieces.join("/").split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new Invalid("value", "a path that leaves the data folder");
  return parts.join("/");
}
