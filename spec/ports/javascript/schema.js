/**
 * The part of JSON Schema 2020-12 that the schemas of `v1/schema/` use. A problem is
 * {id, pointer}, with the error ids of section 6.3.
 */

import { canonical } from "./canonical.js";

const TYPES = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};

export function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** A name as a part of a JSON pointer (RFC 6901). */
export function pointerPart(name) {
  return `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

export function schemaProblems(value, schema, root = schema, pointer = "") {
  if (schema === true) return [];
  if (schema === false) return [{ id: "unknown-key", pointer }];
  const problems = [];
  const report = (id, at = pointer) => problems.push({ id, pointer: at });
  const descend = (part, inner, child) =>
    problems.push(...schemaProblems(inner, child, root, pointer + pointerPart(part)));

  if (schema.$ref !== undefined) {
    problems.push(...schemaProblems(value, resolveReference(schema.$ref, root), root, pointer));
  }
  if (schema.type !== undefined && ![schema.type].flat().some((name) => TYPES[name](value))) {
    report("type");
    return problems;
  }
  if (schema.const !== undefined && canonical(value) !== canonical(schema.const)) report("value");
  if (schema.enum !== undefined && !schema.enum.some((one) => canonical(one) === canonical(value))) {
    report("value");
  }
  if (typeof value === "string" && !stringFits(value, schema)) report("value");
  if (typeof value === "number" && !numberFits(value, schema)) report("value");
  if (Array.isArray(value)) {
    if (!lengthFits(value, schema)) report("value");
    if (schema.uniqueItems && new Set(value.map(canonical)).size < value.length) {
      report("duplicate-id");
    }
    value.forEach((item, i) => {
      const child = schema.prefixItems?.[i] ?? schema.items;
      if (child !== undefined) descend(i, item, child);
    });
  }
  if (isObject(value)) checkMembers(value, schema, report, descend, pointer);
  for (const child of schema.allOf ?? []) {
    problems.push(...schemaProblems(value, child, root, pointer));
  }
  const passes = (child) => schemaProblems(value, child, root, pointer).length === 0;
  if (schema.oneOf !== undefined && schema.oneOf.filter(passes).length !== 1) report("value");
  if (schema.anyOf !== undefined && !schema.anyOf.some(passes)) report("value");
  if (schema.not !== undefined && passes(schema.not)) report("value");
  if (schema.if !== undefined) {
    const branch = passes(schema.if) ? schema.then : schema.else;
    if (branch !== undefined) problems.push(...schemaProblems(value, branch, root, pointer));
  }
  return problems;
}

function resolveReference(reference, root) {
  return reference
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .reduce((schema, part) => schema[part.replaceAll("~1", "/").replaceAll("~0", "~")], root);
}

function stringFits(value, { minLength = 0, maxLength = Infinity, pattern }) {
  const length = [...value].length;
  if (length < minLength || length > maxLength) return false;
  return pattern === undefined || new RegExp(pattern, "u").test(value);
}

function numberFits(value, schema) {
  return (
    !(value < schema.minimum) &&
    !(value > schema.maximum) &&
    !(value <= schema.exclusiveMinimum) &&
    !(value >= schema.exclusiveMaximum)
  );
}

function lengthFits(value, { minItems = 0, maxItems = Infinity }) {
  return value.length >= minItems && value.length <= maxItems;
}

function checkMembers(value, schema, report, descend, pointer) {
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) report("missing-key", pointer + pointerPart(name));
  }
  if (Object.keys(value).length < (schema.minProperties ?? 0)) report("value");
  if (Object.keys(value).length > (schema.maxProperties ?? Infinity)) report("value");
  for (const [name, member] of Object.entries(value)) {
    if (schema.propertyNames !== undefined) descend(name, name, schema.propertyNames);
    if (Object.hasOwn(schema.properties ?? {}, name)) {
      descend(name, member, schema.properties[name]);
    } else if (schema.additionalProperties === false) {
      report("unknown-key", pointer + pointerPart(name));
    } else if (schema.additionalProperties !== undefined) {
      descend(name, member, schema.additionalProperties);
    }
  }
}
