// Cuts Chinese questions into words of the index, the longest first; Sphinx' search takes this function if there is one. Other signs
// between words are left out, as are words that ask.
const asking = new Set(["怎么", "怎样", "如何", "什么", "为什么", "怎么办", "可以", "哪个", "是否", "使用", "一个"]);

const longestWord = (text) => {
  const { terms, titleterms } = Search._index;
  for (let length = Math.min(text.length, 8); length > 1; length--) {
    const word = text.slice(0, length);
    if (asking.has(word) || Object.hasOwn(terms, word) || Object.hasOwn(titleterms, word)) return word;
  }
  return text[0];
};

const chineseWords = (text) => {
  const words = [];
  while (text) {
    const word = longestWord(text);
    if (word.length > 1 && !asking.has(word)) words.push(word);
    text = text.slice(word.length);
  }
  return words;
};

var splitQuery = (query) =>
  (query.match(/\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{Letter}\p{Number}_])+/gu) || []).flatMap((part) =>
    /^\p{Script=Han}/u.test(part) ? chineseWords(part) : [part],
  );

// Sphinx 9.0 asks for a stemmer of this name and does not define it (findings/sphinx_chinese_search.sh). The index was made with the
// English one, which leaves Chinese words as they are.
class ChineseStemmer {
  stemWord(word) {
    return new EnglishStemmer().stemWord(word);
  }
}
