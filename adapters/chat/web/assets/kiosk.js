// A shared screen: when nobody is there any more, everything is erased. All
// windows of this browser tell one another that somebody is there, because a
// password is typed in a second one.
"use strict";

const kiosk = (() => {
  const dialog = document.getElementById("kiosk");
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("resetbot") : null;
  let last = Date.now();
  let over = 0; // since when the page is an end
  let told = 0;

  function here(event) {
    const leaving = event?.target?.value === "erase" || event?.key === "Tab";
    if (dialog?.open && leaving) return; // on the way to the button that erases
    last = Date.now();
    if (dialog?.open) dialog.close();
    if (channel && last - told > 1000) {
      told = last;
      channel.postMessage("here");
    }
  }

  function erase() {
    channel?.postMessage("erase");
    leave();
  }

  function leave() {
    document.querySelectorAll(".app").forEach((app) => app.replaceChildren());
    if (dialog?.open) dialog.close();
    document.getElementById("erase").submit();
  }

  function tick() {
    const now = Date.now();
    const rests = (now - last) / 1000;
    const { idle, grace, over: after } = dialog.dataset;
    if (over && (now - over) / 1000 >= after && rests >= 10) return erase();
    if (rests >= +idle + +grace) return erase();
    if (rests < idle) return;
    dialog.querySelector(".digits").textContent = Math.ceil(+idle + +grace - rests);
    if (!dialog.open) dialog.showModal();
  }

  if (channel) {
    channel.onmessage = (message) => {
      if (message.data === "erase") {
        leave();
      } else {
        last = Date.now();
        if (dialog?.open) dialog.close();
      }
    };
  }
  if (dialog) {
    for (const kind of ["pointerdown", "keydown", "input", "wheel", "touchmove"]) {
      document.addEventListener(kind, here, { passive: true });
    }
    dialog.addEventListener("click", (event) => {
      if (event.target.value === "erase") erase();
    });
    dialog.addEventListener("cancel", here);
    setInterval(tick, 1000);
  }
  // Every end can be erased by hand, also where the screen is nobody else's.
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form.over")) channel?.postMessage("erase");
  });

  return {
    // page is told whether what is shown now is an end.
    page(isOver) {
      over = isOver ? over || Date.now() : 0;
    },
  };
})();
