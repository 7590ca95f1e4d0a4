// Cuts Chinese questions into words, as the index was cut when it was made. Sphinx' search takes this function if there is one.
const emptyWords = new Set(["怎么", "怎样", "如何", "什么", "为什么", "怎么办", "可以", "哪个", "是否", "一个", "一下", "使用"]);
const segmenter = new Intl.Segmenter("zh", { granularity: "word" });
var splitQuery = (query) =>
  Array.from(segmenter.segment(query))
    .filter((part) => part.isWordLike)
    .map((part) => part.segment)
    .filter((word) => !(emptyWords.has(word) || /^\p{Script=Han}$/u.test(word)));
