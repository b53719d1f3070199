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
if (location.search.includes("print-pdf"))
  // Without a window no frames are drawn that the layout for paper could wait for.
  window.requestAnimationFrame = (call) => setTimeout(() => call(performance.now()), 16);
const { deck } = document.body.dataset;
Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  center: false,
  hash: true,
  transition: "none",
  pdfSeparateFragments: false,
  pdfMaxPagesPerSlide: 1,
  slideNumber: (slide) => [`${deck} · ${Reveal.getSlides().indexOf(slide) + 1}`],
  plugins: [RevealNotes],
});

/** What is too high for its slide is drawn smaller, down to a third; explorers as large as they can. */
function fit(slide) {
  const drawings = slide.querySelectorAll(".drawing svg");
  for (const drawing of drawings) drawing.style.height = `${410 / drawings.length}px`;
  const parts = [...slide.children].filter((part) => !/^(ASIDE|H2)$/.test(part.tagName));
  const top = slide.getBoundingClientRect().top;
  const bottom = () => Math.max(0, ...parts.map((part) => part.getBoundingClientRect().bottom));
  const zoom = (scale) => parts.forEach((part) => (part.style.zoom = scale));
  const room = 680 * (slide.getBoundingClientRect().height / 720 || 1);
  let scale = slide.querySelector(".live .aae") ? 1.4 : 1;
  for (zoom(scale); bottom() - top > room && scale > 0.35; zoom(scale)) scale -= 0.05;
}
Reveal.on("ready", (event) => fit(event.currentSlide));
Reveal.on("slidechanged", (event) => fit(event.currentSlide));
addEventListener("load", () => setTimeout(() => fit(Reveal.getCurrentSlide()), 300));
Reveal.on("pdf-ready", () => Reveal.getSlides().forEach(fit));

// Keys that move an explorer don't turn the slide.
for (const part of document.querySelectorAll(".live"))
  part.addEventListener("keydown", (event) => event.stopPropagation());
