// Prints, as JSON, the pages that Sphinx' own search finds for each question, best first.
// node ranked.js SITE < questions.json
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const site = process.argv[2];
const element = { dataset: {}, appendChild: () => element, classList: { add: () => {} } };
const page = {
  console,
  document: { getElementById: () => null, documentElement: element, readyState: "loading", addEventListener: () => {} },
  localStorage: { setItem: () => {} },
  URLSearchParams,
  Intl,
  SPHINX_HIGHLIGHT_ENABLED: false,
  _ready: () => {},
  _: (words) => words,
};
page.window = page;
vm.createContext(page);
const scripts = ["documentation_options.js", "chinese.js", "language_data.js", "searchtools.js"].map((name) => `_static/${name}`);
const html = fs.readFileSync(path.join(site, "search.html"), "utf8");
const text = scripts
  .filter((name) => html.includes(name))
  .concat("searchindex.js")
  .map((name) => fs.readFileSync(path.join(site, name), "utf8"))
  .join("\n;\n");
vm.runInContext(`${text}\n;window.ranked = (q) => Search._performSearch(...Search._parseQuery(q)).reverse();`, page);
const questions = JSON.parse(fs.readFileSync(0, "utf8"));
const pages = (question) => [...new Set(page.ranked(question).map((found) => found[0]))];
console.log(JSON.stringify(Object.fromEntries(questions.map((question) => [question, pages(question).slice(0, 5)]))));
