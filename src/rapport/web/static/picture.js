// A picture of what a page shows: <button data-png="CSS selector of the figure" data-name="file's name">.
// The figure is painted as the page lays it out: backgrounds, the shapes of drawings, and each word at its place.
(() => {
  "use strict";
  const SCALE = 2, MARGIN = 16;
  const seen = (style) => style.display !== "none" && style.visibility !== "hidden" && style.opacity !== "0";
  const solid = (colour) => colour && colour !== "none" && colour !== "transparent" && !/, 0\)$/.test(colour);
  function shape(pen, one, style, at) {
    const place = one.getScreenCTM(), number = (name) => Number(one.getAttribute(name) || 0);
    let path;
    if (one.tagName === "path") path = new Path2D(one.getAttribute("d"));
    else if (one.tagName === "rect") { path = new Path2D(); path.roundRect(number("x"), number("y"), number("width"), number("height"), number("rx")); }
    if (!path || !place) return;
    pen.save();
    pen.setTransform(SCALE * place.a, SCALE * place.b, SCALE * place.c, SCALE * place.d, SCALE * (place.e - at.x), SCALE * (place.f - at.y));
    if (solid(style.fill)) { pen.globalAlpha = Number(style.fillOpacity); pen.fillStyle = style.fill; pen.fill(path); }
    if (solid(style.stroke)) { pen.globalAlpha = Number(style.strokeOpacity); pen.strokeStyle = style.stroke; pen.lineWidth = parseFloat(style.strokeWidth); pen.stroke(path); }
    pen.restore();
  }
  function words(pen, node, style, at) {
    const range = document.createRange();
    pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    pen.fillStyle = node.parentElement instanceof SVGElement ? style.fill : style.color;
    pen.textBaseline = "middle";
    for (const word of node.data.matchAll(/\S+/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const box = range.getBoundingClientRect();
      if (!box.width) continue;
      pen.letterSpacing = "0px"; // digits of a table are of one width, which a canvas does not know
      pen.letterSpacing = `${(box.width - pen.measureText(word[0]).width) / word[0].length}px`;
      pen.fillText(word[0], box.left - at.x, box.top - at.y + box.height / 2 + 1);
    }
  }
  function paint(figure) {
    const box = figure.getBoundingClientRect(), at = { x: box.left - MARGIN, y: box.top - MARGIN };
    const canvas = document.createElement("canvas");
    canvas.width = SCALE * (box.width + 2 * MARGIN);
    canvas.height = SCALE * (box.height + 2 * MARGIN);
    const pen = canvas.getContext("2d");
    pen.scale(SCALE, SCALE);
    pen.fillStyle = getComputedStyle(figure.closest(".card") || document.body).backgroundColor;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    for (const one of [figure, ...figure.querySelectorAll("*")]) {
      const style = getComputedStyle(one);
      if (one.closest(".sr") || !seen(style)) continue;
      if (one instanceof SVGGeometryElement) { shape(pen, one, style, at); continue; }
      if (!(one instanceof SVGElement) && solid(style.backgroundColor)) {
        const here = one.getBoundingClientRect();
        pen.fillStyle = style.backgroundColor;
        pen.fillRect(here.left - at.x, here.top - at.y, here.width, here.height);
      }
      if (one instanceof SVGTitleElement) continue;
      for (const node of one.childNodes) if (node.nodeType === Node.TEXT_NODE && node.data.trim()) words(pen, node, style, at);
    }
    return canvas.toDataURL("image/png");
  }
  function picture(figure) {
    const chart = window.echarts?.getInstanceByDom(figure);
    if (!chart) return paint(figure);
    return chart.getDataURL({ type: "png", pixelRatio: SCALE, backgroundColor: getComputedStyle(figure.closest(".card") || document.body).backgroundColor });
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-png]");
    const figure = button && document.querySelector(button.dataset.png);
    if (!figure) return;
    const link = document.createElement("a");
    link.href = picture(figure);
    link.download = `${button.dataset.name}.png`;
    link.click();
  });
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-png]")) button.hidden = !document.querySelector(button.dataset.png);
  });
})();
