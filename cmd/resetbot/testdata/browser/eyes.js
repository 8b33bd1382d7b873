// What somebody before a screen can see and reach, in the page and in the
// frames of the same origin within it. A test evaluates this in front of what
// it asks.
const eyes = (() => {
  // Every document that is shown, with where its frame begins.
  function* documents(root = document, x = 0, y = 0) {
    yield { root, x, y };
    for (const frame of root.querySelectorAll("iframe")) {
      if (!frame.contentDocument || !frame.checkVisibility()) continue;
      const box = frame.getBoundingClientRect();
      yield* documents(frame.contentDocument, x + box.x + frame.clientLeft, y + box.y + frame.clientTop);
    }
  }

  function shown(element) {
    return element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  }

  function find(selector) {
    for (const { root, x, y } of documents()) {
      const element = [...root.querySelectorAll(selector)].find(shown);
      if (element) return { element, root, x, y };
    }
    return null;
  }

  return {
    // Where a click meets an element; null while none is there, or something
    // lies over it, or it cannot be used.
    point(selector) {
      const found = find(selector);
      if (!found || found.element.disabled) return null;
      const { element, root, x, y } = found;
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const [box] = element.getClientRects();
      const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      const top = root.elementFromPoint(at.x, at.y);
      if (!top || (top !== element && !element.contains(top) && !top.closest("label")?.contains(element))) return null;
      // The frame may have scrolled with it.
      const moved = find(selector);
      return moved && { x: moved.x + at.x, y: moved.y + at.y };
    },

    // Everything that can be read.
    text() {
      return [...documents()].map(({ root }) => root.body?.innerText || "").join("\n");
    },

    // The text of one element; null where there is none.
    read(selector) {
      return find(selector)?.element.innerText ?? null;
    },

    // The texts of all elements in the frame that has the first.
    all(selector) {
      const found = find(selector);
      return found ? [...found.root.querySelectorAll(selector)].map((element) => element.innerText) : [];
    },

    // The page of the wizard that is shown.
    page() {
      return find("[data-page]")?.element.dataset.page ?? "";
    },

    // Whether the keyboard is on an element, and one can see that it is.
    focused(selector) {
      for (const { root } of documents()) {
        const element = root.activeElement;
        if (!root.hasFocus() || !element?.matches(selector) || element.matches("iframe")) continue;
        const style = getComputedStyle(element);
        const around = getComputedStyle(element.closest(".say") || element);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
          || around.outlineStyle !== "none" && parseFloat(around.outlineWidth) >= 2 ? "seen" : "unseen";
      }
      return "";
    },
  };
})();
