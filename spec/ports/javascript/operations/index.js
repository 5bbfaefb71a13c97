/** Name of an operation to its function of (input, bundle). */

import { OPERATIONS as canonical } from "./canonical.js";
import { OPERATIONS as generator } from "./generator.js";

export const OPERATIONS = { ...canonical, ...generator };
