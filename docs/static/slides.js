// Formulas first, then reveal.js, which measures what it shows.
const delimiters = [
  { left: "\\[", right: "\\]", display: true },
  { left: "\\(", right: "\\)", display: false },
];
renderMathInElement(document.body, { delimiters, throwOnError: false, strict: false });
// A formula that is wider than its slide gets smaller letters.
for (const section of document.querySelectorAll(".slides > section")) {
  section.style.display = "block";
  section.style.width = "1280px";
  for (const formula of section.querySelectorAll(".katex-display")) {
    const share = formula.clientWidth / formula.scrollWidth;
    if (share < 1) formula.style.fontSize = `${0.97 * share}em`;
  }
  section.style.display = section.style.width = "";
}
Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  center: false,
  hash: true,
  transition: "none",
  plugins: [RevealNotes],
});
