/** Name of an operation to its function of (input, bundle). */

import { OPERATIONS as canonical } from "./canonical.js";
import { OPERATIONS as digest } from "./digest.js";
import { OPERATIONS as generator } from "./generator.js";
import { OPERATIONS as pixels } from "./pixels.js";

export const OPERATIONS = { ...canonical, ...digest, ...generator, ...pixels };
