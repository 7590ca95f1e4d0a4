// How search ranks pages: Sphinx' numbers, but pages that explain come before pages that list.
const lists = /^(names|ops|architecture|compiling|cpython|measurements|notes\/.*|how-to\/index|lessons\/index|api\/lineal\.array_api.*)$/;
var Scorer = {
  score: ([page, , , , score]) => score + (lists.test(page) ? -12 : page.startsWith("api/") ? 0 : 3),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
