/**
 * Answers the conformance vectors of a bundle (section 20):
 *
 *     node spec/ports/javascript/answers.js BUNDLE.json > ANSWERS.json
 */

import { readFileSync } from "node:fs";
import { argv, exit, stderr, stdout } from "node:process";
import { fileURLToPath } from "node:url";

import { canonical, parse } from "./canonical.js";
import { specDigest } from "./documents.js";
import { Invalid } from "./invalid.js";
import { OPERATIONS } from "./operations/index.js";

/** The vector files of a bundle by section, the name of their folder. */
export function vectorSections(bundle) {
  const sections = new Map();
  for (const path of Object.keys(bundle).filter((name) => name.startsWith("conformance/")).sort()) {
    const section = path.split("/")[2];
    if (!sections.has(section)) sections.set(section, []);
    sections.get(section).push(bundle[path]);
  }
  return sections;
}

/** The output of one case. */
export function answer(operation, input, bundle) {
  try {
    return OPERATIONS[operation](input, bundle);
  } catch (problem) {
    if (problem instanceof Invalid) return { error: problem.id };
    throw problem;
  }
}

/** The answers file. Claimed are the sections of which this port has every operation. */
export function answersOf(bundle, implementation) {
  const sections = [];
  const answers = {};
  for (const [section, files] of vectorSections(bundle)) {
    const known = files.filter(({ operation }) => Object.hasOwn(OPERATIONS, operation));
    if (known.length === files.length) sections.push(section);
    for (const { operation, cases } of known) {
      for (const { id, input } of cases) answers[id] = answer(operation, input, bundle);
    }
  }
  return {
    schema: "biobench.answers/1",
    spec: { version: bundle["suite.yaml"].spec_version, digest: specDigest(bundle) },
    implementation,
    sections,
    answers,
  };
}

function main() {
  if (argv.length !== 3) {
    stderr.write("usage: node answers.js BUNDLE.json > ANSWERS.json\n");
    exit(2);
  }
  const { name, version } = parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
  const bundle = parse(readFileSync(argv[2], "utf8"));
  stdout.write(`${canonical(answersOf(bundle, { name, version, language: "JavaScript" }))}\n`);
}

if (argv[1] === fileURLToPath(import.meta.url)) main();
