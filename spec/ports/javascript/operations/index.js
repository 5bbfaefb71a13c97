/** Name of an operation to its function of (input, bundle). */

import { OPERATIONS as canonical } from "./canonical.js";
import { OPERATIONS as comparison } from "./comparison.js";
import { OPERATIONS as digest } from "./digest.js";
import { OPERATIONS as documents } from "./documents.js";
import { OPERATIONS as generator } from "./generator.js";
import { OPERATIONS as interval } from "./interval.js";
import { OPERATIONS as manifest } from "./manifest.js";
import { OPERATIONS as metric } from "./metric.js";
import { OPERATIONS as pixels } from "./pixels.js";
import { OPERATIONS as protocol } from "./protocol.js";

export const OPERATIONS = {
  ...canonical,
  ...comparison,
  ...digest,
  ...documents,
  ...generator,
  ...interval,
  ...manifest,
  ...metric,
  ...pixels,
  ...protocol,
};
