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

/** A slide whose content is too high for 720 pixels is drawn smaller, down to half its size. */
function fit(slide) {
  const drawings = slide.querySelectorAll(".drawing svg");
  for (const drawing of drawings) drawing.style.height = `${400 / drawings.length}px`;
  const parts = [...slide.children].filter((part) => part.tagName !== "ASIDE");
  for (let scale = 1; slide.scrollHeight > 720 && scale > 0.5; scale -= 0.05)
    for (const part of parts) part.style.zoom = scale - 0.05;
}
Reveal.on("ready", (event) => fit(event.currentSlide));
Reveal.on("slidechanged", (event) => fit(event.currentSlide));
