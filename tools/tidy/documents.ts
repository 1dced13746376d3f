import { posix } from "node:path";
import { type Finding, hasFile, matches, type Rule, type Tree, type TreeFile } from "./tree.ts";

// A feature's page bears the feature's name, or the name of the chapter that tells of it.
const PAGE_OF: Readonly<Record<string, string>> = {
  errors: "docs/error-pages.md",
  forward: "docs/upstreams.md",
};

const MACHINE_PATH = /(?<![\w.~})\]-])\/(?:root|work|tmp|home\/[a-z]\w*|Users\/\w+)\/[\w.-]+/g;
const REGISTRY =
  /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\/\/[a-z0-9.-]*(?:artifactory|nexus|verdaccio)\b/gi;

export const documents: Rule = {
  name: "documents",
  find(tree) {
    const pages = tree.files.filter((file) => file.path.endsWith(".md"));
    return [
      ...pages.flatMap(titleOf),
      ...pages.flatMap((page) => brokenLinks(tree, page)),
      ...unlinkedPages(tree, pages),
      ...missingFaults(tree),
      ...featuresWithoutPages(tree),
      ...tree.files.flatMap(placesOfOurs),
      ...folderList(tree),
    ];
  },
};

function finding(path: string, line: number, message: string): Finding {
  return { rule: "documents", path, line, message };
}

function titleOf(page: TreeFile): Finding[] {
  return /^# \S/.test(page.text) ? [] : [finding(page.path, 1, "must begin with `# Title`")];
}

/** Links to files of the repository; anchors and the web are not looked at. */
function linksOf(page: TreeFile): { target: string; line: number }[] {
  const text = page.text.replaceAll(/```[\s\S]*?```/g, (code) => code.replaceAll(/[^\n]/g, " "));
  const links: { target: string; line: number }[] = [];
  for (const { match, line } of matches(text, /\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)) {
    if (/^[a-z]+:/.test(match[1]!)) continue;
    links.push({ target: posix.normalize(posix.join(posix.dirname(page.path), match[1]!)), line });
  }
  return links;
}

function brokenLinks(tree: Tree, page: TreeFile): Finding[] {
  return linksOf(page)
    .filter(({ target }) => !hasFile(tree, target) && !hasFolder(tree, target))
    .map(({ target, line }) => finding(page.path, line, `links to ${target}, which is not there`));
}

function hasFolder(tree: Tree, path: string): boolean {
  const folder = path.endsWith("/") ? path : `${path}/`;
  return tree.files.some((file) => file.path.startsWith(folder));
}

function unlinkedPages(tree: Tree, pages: readonly TreeFile[]): Finding[] {
  const contents = tree.files.find((file) => file.path === "docs/README.md");
  const linked = new Set(
    contents === undefined ? [] : linksOf(contents).map((link) => link.target),
  );
  return pages
    .filter((page) => page.path.startsWith("docs/") && page !== contents && !linked.has(page.path))
    .map((page) => finding(page.path, 1, "is not linked from docs/README.md"));
}

function missingFaults(tree: Tree): Finding[] {
  const text = tree.files.find((file) => file.path === "docs/faults.md")?.text ?? "";
  return tree.faultCodes
    .filter((code) => !text.includes(`\`${code}\``))
    .map((code) => finding("docs/faults.md", 1, `has no row for ${code}: run npm run docs`));
}

function featuresWithoutPages(tree: Tree): Finding[] {
  const paths = tree.files.map((file) => file.path);
  const folders = new Set(
    paths.flatMap((path) => /^src\/features\/([^/]+)\//.exec(path)?.[1] ?? []),
  );
  return [...folders].flatMap((name) => {
    const place = `src/features/${name}`;
    const page = PAGE_OF[name] ?? `docs/${name}.md`;
    const found: Finding[] = [];
    if (!paths.includes(page)) found.push(finding(place, 1, `has no page: ${page}`));
    if (!paths.some((path) => path.startsWith(`${place}/`) && path.endsWith(".test.ts"))) {
      found.push(finding(place, 1, "has no test"));
    }
    return found;
  });
}

/** The repository speaks of itself: no path of one machine, no host of one registry. */
function placesOfOurs(file: TreeFile): Finding[] {
  const found: Finding[] = [];
  for (const { match, line } of matches(file.text, MACHINE_PATH)) {
    found.push(finding(file.path, line, `names a path of one machine: ${match[0]}`));
  }
  for (const { match, line } of matches(file.text, REGISTRY)) {
    found.push(finding(file.path, line, `names a package registry: ${match[0]}`));
  }
  return found;
}

/** ARCHITECTURE.md names every folder of src/, and none that is gone. */
function folderList(tree: Tree): Finding[] {
  const path = "ARCHITECTURE.md";
  const tour = tree.files.find((file) => file.path === path);
  if (tour === undefined) return [];
  const present = new Set(
    tree.files.flatMap((file) => /^src\/[^/]+(?=\/)/.exec(file.path)?.[0] ?? []),
  );
  const named = [...matches(tour.text, /`(src\/[a-z-]+)\/`/g)];
  const missing = [...present].filter((folder) => !tour.text.includes(`\`${folder}/\``));
  const gone = named.filter(({ match }) => !present.has(match[1]!));
  return [
    ...missing.map((folder) => finding(path, 1, `does not name \`${folder}/\``)),
    ...gone.map(({ match, line }) => finding(path, line, `names ${match[1]}/, which is not there`)),
  ];
}
