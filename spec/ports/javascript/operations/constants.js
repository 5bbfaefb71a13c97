import { constantsOf } from "../documents.js";

/** The protocol's constants in the input's division, with those that the input states. */
export function constantsFor({ protocol, division, constants = {} }, bundle) {
  return { ...constantsOf(bundle, protocol, division), ...constants };
}

export function seedOf(bundle) {
  return bundle["suite.yaml"].seed;
}
