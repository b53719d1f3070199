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

/**
 * What is too high for its slide is drawn smaller: its figures first, down to LEAST, then
 * everything, down to a third. Explorers are as large as they can be.
 */
const LEAST = 300;
function fit(slide) {
  const parts = [...slide.children].filter((part) => !/^(ASIDE|H2)$/.test(part.tagName));
  const top = slide.getBoundingClientRect().top;
  const unit = slide.getBoundingClientRect().height / 720 || 1;
  const bottom = () => Math.max(0, ...parts.map((part) => part.getBoundingClientRect().bottom));
  const over = () => (bottom() - top) / unit - 680;
  const zoom = (scale) => parts.forEach((part) => (part.style.zoom = scale));
  zoom(1);
  for (const figure of slide.querySelectorAll("img, .drawing svg")) {
    if (figure.closest(".live [data-aae-widget], .aae-menus, .phases") || !figure.getClientRects().length)
      continue;
    figure.style.height = "";
    if (figure.naturalWidth && !figure.closest(".beside")) {
      const full = (figure.offsetWidth * figure.naturalHeight) / figure.naturalWidth;
      if (full < figure.offsetHeight) figure.style.height = `${full}px`;
    }
    const height = figure.getBoundingClientRect().height / unit;
    if (over() > 0) figure.style.height = `${Math.max(LEAST, height - over() - 2)}px`;
  }
  let scale = slide.querySelector(".live .aae")?.offsetParent ? 2 : 1;
  for (zoom(scale); over() > 0 && scale > 0.35; zoom(scale)) scale -= 0.05;
}
Reveal.on("ready", (event) => fit(event.currentSlide));
Reveal.on("slidechanged", (event) => fit(event.currentSlide));
addEventListener("load", () => setTimeout(() => fit(Reveal.getCurrentSlide()), 300));
// on paper once more, when explorers have drawn themselves
const fitAll = () => Reveal.getSlides().forEach(fit);
Reveal.on("pdf-ready", () => [0, 500, 2000].forEach((wait) => setTimeout(fitAll, wait)));

// Keys that move an explorer don't turn the slide.
for (const part of document.querySelectorAll(".live"))
  part.addEventListener("keydown", (event) => event.stopPropagation());
