// Shows cards as Teams does, as near as Microsoft's renderer comes to it: its
// sizes, its colours in light and in dark, six buttons beside one another at the
// most, no button of more than one line, and Markdown where a card has it.
const teams = (() => {
  const shades = {
    light: {
      page: "#f5f5f5", card: "#ffffff", text: "#242424", subtle: "#616161", line: "#d1d1d1", field: "#ffffff",
      button: "#ffffff", primary: "#5b5fc7", onPrimary: "#ffffff", edge: "#757575",
      boxes: { emphasis: "#f0f0f0", accent: "#e8ebfa", good: "#e7f2da", attention: "#fcf4f6", warning: "#fbf6d9" },
      colours: { accent: "#4f52b2", good: "#237b4b", attention: "#c4314b", warning: "#835c00" },
    },
    dark: {
      page: "#1f1f1f", card: "#292929", text: "#ffffff", subtle: "#adadad", line: "#525252", field: "#141414",
      button: "#292929", primary: "#7f85f5", onPrimary: "#0a0a0a", edge: "#999999",
      boxes: { emphasis: "#333333", accent: "#2f2f4a", good: "#1d3524", attention: "#3e1f24", warning: "#3a3018" },
      colours: { accent: "#aab1fa", good: "#92c353", attention: "#f9526b", warning: "#ffd335" },
    },
  };

  function hostConfig(shade) {
    const foreground = {};
    const plain = { default: shade.text, subtle: shade.subtle };
    for (const name of ["default", "dark", "light"]) foreground[name] = plain;
    for (const [name, colour] of Object.entries(shade.colours)) foreground[name] = { default: colour, subtle: colour };
    const containers = { default: { backgroundColor: shade.card, foregroundColors: foreground } };
    for (const [name, colour] of Object.entries(shade.boxes)) {
      containers[name] = { backgroundColor: colour, foregroundColors: foreground };
    }
    return {
      supportsInteractivity: true,
      fontFamily: "'Segoe UI', 'DejaVu Sans', sans-serif",
      fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
      fontWeights: { lighter: 200, default: 400, bolder: 600 },
      spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
      separator: { lineThickness: 1, lineColor: shade.line },
      textBlock: { headingLevel: 2 },
      textStyles: { heading: { size: "large", weight: "bolder", color: "default" } },
      containerStyles: containers,
      actions: { maxActions: 6, buttonSpacing: 8, actionsOrientation: "horizontal", actionAlignment: "left" },
      inputs: {
        label: { inputSpacing: "small", requiredInputs: { suffix: " *", suffixColor: "default" }, optionalInputs: {} },
        errorMessage: { color: "attention", spacing: "small" },
      },
    };
  }

  function style(shade) {
    const sheet = document.createElement("style");
    sheet.textContent = `
      body { margin: 0; background: ${shade.page}; color: ${shade.text}; font-family: "DejaVu Sans", sans-serif; }
      main { display: block; } section { margin: 0 0 24px; background: ${shade.card}; }
      h1 { font-size: 12px; font-weight: 400; margin: 0 0 4px; color: ${shade.subtle}; background: ${shade.page}; }
      .ac-input:not(.ac-toggleInput), input.ac-input { box-sizing: border-box; width: 100%; min-height: 32px; padding: 5px 12px; font: inherit; font-size: 14px;
        color: ${shade.text}; background: ${shade.field}; border: 1px solid ${shade.edge}; border-radius: 4px; }
      ::placeholder { color: ${shade.subtle}; opacity: 1; }
      .ac-pushButton { min-height: 32px; max-width: 100%; padding: 5px 12px; font: inherit; font-size: 14px;
        font-weight: 600; text-align: center; color: ${shade.text}; background: ${shade.button};
        border: 1px solid ${shade.edge}; border-radius: 4px; cursor: pointer; }
      .ac-pushButton.style-positive { color: ${shade.onPrimary}; background: ${shade.primary}; border-color: ${shade.primary}; }
      .ac-container.ac-selectable { border-radius: 4px; cursor: pointer; }`;
    document.head.append(sheet);
  }

  const shown = {};
  const markdown = window.markdownit();
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = markdown.render(text);
    result.didProcess = true;
  };

  return {
    // Shows all cards below one another, and gives what the renderer has to
    // say of them.
    show(cards, look) {
      const shade = shades[look];
      document.documentElement.lang = "nl";
      document.title = "Teams";
      style(shade);
      const main = document.body.appendChild(document.createElement("main"));
      const found = [];
      for (const { Name, Card } of cards) {
        const context = new AdaptiveCards.SerializationContext();
        const card = new AdaptiveCards.AdaptiveCard();
        card.hostConfig = new AdaptiveCards.HostConfig(hostConfig(shade));
        card.parse(Card, context);
        const sent = [];
        card.onExecuteAction = (action) => sent.push(
          { Type: action.getJsonTypeName(), Data: action.data ?? null, URL: action.url ?? "" });
        for (const e of context._events ?? context._validationEvents ?? []) found.push(Name + ": " + e.message);
        for (const e of card.validateProperties().validationEvents) found.push(Name + ": " + e.message);
        const section = document.createElement("section");
        section.dataset.name = Name;
        section.append(card.render());
        main.append(Object.assign(document.createElement("h1"), { textContent: Name }), section);
        shown[Name] = { section, sent };
      }
      return found;
    },

    // What of a card sticks out at the side, cannot be reached by the keyboard,
    // or is cut off.
    faults(width) {
      const found = [];
      for (const [name, { section }] of Object.entries(shown)) {
        const edge = section.getBoundingClientRect().right;
        for (const e of section.querySelectorAll("*")) {
          if (e.getBoundingClientRect().right > edge + 1) found.push(name + " sticks out: " + e.outerHTML.slice(0, 120));
        }
        for (const e of section.querySelectorAll("button, input, a, [role=button]")) {
          if (!e.disabled && e.tabIndex < 0) found.push(name + " cannot be reached: " + e.outerHTML.slice(0, 120));
        }
      }
      return found;
    },

    // Labels of buttons that do not fit.
    cut() {
      return [...document.querySelectorAll(".ac-pushButton div")]
        .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText);
    },

    // What can be read in a card, and the markup that is more than text.
    read(name) {
      const { section } = shown[name];
      return {
        Text: section.innerText,
        Markup: [...section.querySelectorAll("a, em, strong, b, i, code, pre, ul, ol, s, img:not(.ac-image), script, h3, blockquote")].map((e) => e.outerHTML),
      };
    },

    // Fills the fields in, in their order, presses a button, and gives what is
    // sent.
    press(name, title, fields) {
      const { section, sent } = shown[name];
      section.querySelectorAll("input:not([type=checkbox])").forEach((input, i) => {
        input.value = fields[i] ?? "";
        input.dispatchEvent(new Event("input"));
      });
      sent.length = 0;
      [...section.querySelectorAll("button, [role=button]")].find((b) => b.ariaLabel === title).click();
      return { Sent: sent, Text: section.innerText };
    },

    // Leaves one card alone on the page, and tells where it is.
    alone(name) {
      for (const [other, { section }] of Object.entries(shown)) {
        section.hidden = section.previousSibling.hidden = other !== name;
      }
      const box = shown[name].section.getBoundingClientRect();
      return { X: box.x + scrollX, Y: box.y + scrollY, Width: box.width, Height: box.height };
    },
  };
})();
