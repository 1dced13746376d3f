import { basename } from "node:path";
import { type Finding, isTypeScript, type Rule } from "./tree.ts";

// They say what a file is not about.
const FORBIDDEN = /^(?:utils?|helpers?|common|misc|types|constants|managers?)$/;
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|bench|fuzz|config|d))*\.ts$/;
const INDEXES = new Set(["src/index.ts", "src/features/index.ts"]);

export const names: Rule = {
  name: "names",
  find(tree) {
    const found: Finding[] = [];
    const paths = tree.files.map((file) => file.path);
    for (const path of paths.filter(isTypeScript)) {
      const stem = basename(path).split(".")[0]!;
      if (FORBIDDEN.test(stem))
        found.push(finding(path, `"${stem}" is no subject: name the noun inside`));
      else if (stem === "index" && !INDEXES.has(path)) {
        found.push(finding(path, "only src/ and src/features/ have an index"));
      } else if (!KEBAB.test(basename(path))) {
        found.push(finding(path, "file names are kebab-case"));
      }
    }
    for (const folder of new Set(paths.flatMap(foldersOf))) {
      if (FORBIDDEN.test(basename(folder))) {
        found.push(finding(folder, `"${basename(folder)}" is no subject: name the noun inside`));
      }
    }
    return found;
  },
};

function finding(path: string, message: string): Finding {
  return { rule: "names", path, line: 1, message };
}

function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
